/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of several modes share these. */
#ifndef POISE_MODE_IMPL_H
#define POISE_MODE_IMPL_H

#include "mode/mode.h"
#include "poise/flow.h"

/* Ticks of the flow table's clock, for a time or a shorter max_ms (0: no limit). */
__u16 timeout_ticks(const struct flow_clock *clock, __u32 time_ms, __u32 max_ms);

/* Puts a backend's address into the target, and its IP version. */
void put_address(struct target *target, const struct addr *backend);
/* The address and the port that packets are sent to in place of the service's. */
void put_endpoint(const struct target_delivery *delivery, const struct target_endpoint *endpoint,
		  struct target *target);
/* Outer addresses. proto: the protocol in the outer IPv4 header. */
void put_outer(const struct target_endpoint *endpoint, const struct nexthop *hop, __u8 proto,
	       struct target *target);

/* The same as `poise explain` shows it. */
void show_endpoint(const struct target *target, json_t *hop);
void show_outer(const struct target *target, json_t *hop);

#endif
