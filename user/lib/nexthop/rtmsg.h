/* SPDX-License-Identifier: BSD-2-Clause */
/* rtnetlink messages about routes, links, addresses and neighbours, to and from plain structures.
 */
#ifndef POISE_RTMSG_H
#define POISE_RTMSG_H

#include <libmnl/libmnl.h>
#include <linux/types.h>
#include <stdbool.h>

#include "base/addr.h"

struct rt_route {
	int error;  /* negative errno with which the kernel refused the look-up, else 0 */
	__u8 type;  /* RTN_UNICAST, RTN_LOCAL, ... */
	bool encap; /* the kernel would encapsulate on its own (lwtunnel) */
	bool direct;
	__u32 ifindex;
	__u32 mtu;           /* bytes; 0: the route sets none */
	struct addr gateway; /* whom to send to: the router, or the address itself when direct */
	struct addr source;  /* zero: the kernel knows none */
};

struct rt_link {
	__u32 ifindex;
	char name[16];
	__u32 flags; /* IFF_* */
	__u32 mtu;
	__u16 type; /* ARPHRD_* */
	bool has_mac;
	__u8 mac[6];
};

struct rt_neigh {
	__u32 ifindex;
	struct addr addr;
	__u16 state; /* NUD_*; 0 in a deletion */
	__u32 flags; /* NTF_*, and NTF_EXT_* shifted left by RT_NEIGH_EXT_SHIFT */
	bool has_mac;
	__u8 mac[6];
};

#define RT_NEIGH_EXT_SHIFT 8
#define RT_NEIGH_MANAGED   (1U << 8) /* NTF_EXT_MANAGED, Linux 5.16 */
#define RT_NEIGH_VALIDATED (1U << 9) /* NTF_EXT_EXT_VALIDATED, Linux 6.17 */

/* Requests, written over a zeroed header with room for NETLINK_REQUEST_BYTES. */
void rtmsg_route_get(struct nlmsghdr *nlh, const struct addr *addr);
void rtmsg_link_dump(struct nlmsghdr *nlh);
void rtmsg_addr_dump(struct nlmsghdr *nlh);
void rtmsg_neigh_get(struct nlmsghdr *nlh, __u32 ifindex, const struct addr *addr);
/*
 * Asks the kernel to resolve a neighbour, or to confirm it. `create`: only if it has no entry
 * (answered by -EEXIST otherwise). `flags` are those the entry has: left out, the kernel would take
 * them away.
 */
void rtmsg_neigh_use(struct nlmsghdr *nlh, __u32 ifindex, const struct addr *addr, bool create,
		     __u32 flags);

/*
 * Messages. 0 with *out filled, -ENOMSG: about something else (a bridge port, another address
 * family), -EBADMSG: cut short or contradictory.
 */
int rtmsg_route_parse(const struct nlmsghdr *nlh, const struct addr *dst, struct rt_route *out);
/* Attributes that the message leaves out stay as they are in *out. */
int rtmsg_link_parse(const struct nlmsghdr *nlh, struct rt_link *out);
int rtmsg_addr_parse(const struct nlmsghdr *nlh, struct addr *out); /* an address of this host */
int rtmsg_neigh_parse(const struct nlmsghdr *nlh, struct rt_neigh *out);

/* The interface that a link message is about, without parsing the rest; 0: none. */
__u32 rtmsg_link_index(const struct nlmsghdr *nlh);

#endif
