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
	__u16 port;      /* the service's, host order: of backends that give none, by nat */
};

static inline bool target_way_equal(const struct target_way *a, const struct target_way *b)
{
	return a->mode == b->mode && a->service_v4 == b->service_v4 && a->gue_port == b->gue_port &&
	       a->port == b->port;
}

/* What MODE_NAT's flows get their sources from: as in struct target_nat. */
struct target_sources {
	__u16 first, count;
};

/*
 * Whether packets can go to a backend over hop in this mode. When not, why in words ("no route"),
 * NULL when they can. buf is used for the words where they are not constant.
 */
const char *target_trouble(const struct target_way *way, const struct nexthop *hop, char *buf,
			   unsigned int size);

/* How long a service's flows may be silent. */
struct target_times {
	enum poise_mode mode;
	__u8 proto;
	__u32 idle_ms;     /* as the flow table remembers them */
	__u32 nat_idle_ms; /* MODE_NAT: as the NAT table does, once both sides have spoken */
	__u32 nat_max_ms;  /* MODE_NAT: in no state for longer; 0: no limit */
};

/* Whose a target is, and how long its flows are remembered: as in struct target. */
struct target_life {
	__u16 owner, new_ticks, idle_ticks, closing_ticks;
	/* MODE_NAT, else 0: as in struct target_nat */
	__u32 nat_idle_ticks;
	__u16 nat_replied_ticks, nat_reset_ticks;
};

/* service: its number. MODE_NAT's times for TCP are those of netfilter's conntrack. */
struct target_life target_life(const struct flow_clock *clock, const struct target_times *times,
			       __u16 service, bool serves);
/* Of a target that is built: its mode tells what it has room for. */
void target_life_set(struct target *target, const struct target_life *life);

/* A backend as packets are to reach it. */
struct target_end {
	struct addr addr;
	__u16 port; /* host order, 0: none given */
	struct target_sources sources;
};

/* Fills *out for a backend whose hop gives no trouble. Bytes not used are 0. */
void target_build(const struct target_way *way, const struct target_life *life,
		  const struct target_end *end, const struct nexthop *hop, struct target *out);

/*
 * Who a backend is to Maglev hashing: FNV-1a over its 16 address bytes and its port in network
 * order, then the finalizer of MurmurHash3. Depends on nothing else, so that every balancer of a
 * fleet and every later poised places it on the same rows.
 */
__u64 backend_id(const struct addr *addr, __u16 port);

#endif
