/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Next hops: for each watched address the outgoing interface, its MTU and MAC, the source address
 * that the kernel would use, and the neighbour's MAC; kept fresh over netlink for as long as it is
 * watched.
 */
#ifndef POISE_NEXTHOP_H
#define POISE_NEXTHOP_H

#include <linux/types.h>
#include <stdbool.h>

#include "base/addr.h"

struct uv_loop_s;
struct nexthop_table;
struct nexthop_watch;

enum nexthop_state {
	NEXTHOP_RESOLVING, /* route found, neighbour asked for and no answer yet */
	NEXTHOP_READY,
	NEXTHOP_NO_ROUTE,     /* no route, or an unreachable, blackhole or prohibit one */
	NEXTHOP_LOCAL,        /* an address of this host */
	NEXTHOP_NO_NEIGHBOUR, /* neighbour resolution failed */
	NEXTHOP_LINK_DOWN,    /* the outgoing interface is down */
	NEXTHOP_NOT_ETHERNET, /* the outgoing interface has no Ethernet addresses */
};

struct nexthop {
	enum nexthop_state state;
	__u32 ifindex;
	char ifname[16];
	__u32 mtu; /* bytes: the route's where it has one, else the interface's */
	__u8 src_mac[6];
	__u8 dst_mac[6];
	struct addr source;  /* what the kernel would send from: prefsrc */
	struct addr gateway; /* the neighbour that was resolved: the router or the address itself */
	bool direct;         /* on link: no router between */
};

/* Called from the loop whenever a watched hop differs from what was last told, and once, also from
 * the loop, for the first state. */
typedef void (*nexthop_changed)(void *arg, const struct nexthop *hop);

/* Opens the netlink sockets (in the calling process's network namespace). 0 or -errno. */
int nexthop_open(struct uv_loop_s *loop, struct nexthop_table **out);
void nexthop_close(struct nexthop_table *table); /* NULL is fine; watches must be gone */

/* Watches may share an address; each costs one hash entry. 0 or -errno. */
int nexthop_watch(struct nexthop_table *table, const struct addr *addr, nexthop_changed changed,
		  void *arg, struct nexthop_watch **out);
void nexthop_unwatch(struct nexthop_watch *watch); /* NULL is fine */

/* "via 10.0.0.1 dev eth0 lladdr 52:54:00:12:34:56", or the state in words ("no route"). */
const char *nexthop_format(const struct nexthop *hop, char *buf, unsigned int size);

#endif
