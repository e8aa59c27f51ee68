/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan of `poise run` for this host. */
#ifndef POISE_RUN_PREPARE_H
#define POISE_RUN_PREPARE_H

#include "run/run_plan.h"

/* EXIT_DONE with *out, or EXIT_REFUSED after saying why not. */
int run_prepare(const struct command *cmd, const struct run_request *request, struct run_plan *out);

#endif
