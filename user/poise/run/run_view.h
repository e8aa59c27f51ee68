/* SPDX-License-Identifier: BSD-2-Clause */
/* The output of `poise run`: a table in place on a terminal, lines elsewhere. */
#ifndef POISE_RUN_VIEW_H
#define POISE_RUN_VIEW_H

#include <jansson.h>
#include <linux/types.h>
#include <stdbool.h>

#include "run/run_out.h"
#include "run/run_plan.h"

struct run_view {
	const struct run_plan *plan;
	const char *instance;
	struct run_out *out, *err; /* standard output, standard error */
	size_t backends;           /* how many were asked for */
	bool terminal;
	__u64 interval_ms; /* between tables, or lines of figures; 0: no such lines */
	size_t lines;      /* of the table that stands there */
	json_t *services, *stats;
	__u64 told_ns;   /* when figures were printed last */
	__u64 update_ns; /* the last update */
	bool stalled;    /* one was due since, and there was no room for it */
};

void run_view_begin(struct run_view *view); /* that it listens now */
/* Prints what is new in poised's last answers, and takes both over. */
void run_view_update(struct run_view *view, json_t *services, json_t *stats);
int run_view_wait_ms(const struct run_view *view); /* until the next update */
void run_view_end(struct run_view *view, const char *why);

#endif
