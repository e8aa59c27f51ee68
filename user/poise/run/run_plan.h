/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan of `poise run` for a request on this host: the configuration of its poised. Pure. */
#ifndef POISE_RUN_PLAN_H
#define POISE_RUN_PLAN_H

#include "run/run_request.h"

/* An address of this host that others can reach it by. */
struct run_address {
	struct addr addr;
	char ifname[16];
};

/* Where the kernel's routes lead to. */
struct run_route {
	int error;       /* 0 or -errno */
	bool local;      /* to this host */
	char ifname[16]; /* the way out */
};

struct run_host {
	struct run_address *addresses;
	size_t address_count;
	struct run_route listens[RUN_MAX_LISTENS]; /* of those with an address */
	struct run_route *backends;                /* in the request's order */
};

struct run_plan {
	bool local;                 /* mode local, else nat */
	struct run_listen *listens; /* what services are on: one each, in their order */
	size_t listen_count;
	json_t *config;
};

/*
 * interfaces: where clients' packets come in, as far as the addresses do not tell; NULL ends them.
 * 0; -EINVAL (refused, the reason is in error) or -ENOMEM.
 */
int run_plan_make(const struct run_request *request, const struct run_host *host,
		  const char *const *interfaces, struct run_plan *out, char error[RUN_ERROR_SIZE]);
const char *run_plan_mode(const struct run_plan *plan); /* its word */
void run_plan_free(struct run_plan *plan);              /* an empty one is fine */

/* The largest part of first..last without any of the ports, the lower one of equals. */
void run_ports_choose(__u16 first, __u16 last, const __u16 *ports, size_t count, __u16 *out_first,
		      __u16 *out_last);

#endif
