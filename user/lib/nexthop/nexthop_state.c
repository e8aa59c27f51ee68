// SPDX-License-Identifier: BSD-2-Clause
#include "nexthop/nexthop_state.h"

#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#define NUD_USABLE (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

bool neigh_usable(const struct rt_neigh *entry)
{
	return entry->state & NUD_USABLE && entry->has_mac;
}

void neigh_update(struct neigh_state *state, const struct rt_neigh *entry)
{
	state->exists = entry != NULL;
	state->nud = entry ? entry->state : 0;
	state->flags = entry ? entry->flags : 0;
	if (entry && neigh_usable(entry)) {
		memcpy(state->mac, entry->mac, sizeof(state->mac));
		state->known = true;
		state->failed = false;
	} else if (state->nud & NUD_FAILED) {
		state->known = false;
		state->failed = true;
	}
}

void neigh_forget(struct neigh_state *state)
{
	state->exists = false;
	state->nud = NUD_NONE;
	state->flags = 0;
}

enum neigh_step neigh_next(const struct neigh_state *state)
{
	if (!state->exists)
		return NEIGH_CREATE;
	/*
	 * Using a permanent entry would make it an ordinary one, and an entry that another control
	 * plane put there is that one's to change.
	 */
	if (state->nud & (NUD_PERMANENT | NUD_NOARP) || state->flags & RT_NEIGH_VALIDATED ||
	    (state->flags & NTF_EXT_LEARNED && state->nud & NUD_USABLE))
		return NEIGH_KEEP;
	/* Packets leave in XDP, so the kernel sees no use of the entry: without a nudge it would
	 * stay stale, and a backend that went or changed its MAC would go unnoticed. */
	return state->nud & (NUD_STALE | NUD_FAILED) || state->nud == NUD_NONE ? NEIGH_CONFIRM
									       : NEIGH_KEEP;
}

bool neigh_wanting(const struct neigh_state *state)
{
	return !(state->nud & NUD_USABLE);
}

bool nexthop_link_is_up(const struct rt_link *link)
{
	return link->flags & IFF_UP && link->flags & IFF_RUNNING;
}

/* READY stands for: depends on the neighbour. */
static enum nexthop_state route_state(const struct rt_route *route, const struct rt_link *link)
{
	if (route->error)
		return NEXTHOP_NO_ROUTE;
	if (route->type == RTN_LOCAL || route->type == RTN_ANYCAST)
		return NEXTHOP_LOCAL;
	/* A route that encapsulates leads to a neighbour of the outer header's, not of ours. */
	if (route->type != RTN_UNICAST || !route->ifindex || route->encap)
		return NEXTHOP_NO_ROUTE;
	if (!link)
		return NEXTHOP_RESOLVING; /* so new that its notification is still on its way */
	if (link->type != ARPHRD_ETHER || !link->has_mac)
		return NEXTHOP_NOT_ETHERNET;
	return nexthop_link_is_up(link) ? NEXTHOP_READY : NEXTHOP_LINK_DOWN;
}

bool nexthop_needs_neigh(const struct rt_route *route, const struct rt_link *link)
{
	enum nexthop_state state = route_state(route, link);

	/* While the link is down, too: its MAC serves again at once when the link comes back. */
	return state == NEXTHOP_READY || state == NEXTHOP_LINK_DOWN;
}

void nexthop_decide(const struct rt_route *route, const struct rt_link *link,
		    const struct neigh_state *neigh, struct nexthop *hop)
{
	enum nexthop_state state = route_state(route, link);

	memset(hop, 0, sizeof(*hop));
	hop->state = state;
	if (state == NEXTHOP_NO_ROUTE || state == NEXTHOP_LOCAL)
		return;
	hop->ifindex = route->ifindex;
	hop->source = route->source;
	hop->gateway = route->gateway;
	hop->direct = route->direct;
	if (!link)
		return;
	memcpy(hop->ifname, link->name, sizeof(hop->ifname));
	hop->mtu = route->mtu && route->mtu < link->mtu ? route->mtu : link->mtu;
	if (link->has_mac)
		memcpy(hop->src_mac, link->mac, sizeof(hop->src_mac));
	if (neigh && neigh->known)
		memcpy(hop->dst_mac, neigh->mac, sizeof(hop->dst_mac));
	else if (state == NEXTHOP_READY)
		hop->state = neigh && neigh->failed ? NEXTHOP_NO_NEIGHBOUR : NEXTHOP_RESOLVING;
}

bool nexthop_equal(const struct nexthop *a, const struct nexthop *b)
{
	return a->state == b->state && a->ifindex == b->ifindex && a->mtu == b->mtu &&
	       a->direct == b->direct && !strcmp(a->ifname, b->ifname) &&
	       !memcmp(a->src_mac, b->src_mac, sizeof(a->src_mac)) &&
	       !memcmp(a->dst_mac, b->dst_mac, sizeof(a->dst_mac)) &&
	       addr_equal(&a->source, &b->source) && addr_equal(&a->gateway, &b->gateway);
}

static const char *format_ready(const struct nexthop *hop, char *buf, unsigned int size)
{
	const __u8 *m = hop->dst_mac;
	char gateway[ADDR_TEXT_SIZE];

	snprintf(buf, size, "%s%s%sdev %s lladdr %02x:%02x:%02x:%02x:%02x:%02x",
		 hop->direct ? "" : "via ", hop->direct ? "" : addr_format(&hop->gateway, gateway),
		 hop->direct ? "" : " ", hop->ifname, m[0], m[1], m[2], m[3], m[4], m[5]);
	return buf;
}

const char *nexthop_format(const struct nexthop *hop, char *buf, unsigned int size)
{
	char gateway[ADDR_TEXT_SIZE];

	switch (hop->state) {
	case NEXTHOP_RESOLVING:
		if (!hop->ifname[0])
			snprintf(buf, size, "looking up the route");
		else
			snprintf(buf, size, "resolving %s on %s",
				 addr_format(&hop->gateway, gateway), hop->ifname);
		return buf;
	case NEXTHOP_READY:
		return format_ready(hop, buf, size);
	case NEXTHOP_NO_ROUTE:
		snprintf(buf, size, "no route");
		return buf;
	case NEXTHOP_LOCAL:
		snprintf(buf, size, "an address of this host");
		return buf;
	case NEXTHOP_NO_NEIGHBOUR:
		snprintf(buf, size, "no answer from %s on %s", addr_format(&hop->gateway, gateway),
			 hop->ifname);
		return buf;
	case NEXTHOP_LINK_DOWN:
		snprintf(buf, size, "%s is down", hop->ifname);
		return buf;
	case NEXTHOP_NOT_ETHERNET:
		snprintf(buf, size, "%s is not an Ethernet interface", hop->ifname);
		return buf;
	}
	snprintf(buf, size, "unknown");
	return buf;
}
