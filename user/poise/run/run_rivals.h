/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks whether another instance in this network serves a port already, with its poised or without:
 * no socket shows that. */
#ifndef POISE_RUN_RIVALS_H
#define POISE_RUN_RIVALS_H

#include "run/run_plan.h"

/* EXIT_DONE, or EXIT_REFUSED after naming who it is. */
int run_rivals_check(const struct run_plan *plan);

/* The first of poised's services that is where one of the plan's would be; NULL: none. Pure. */
const json_t *run_rivals_find(const struct run_plan *plan, const json_t *services);

#endif
