/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan of `poise run` as the configuration of its poised. Only run_plan.c asks for it. */
#ifndef POISE_RUN_CONFIG_H
#define POISE_RUN_CONFIG_H

#include "run/run_plan.h"

/* Makes plan->config for plan->listens. 0; -EINVAL with the reason in error, or -ENOMEM. */
int run_config_make(const struct run_request *request, const struct run_host *host,
		    const char *const *interfaces, struct run_plan *plan,
		    char error[RUN_ERROR_SIZE]);

#endif
