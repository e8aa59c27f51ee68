/* SPDX-License-Identifier: BSD-2-Clause */
/* The services by nat of what is measured: their table, and flows in it. */
#ifndef POISE_BENCH_NAT_H
#define POISE_BENCH_NAT_H

#include "addr.h"
#include "poise/abi.h"

struct lb_bpf;

#define NAT_FLOWS         (1U << 21) /* room for twice as many as are measured */
#define NAT_PORT          8080       /* of backends */
#define NAT_REPLY_TARGETS 64         /* per family: replies are from so many backends */

struct nat {
	int fd;
	struct nat_set *sets;
};

/* Before the program is loaded: makes the table. 0 or -errno. */
int nat_open(struct lb_bpf *skel, struct nat *nat);
/* After: gives it the table, and addresses of ours. 0 or -errno. */
int nat_make(const struct lb_bpf *skel, struct service_bucket *services, const struct nat *nat);
void nat_close(struct nat *nat);

/* Completes a target by nat. */
void nat_target(struct target *target, int family);
/* What the replies of a family are sent to: no port, each flow has its own. */
void nat_source_addr(int family, struct addr *addr);

/* The targets whose flows nat_enter_replies() makes, from number `first` on: by family and then by
 * backend. 0 or -errno. */
int nat_reply_targets(const struct lb_bpf *skel, __u32 first);

void nat_forget(const struct nat *nat);
/* Enters flows whose replies the harness makes; service: whose they are. */
void nat_enter_replies(const struct lb_bpf *skel, const struct nat *nat, int family, __u32 flows,
		       __u32 first_target, __u16 service);

#endif
