/* SPDX-License-Identifier: BSD-2-Clause */
/* What the packet path is told of a backend: pure, from its service, its address and its hop. */
#ifndef POISE_TARGET_H
#define POISE_TARGET_H

#include <stdbool.h>

#include "addr.h"
#include "nexthop.h"
#include "poise/abi.h"

/* How a service's packets travel. */
struct target_way {
	enum poise_mode mode;
	bool service_v4; /* family of the packets inside */
	__u16 gue_port;  /* host order; used by gue only */
};

/*
 * Whether packets can go to a backend over hop in this mode. When not, why in words ("no route"),
 * NULL when they can. buf is used for the words where they are not constant.
 */
const char *target_trouble(const struct target_way *way, const struct nexthop *hop, char *buf,
			   unsigned int size);

/* Whose a target is, and how long its flows are remembered: as in struct target. */
struct target_life {
	__u16 owner, new_ticks, idle_ticks, closing_ticks;
};

/* service: its number; idle_ms: how long a flow of its may be silent. */
struct target_life target_life(const struct flow_clock *clock, __u8 proto, __u32 idle_ms,
			       __u16 service, bool serves);
void target_life_set(struct target *target, const struct target_life *life);

/* Fills *out for a backend whose hop gives no trouble. Bytes not used are 0. */
void target_build(const struct target_way *way, const struct target_life *life,
		  const struct addr *backend, const struct nexthop *hop, struct target *out);

/*
 * Who a backend is to Maglev hashing: FNV-1a over its 16 address bytes and its port in network
 * order, then the finalizer of MurmurHash3. Depends on nothing else, so that every balancer of a
 * fleet and every later poised places it on the same rows.
 */
__u64 backend_id(const struct addr *addr, __u16 port);

#endif
