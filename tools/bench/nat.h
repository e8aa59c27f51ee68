/* SPDX-License-Identifier: BSD-2-Clause */
/* The services by nat of what is measured: their table, and flows in it. */
#ifndef POISE_BENCH_NAT_H
#define POISE_BENCH_NAT_H

#include "base/addr.h"
#include "poise/abi.h"

struct lb_bpf;

#define NAT_PORT          8080 /* of backends */
#define NAT_REPLY_TARGETS 64   /* per family: replies are from so many backends */

struct nat {
	int fd;
	__u32 set_count;
	struct nat_set *sets;
};

/* Before the program is loaded: makes the table, for so many flows. 0 or -errno. */
int nat_open(struct lb_bpf *skel, __u32 flows, struct nat *nat);
/* After: gives it the table, and addresses of ours. 0 or -errno. */
int nat_make(const struct lb_bpf *skel, struct service_bucket *services, const struct nat *nat);
void nat_close(struct nat *nat);

/* Completes a target by nat. */
void nat_target(struct target *target, int family);
/*
 * Returns the address that replies of a family are sent to, without a port, as each flow has its
 * own.
 */
void nat_source_addr(int family, struct addr *addr);

/* Backends that answer are where the harness's packets come from: the address of one of them. */
void nat_reply_backend(int family, __u32 host, struct addr *addr);

/* The targets whose flows nat_enter_replies() makes, from number `first` on: by family and then by
 * backend. 0 or -errno. */
int nat_reply_targets(const struct lb_bpf *skel, __u32 first);

void nat_forget(const struct nat *nat);
/* Enters flows whose replies the harness makes; service: whose they are. */
void nat_enter_replies(const struct lb_bpf *skel, const struct nat *nat, int family, __u32 flows,
		       __u32 first_target, __u16 service);

#endif
