/* SPDX-License-Identifier: BSD-2-Clause */
/* Before a flow table or NAT's table is made, this looks whether there is memory for it: the kernel
 * may well give it and have none left for the rest. */
#ifndef POISE_LB_ROOM_H
#define POISE_LB_ROOM_H

#include "kernel/lb.h"

#define LB_ROOM_UNKNOWN (~0ULL)

/* A table whose size is configured, a power of two from `min` to `max`. */
struct lb_room_table {
	const char *key, *unit; /* "flows", "entries" */
	__u32 unit_bytes, min, max;
};
extern const struct lb_room_table lb_room_flows, lb_room_nat;

/* Bytes that the machine and the cgroups (version 2) of this process have left. root: where proc
 * and sys are, "" for this machine's. LB_ROOM_UNKNOWN: cannot be read. */
__u64 lb_room_bytes(const char *root);

/* Returns the largest size, up to at_most units, that takes no more than half of the room. */
__u32 lb_room_largest(const struct lb_room_table *table, __u32 at_most, __u64 room_bytes);

/* 0, or -ENOMEM with the largest that would do in *error. */
int lb_room_check(const struct lb_room_table *table, __u32 units, __u64 room_bytes,
		  struct lb_error *error);

/* The error of a table that the kernel did not make for want of memory. */
void lb_room_refused(const struct lb_room_table *table, __u32 units, __u64 room_bytes,
		     struct lb_error *error);

/* "1M", "512K": of a power of two from 1,024. */
const char *lb_flows_text(__u32 flows, char buf[16]);

#endif
