/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mode nat with `source: keep`: backends that answer, and the routes by which the kernel tells
 * where their replies go.
 */
#ifndef POISE_BENCH_KEEP_H
#define POISE_BENCH_KEEP_H

#include "base/addr.h"
#include "poise/abi.h"

struct lb_bpf;

/*
 * Moves the process into a network namespace of its own, in which the host is a router to the
 * clients of both families. *ifindex: of the interface towards them. 0 or -errno, said in words.
 */
int keep_net_open(unsigned int *ifindex);

/* The client that replies of a family are sent to, without a port, as each flow has its own. */
void keep_client_addr(int family, struct addr *addr);

/* The backend that the harness's replies are from: a target of the family's service. 0 or -errno.
 */
int keep_reply(const struct lb_bpf *skel, struct service_bucket *services, int family,
	       __u32 service, __u32 target);

/* Lets packets leave by that interface. 0 or -errno. */
int keep_way_out(const struct lb_bpf *skel, unsigned int ifindex);

#endif
