/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mode local: what its programs and poised tell each other. */
#ifndef POISE_LOCAL_H
#define POISE_LOCAL_H

#include "poise/abi.h"

/*
 * The address and port that a listening socket was found by as a backend. A mark on the socket: the
 * kernel copies it to the connections that the socket accepts. It names no number of ours, so that
 * it stays true over restarts and whatever becomes of the backend meanwhile.
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

/* What it returns. */
enum local_found {
	LOCAL_NONE,    /* nothing listens there */
	LOCAL_FOUND,   /* it does, and new connections can be led to it */
	LOCAL_REFUSED, /* it does, but the kernel does not let it be led to */
};

/* local_counts: the connections that a service has with a backend */
struct local_pair {
	struct local_mark backend;
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
