/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether there is memory for a flow table: asked before it is made, as the kernel may well give it
 * and have none left for the rest. */
#ifndef POISE_LB_ROOM_H
#define POISE_LB_ROOM_H

#include "lb.h"

#define LB_ROOM_UNKNOWN (~0ULL)

/* Bytes that the machine and the cgroups (version 2) of this process have left. root: where proc
 * and sys are, "" for this machine's. LB_ROOM_UNKNOWN: cannot be read. */
__u64 lb_room_bytes(const char *root);

/* A table of so many entries may take half of the room. 0, or -ENOMEM with the largest that would
 * do in *error. */
int lb_room_check(__u32 flows, __u64 room_bytes, struct lb_error *error);

/* The error of a table that the kernel did not make for want of memory. */
void lb_room_refused(__u32 flows, __u64 room_bytes, struct lb_error *error);

/* "1M", "512K": of a power of two from 1,024. */
const char *lb_flows_text(__u32 flows, char buf[16]);

#endif
