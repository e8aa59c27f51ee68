/* SPDX-License-Identifier: BSD-2-Clause */
/* Asks the kernel for addresses and routes of this host that `poise run` has to know. */
#ifndef POISE_RUN_HOST_H
#define POISE_RUN_HOST_H

#include "run/run_plan.h"

/* Addresses that others reach this host by, and routes to what the request names. 0 or -errno. */
int run_host_read(const struct run_request *request, struct run_host *out);
void run_host_free(struct run_host *host); /* an empty one is fine */

#endif
