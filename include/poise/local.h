/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mode local: what its programs and poised tell each other. */
#ifndef POISE_LOCAL_H
#define POISE_LOCAL_H

#include "poise/abi.h"

/*
 * An address and port. As a mark on a listening socket, which the kernel copies to the connections
 * that it accepts: what it is bound to. That names no number of ours and no backend, so that it
 * stays true over restarts, whatever becomes of backends meanwhile, and for all services that lead
 * there, under whichever of its addresses.
 */
struct local_mark {
	__u8 addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__u8 pad[6];
} __attribute__((aligned(8))); /* compared by words */

/* The data that poise_local_find is run with: an Ethernet header's room, then this. */
struct local_request {
	__u8 unused[14];
	__u8 proto;
	__u8 pad;
	__u32 target;
	__u32 salt; /* another one each time: which members of a SO_REUSEPORT group are met */
	struct local_mark backend;
};

/* local_ports: those that backends listen on, a bit each. */
struct local_ports {
	__u64 bits[65536 / 64];
};

/* What it returns. */
enum local_found {
	LOCAL_NONE,    /* nothing listens there */
	LOCAL_FOUND,   /* it does, and new connections can be led to it */
	LOCAL_REFUSED, /* it does, but the kernel does not let it be led to */
};

/* local_counts: the connections that a service has by a listening socket */
struct local_pair {
	struct local_mark bound;
	__u32 service; /* its number */
	__u32 pad;
};

struct local_count {
	__u32 live;
	__u32 closing; /* nobody on this host has them open any more, but the kernel */
};

_Static_assert(sizeof(struct local_mark) == 24, "map ABI");
_Static_assert(sizeof(struct local_request) == 48, "test run ABI");
_Static_assert(sizeof(struct local_pair) == 32, "map ABI");

#endif
