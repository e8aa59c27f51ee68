/* SPDX-License-Identifier: BSD-2-Clause */
/* A backend's entry in `targets` is built from its service, address and next hop: pure. */
#ifndef POISE_TARGET_H
#define POISE_TARGET_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/net.h"
#include "nexthop/nexthop.h"
#include "poise/abi.h"

/* How a service's packets are delivered to its backends. */
struct target_delivery {
	enum poise_mode mode;
	bool service_v4; /* family of the packets inside */
	__u16 gue_port;  /* host order, for mode gue */
	__u16 port;      /* the service's, host order, for backends that give none */
	/* Mode ipip: networks that outer sources are taken from; bits 0: the host's address. */
	struct net outer_v4, outer_v6;
};

static inline bool target_delivery_equal(const struct target_delivery *a,
					 const struct target_delivery *b)
{
	return a->mode == b->mode && a->service_v4 == b->service_v4 && a->gue_port == b->gue_port &&
	       a->port == b->port && net_equal(&a->outer_v4, &b->outer_v4) &&
	       net_equal(&a->outer_v6, &b->outer_v6);
}

/* Where flows in the NAT table get their sources from: as in struct target_nat. */
struct target_sources {
	__u16 first, count;
};

/*
 * Says why packets cannot go to a backend over hop in this mode ("no route"); NULL: they can. buf
 * is used for the words where they are not constant.
 */
const char *target_trouble(const struct target_delivery *delivery, const struct nexthop *hop,
			   char *buf, unsigned int size);

/* How long a service's flows may be silent. */
struct target_timeouts {
	enum poise_mode mode;
	__u8 proto;
	__u32 idle_ms;     /* as the flow table remembers them */
	__u32 nat_idle_ms; /* as the NAT table does, once both sides have spoken */
	__u32 nat_max_ms;  /* in the NAT table: in no state for longer; 0: no limit */
};

/* Whose a target is, and how long its flows are remembered: as in struct target. */
struct target_flow_times {
	__u16 owner, new_ticks, idle_ticks, closing_ticks;
	/* Where the NAT table has the flows, else 0: as in struct target_nat. */
	__u32 nat_idle_ticks;
	__u16 nat_replied_ticks, nat_reset_ticks;
};

/* service: its number. */
struct target_flow_times target_flow_times(const struct flow_clock *clock,
					   const struct target_timeouts *timeouts, __u16 service,
					   bool serves);
/* Changes these alone in a target that is built. Its mode says which of them the target has room
 * for. */
void target_flow_times_set(struct target *target, const struct target_flow_times *flow_times);

/* A backend as packets are to reach it. */
struct target_endpoint {
	struct addr addr;
	__u16 port; /* host order, 0: none given */
	struct target_sources sources;
};

/* Fills *out for a backend whose hop gives no trouble. Bytes not used are 0. */
void target_build(const struct target_delivery *delivery,
		  const struct target_flow_times *flow_times,
		  const struct target_endpoint *endpoint, const struct nexthop *hop,
		  struct target *out);

#endif
