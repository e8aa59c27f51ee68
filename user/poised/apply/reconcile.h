/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From what is wanted to what packets see: configuration x health x next hop -> usable backends ->
 * targets and rows -> published. Start, reload, API call, health and next hop change all end here.
 *
 * Services are known by name, backends by service, address and port; numbers in maps follow.
 */
#ifndef POISE_RECONCILE_H
#define POISE_RECONCILE_H

#include <jansson.h>

#include "checker.h"
#include "conf.h"
#include "lb.h"
#include "nexthop.h"

struct uv_loop_s;
struct reconcile;

struct reconcile_deps {
	struct uv_loop_s *loop;
	struct lb *lb;
	struct nexthop_table *nexthops;
	struct checker *checker;
	void (*health_changed)(void *arg); /* after any change of a backend's health */
	void *arg;
};

/* What the last pass over the flow table found. */
struct sweep_health {
	__u64 occupied,
		new_flows; /* entries that had not expired; of these not past a first packet */
	__u32 size;        /* entries that there is room for */
	__u64 sweep_us;    /* how long it took */
	__u64 swept_ns;    /* CLOCK_MONOTONIC when it ended; 0: never */
};

/* What it found in the NAT table. */
struct nat_health {
	__u64 flows, new_flows, closing; /* as in nat_sweep.h */
	__u32 size;                      /* flows that there is room for; 0: there is no table */
};

int reconcile_open(const struct reconcile_deps *deps, struct reconcile **out); /* 0 or -errno */
/* Stops checks and watches; what was published stays. NULL is fine. Its loop must run once more. */
void reconcile_close(struct reconcile *rec);

/*
 * Takes over what an earlier poised published: numbers, tables, rows, health. Once, before the
 * first reconcile_apply. 0 or -errno.
 */
int reconcile_adopt(struct reconcile *rec);

/*
 * Makes conf what is published and watched, as a whole or, on an error, not at all. Has published
 * when it returns. Takes conf over on success. 0, -EINVAL with *error, -ENOMEM or -errno with it.
 */
int reconcile_apply(struct reconcile *rec, struct conf *conf, struct conf_error *error);

/* The health of each backend for the state file, and back (of backends already adopted). */
json_t *reconcile_health_encode(const struct reconcile *rec);
void reconcile_health_restore(struct reconcile *rec, const json_t *health);

const struct conf *reconcile_conf(const struct reconcile *rec); /* NULL before the first apply */

#endif
