/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Backends that are sockets of this host: looked for when a check says something and each second,
 * as the socket of a server that was restarted is another one. A backend can be reached while its
 * socket was found.
 */
#ifndef POISE_LOCAL_BACKENDS_H
#define POISE_LOCAL_BACKENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "kernel/local.h"
#include "sweep/flow_sweep.h"

struct local_backends;
struct model;
struct live_backend;
struct live_service;

int local_backends_open(struct model *model, struct local_backends **out); /* 0 or -errno */
/* Leaves attached what is. Calls closed() once its handles are closed; NULL is fine. */
void local_backends_close(struct local_backends *all, void (*closed)(struct model *model));

/* Gets hold of what a configuration with services in mode local may fail for. 0, or -errno with
 * *error and its path. */
int local_backends_plan(struct model *model, const struct conf *conf, struct conf_error *error);
/* A plan came to nothing: what it made is taken off, if nobody else needs it. */
void local_backends_undo(struct model *model);
/* model's services are new: looks for all of their sockets. */
void local_backends_commit(struct model *model);
/* They are published: look-ups are led to them, or no more if there are none. */
void local_backends_committed(struct model *model);

/* Something was heard of a backend of such a service: looks for its socket. */
void local_backends_look(struct live_backend *backend);

/* ---- connections, for a sweep over what flows there are */

struct local_place {
	__u32 service;
	__u16 port, target;
	struct addr addr;
	struct local_count count;
};

struct local_sweep {
	struct local *local; /* held; NULL: no service in mode local */
	struct local_place *places;
	size_t count;
};

/* Takes down whose connections are to be counted. 0 or -ENOMEM. */
int local_sweep_begin(struct model *model, struct local_sweep *sweep);
/* In any thread: adds to the flows of each target. 0 or -errno. */
int local_sweep_run(struct local_sweep *sweep, struct sweep_tally *flows);
void local_sweep_free(struct local_sweep *sweep); /* also one that did not begin */

#endif
