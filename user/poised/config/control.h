/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's configuration over time: read at start, merged on reload, changed through the API,
 * kept in the state file. Whatever changes it ends in reconcile_apply.
 */
#ifndef POISE_CONTROL_H
#define POISE_CONTROL_H

#include <jansson.h>

#include "config/instance.h"
#include "config/refusal.h"

struct sweep_wait;
struct uv_loop_s;
struct lb;
struct model;
struct control;

/* Mode nat was started with these, and keeps them until a restart. */
struct control_nat {
	__u32 flows;
	__u16 port_first, port_last;
};

struct control_options {
	struct uv_loop_s *loop;
	const char *instance; /* a valid name */
	const char *file;
	bool file_needed; /* else a missing file is an empty configuration */
	bool transient;   /* nothing is kept: neither state nor, at the end, pins */
};

/* Reads, adopts, publishes, attaches. What stands in the way is logged. 0 or -errno; then nothing
 * is left behind that was not there before. */
int control_start(const struct control_options *options, struct control **out);
/* Says that it is ready, to the log and the service manager. */
void control_ready(struct control *control);
/*
 * Saves the state and lets go; what is published stays, unless it is transient. NULL is fine. The
 * loop must run once more.
 */
void control_stop(struct control *control);

/*
 * Makes a tree what runs. Published and saved when it returns. 0 or -errno with *refusal.
 *
 * may_wait: -EAGAIN in place of a refusal that would be none in a moment, when numbers of backends
 * that are gone come free. Then nothing is changed, and control_await() tells when to try again.
 */
int control_set(struct control *control, const json_t *tree, bool may_wait,
		struct refusal *refusal);
/* Reads the file again: its changes are made to what runs. The same. */
int control_reload(struct control *control, bool may_wait, struct refusal *refusal);
void control_await(struct control *control, struct sweep_wait *wait);
/* Reloads, at once or in a moment. What is refused is logged. */
void control_reload_soon(struct control *control);

const json_t *control_running(const struct control *control); /* canonical */
struct model *control_reconcile(const struct control *control);
struct lb *control_lb(const struct control *control);
const struct control_nat *control_nat(const struct control *control);
long control_uptime_s(const struct control *control);
const struct instance *control_instance(const struct control *control);

#endif
