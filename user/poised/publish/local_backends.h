/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Backends that are sockets of this host: looked for when a check says something and each second,
 * as the socket of a server that was restarted is another one. A backend can be reached while its
 * socket was found.
 */
#ifndef POISE_LOCALS_H
#define POISE_LOCALS_H

#include <stdbool.h>
#include <stddef.h>

#include "local.h"
#include "sweep.h"

struct locals;
struct reconcile;
struct run_backend;
struct run_service;

int locals_open(struct reconcile *rec, struct locals **out); /* 0 or -errno */
/* What is attached stays. closed is called once its handles are; NULL is fine. */
void locals_close(struct locals *locals, void (*closed)(struct reconcile *rec));

/* Gets hold of what a configuration with services in mode local may fail for. 0, or -errno with
 * *error and its path. */
int locals_plan(struct reconcile *rec, const struct conf *conf, struct conf_error *error);
/* A plan came to nothing: what it made is taken off, if nobody else needs it. */
void locals_undo(struct reconcile *rec);
/* rec's services are new: looks for all of their sockets. */
void locals_commit(struct reconcile *rec);
/* They are published: look-ups are led to them, or no more if there are none. */
void locals_committed(struct reconcile *rec);

bool locals_has(const struct run_service *service); /* its mode is local */
/* Something was heard of a backend of such a service: looks for its socket. */
void locals_look(struct run_backend *backend);
/* Why it cannot be reached; NULL: it can. */
const char *locals_trouble(const struct run_backend *backend);

/* ---- connections, for a pass over what flows there are */

struct locals_place {
	__u32 service;
	__u16 port, target;
	struct addr addr;
	struct local_count count;
};

struct locals_pass {
	struct local *local; /* held; NULL: no service in mode local */
	struct locals_place *places;
	size_t count;
};

/* Takes down whose connections are to be counted. 0 or -ENOMEM. */
int locals_pass_begin(struct reconcile *rec, struct locals_pass *pass);
/* In any thread: adds to the flows of each target. 0 or -errno. */
int locals_pass_run(struct locals_pass *pass, struct sweep_flows *flows);
void locals_pass_free(struct locals_pass *pass); /* also one that did not begin */

#endif
