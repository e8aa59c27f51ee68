/* SPDX-License-Identifier: BSD-2-Clause */
/* A route, a link and a neighbour decide what a next hop is. All is pure, without any I/O. */
#ifndef POISE_NEXTHOP_STATE_H
#define POISE_NEXTHOP_STATE_H

#include "nexthop/nexthop.h"
#include "nexthop/rtmsg.h"

/* This is known of a neighbour; if all is zero, nothing is. */
struct neigh_state {
	bool exists; /* the kernel has an entry */
	__u16 nud;   /* its NUD_* */
	__u32 flags; /* its flags, as in struct rt_neigh */
	bool known;  /* mac is the last one the neighbour had */
	bool failed; /* resolution failed, and nothing was heard since */
	__u8 mac[6];
};

/* After a look at the kernel's entry of a neighbour, one of these is to be done. */
enum neigh_step {
	NEIGH_KEEP,    /* the kernel keeps it fresh, or is resolving it already */
	NEIGH_CREATE,  /* it has no entry: make one */
	NEIGH_CONFIRM, /* it has an entry that would only grow old: have it confirmed */
};

/*
 * Takes in what the kernel says of a neighbour, NULL: that it has no entry. An entry that is being
 * resolved, or is gone, does not take away a MAC that worked; only a failed resolution does.
 */
void neigh_update(struct neigh_state *state, const struct rt_neigh *entry);
/* The kernel's entry is gone or in doubt; the MAC stays what it was. */
void neigh_forget(struct neigh_state *state);
bool neigh_usable(const struct rt_neigh *entry); /* the kernel itself would send to its MAC */
enum neigh_step neigh_next(const struct neigh_state *state);
/* No usable entry in the kernel: look again in a while. */
bool neigh_wanting(const struct neigh_state *state);

bool nexthop_link_is_up(const struct rt_link *link); /* and has carrier */

/* True if packets along this route go to a neighbour that has to be resolved. link is NULL while it
 * is not known. */
bool nexthop_needs_neigh(const struct rt_route *route, const struct rt_link *link);

/* Fills in *hop. neigh is NULL where none is needed. */
void nexthop_decide(const struct rt_route *route, const struct rt_link *link,
		    const struct neigh_state *neigh, struct nexthop *hop);

bool nexthop_equal(const struct nexthop *a, const struct nexthop *b);

#endif
