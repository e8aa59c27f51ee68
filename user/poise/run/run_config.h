/* SPDX-License-Identifier: BSD-2-Clause */
/* For run_plan.c and run_config.c only. */
#ifndef POISE_RUN_CONFIG_H
#define POISE_RUN_CONFIG_H

#include "run_plan.h"

/* Makes plan->config for plan->listens. 0; -EINVAL with the reason in error, or -ENOMEM. */
int run_config_make(const struct run_request *request, const struct run_host *host,
		    const char *const *interfaces, struct run_plan *plan,
		    char error[RUN_ERROR_SIZE]);

#endif
