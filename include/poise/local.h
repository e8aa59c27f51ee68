/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Mode local: the data that its programs and poised exchange. */
#ifndef POISE_LOCAL_H
#define POISE_LOCAL_H

#include "poise/abi.h"

/*
 * An address and port. A listening socket is marked with the address and port that it is bound to,
 * and the kernel copies the mark to the connections that it accepts. The mark names neither a
 * backend nor a number of ours. So it stays true over restarts and changes of backends, and for
 * every service that leads to this socket by any of its addresses.
 */
struct local_mark {
	__u8 addr[16]; /* IPv4 as ::ffff:a.b.c.d */
	__be16 port;
	__u8 pad[6];
} __attribute__((aligned(8))); /* compared by words */

/* The data that poise_local_find runs on: room for an Ethernet header, then this. */
struct local_request {
	__u8 unused[14];
	__u8 proto;
	__u8 pad;
	__u32 target;
	__u32 salt; /* differs each time, so that other members of a SO_REUSEPORT group are met */
	struct local_mark backend;
};

/* local_ports: one bit for each port that backends listen on. */
struct local_ports {
	__u64 bits[65536 / 64];
};

/* The return values of poise_local_find. */
enum local_found {
	LOCAL_NONE,    /* nothing listens there */
	LOCAL_FOUND,   /* a socket listens there and takes new connections */
	LOCAL_REFUSED, /* a socket listens there, but the kernel does not allow it in local_sockets
			*/
};

/* local_counts: the connections that a service has by a listening socket */
struct local_pair {
	struct local_mark bound;
	__u32 service; /* its number */
	__u32 pad;
};

struct local_count {
	__u32 live;
	__u32 closing; /* no process has them open any more; the kernel finishes them */
};

_Static_assert(sizeof(struct local_mark) == 24, "map ABI");
_Static_assert(sizeof(struct local_request) == 48, "test run ABI");
_Static_assert(sizeof(struct local_pair) == 32, "map ABI");

#endif
