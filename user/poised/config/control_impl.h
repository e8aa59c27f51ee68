/* SPDX-License-Identifier: BSD-2-Clause */
/* For control.c and start.c only. */
#ifndef POISE_CONTROL_IMPL_H
#define POISE_CONTROL_IMPL_H

#include <limits.h>
#include <uv.h>

#include "health/checker.h"
#include "config/control.h"
#include "kernel/lb.h"
#include "nexthop/nexthop.h"
#include "nexthop/own.h"
#include "apply/reconcile.h"
#include "config/state.h"

struct control {
	struct uv_loop_s *loop;
	struct instance instance;
	const char *file;
	bool file_needed;
	char pin_dir[PATH_MAX];
	bool pins_made; /* none were there */
	struct lb *lb;
	struct nexthop_table *nexthops;
	struct own_watch *own;
	struct checker *checker;
	struct model *model;
	struct control_nat nat;
	json_t *file_tree, *running; /* canonical */
	uv_timer_t save_timer;
	__u64 save_ms; /* how long the last save took */
	bool timer_open;
	__u64 started_ms; /* uv_now */
	struct sweep_wait reload_wait;
	bool reload_waits;
};

/*
 * Reads the configuration file, decodes it and looks for its interfaces. *out is the canonical
 * tree. 0 or -errno with *refusal.
 */
int control_file_read(const struct control *control, const struct conf *running, json_t **out,
		      struct refusal *refusal);

void control_health_changed(void *control); /* the state is to be saved soon */

void control_save_pending(struct control *control); /* what was to be saved soon, now */

/* "2 services, 6 backends" */
void control_status(const struct control *control, char *buf, size_t size);

#endif
