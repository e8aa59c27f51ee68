/* SPDX-License-Identifier: BSD-2-Clause */
/* poise_lb loaded over maps of its own, nothing pinned, and what tests fill them by. */
#ifndef POISE_TESTS_LB_MAPS_H
#define POISE_TESTS_LB_MAPS_H

#include <stdbool.h>

#include "harness/harness.h"
#include "poise/flow.h"
#include "poise/guard.h"

#define VIP4 "192.0.2.10"
#define VIP6 "2001:db8::10"

struct lb_maps {
	struct lb_bpf *skeleton;
	struct flow_hash_key hash_key; /* of fixture_seed */
	struct harness harness;        /* counter i is target i */
	/* The maps in memory. */
	struct service_bucket *services;
	struct target *targets;
	struct flow_set *flows;
	__u32 flow_sets;
	struct load *loads;
	struct switches *switches;
	struct guard *guard;
	struct nat_set *nat; /* NULL: there is no NAT table */
	__u32 nat_sets;
	int nat_fd;
};

struct lb_maps_size {
	__u32 flows;     /* entries of the flow table, a power of two */
	size_t counters; /* of so many targets are for the harness */
	__u32 nat_flows; /* a power of two; 0: no NAT table */
	__u32 nat_port_first, nat_port_count;
	__u32 tick_shift;                      /* 0: as ever; 31: time stands still */
	__u64 answer_source_ns, answer_all_ns; /* what a token takes to come back; 0: no limit */
};

extern const __u64 fixture_seed[2];

/* Loads the program. Prints why not and returns -errno when it cannot. */
int lb_maps_open(struct lb_maps *lb, const struct lb_maps_size *size);
void lb_maps_close(struct lb_maps *lb);

/* A service on VIP4 (version 4) or VIP6 (6), and its address. 0 or -errno. */
int lb_maps_service(struct lb_maps *lb, int version, unsigned int port, __u8 proto,
		    const struct service *service);
/* Makes the packet path look at packets from this address more closely. */
void lb_maps_suspect(struct lb_maps *lb, const __u8 addr[16]);
/* Sets a service's name and mode. 0 or -errno. */
int lb_maps_name(struct lb_maps *lb, __u32 number, enum poise_mode mode);
/* An address of this host, as text. 0 or -errno. */
int lb_maps_own(struct lb_maps *lb, const char *address);
/* A row table for a service, in memory until the program ends; NULL with errno. */
struct row *lb_maps_rows(struct lb_maps *lb, __u32 service, __u32 row_count);
/* A way out by another interface than a packet came by. 0 or -errno. */
int lb_maps_tx_port(struct lb_maps *lb, __u32 key, __u32 ifindex);

/* The tick that the packet path takes it to be. */
__u32 lb_maps_now(const struct lb_maps *lb);
__u32 lb_maps_nat_now(const struct lb_maps *lb); /* the same for the NAT table */
/* Sum over CPUs. 0 or -errno. */
int lb_maps_flow_counters(const struct lb_maps *lb, struct flow_counter *out);
int lb_maps_answers(const struct lb_maps *lb, enum answer_kind kind, struct answer_counter *out);
int lb_maps_nat_counters(const struct lb_maps *lb, struct nat_counter *out);
void lb_maps_forget_datagrams(const struct lb_maps *lb); /* of which fragments have come */
/* Does what the next tick does: on every CPU packets look at all ports again. */
void lb_maps_nat_unscarce(const struct lb_maps *lb);

#endif
