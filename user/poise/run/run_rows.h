/* SPDX-License-Identifier: BSD-2-Clause */
/* The rows that `poise run` shows, a backend each, made from poised's answers. Pure. */
#ifndef POISE_RUN_ROWS_H
#define POISE_RUN_ROWS_H

#include <jansson.h>
#include <linux/types.h>

/* Texts belong to the trees. */
struct run_row {
	const char *service, *listen; /* its name; "[::]:8080/tcp" */
	const char *id;               /* the backend's; NULL: all of the service's together */
	const char *health;
	const char *reason; /* why it gets nothing; "" where it does */
	__u64 since_s;      /* its health is what it is */
	double wanted;      /* shares: what weights ask for, */
	double now, share;  /* of new flows since `before`, and of all; -1: of none */
	double new_per_s;   /* new flows since `before` */
	__u64 new_flows;    /* so far */
	__u64 live;
};

/* One of each service for all and one of each of its backends; stats and before are answers to GET
 * /v1/stats (before NULL: none yet). *count of them, or NULL without memory. */
struct run_row *run_rows_make(const json_t *services, const json_t *stats, const json_t *before,
			      size_t *count);

#endif
