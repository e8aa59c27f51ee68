/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the next hop table: who watches what, and how a burst of notifications becomes one
 * pass over it.
 *
 *   watch -> dest (one per address) -> neigh (one per interface and gateway), link (by index)
 *
 * Notifications only mark: routes_dirty, neighbours to look at, dests whose hop may differ. The
 * pass (nexthop_pass.c) then asks the kernel for all of these at once and tells the watchers.
 */
#ifndef POISE_NEXTHOP_TABLE_H
#define POISE_NEXTHOP_TABLE_H

#include <sys/queue.h>
#include <uv.h>

/* Without memory an addition leaves the table as it was and the new handle's table NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "nexthop/netlink.h"
#include "nexthop/nexthop_state.h"

LIST_HEAD(dest_list, dest);
LIST_HEAD(watch_list, nexthop_watch);
TAILQ_HEAD(dest_queue, dest);
TAILQ_HEAD(neigh_queue, neigh);
TAILQ_HEAD(watch_queue, nexthop_watch);

struct link {
	UT_hash_handle hh; /* by rt.ifindex */
	struct rt_link rt;
	bool seen; /* by the dump that is going on */
};

/* Hashed as raw bytes: no padding. */
struct neigh_key {
	struct addr addr;
	__u32 ifindex;
};
_Static_assert(sizeof(struct neigh_key) == 20, "no padding");

struct neigh {
	UT_hash_handle hh; /* by key */
	struct neigh_key key;
	struct neigh_state state;
	struct dest_list dests; /* freed with the last of them */
	TAILQ_ENTRY(neigh) look;
	bool looking; /* queued in table->look */
};

struct dest {
	UT_hash_handle hh; /* by addr */
	struct addr addr;
	bool resolved; /* route is the kernel's answer */
	struct rt_route route;
	struct neigh *neigh; /* NULL: none is needed */
	LIST_ENTRY(dest) of_neigh;
	struct nexthop hop;        /* as told */
	struct watch_list watches; /* freed with the last of them */
	TAILQ_ENTRY(dest) fresh;   /* in table->fresh while !resolved */
	TAILQ_ENTRY(dest) changed; /* in table->changed */
	bool queued;               /* in table->changed */
};

struct nexthop_watch {
	struct nexthop_table *table;
	struct dest *dest;
	nexthop_changed changed;
	void *arg;
	LIST_ENTRY(nexthop_watch) of_dest;
	TAILQ_ENTRY(nexthop_watch) tell;
	bool queued; /* in table->tell */
	bool told;
};

struct nexthop_table {
	struct netlink *requests, *events;
	uv_poll_t poll;
	uv_timer_t pass_timer; /* after a burst */
	uv_timer_t tick_timer; /* each second: what failed is tried again */
	int open_handles;
	__u64 pass_due_ms;    /* uv_now's time; meaningful while pass_timer is active */
	__u64 routes_from_ms; /* not before may all routes be looked up again */
	unsigned int ticks;

	struct link *links; /* hash tables of uthash */
	struct neigh *neighs;
	struct dest *dests;
	bool lost;         /* notifications overflowed: nothing known is certain */
	bool routes_dirty; /* any route may have changed */
	/* These have been logged: requests that fail (until one works), a full neighbour table, a
	 * missing capability. */
	bool told_failure, told_full, told_forbidden;
	struct dest_queue fresh;   /* route not looked up yet */
	struct dest_queue changed; /* hop to decide again */
	struct neigh_queue look;   /* neighbours to ask the kernel about */
	struct watch_queue tell;
};

/* The next pass decides the hop again. */
static inline void nexthop_dest_changed(struct nexthop_table *table, struct dest *dest)
{
	if (dest->queued)
		return;
	dest->queued = true;
	TAILQ_INSERT_TAIL(&table->changed, dest, changed);
}

/* nexthop_pass.c: begins a pass in `delay_ms`, unless one is due earlier. */
void nexthop_schedule(struct nexthop_table *table, __u64 delay_ms);

/* nexthop_events.c: takes in a notification. */
void nexthop_event(void *arg, const struct nlmsghdr *nlh);

/* nexthop_links.c: asks the kernel for all links. 0 or -errno. */
int nexthop_links_load(struct nexthop_table *table);
/* Takes in a message about a link. Returns whether anything differs from before. */
bool nexthop_link_take(struct nexthop_table *table, const struct nlmsghdr *nlh);
/* NULL: there is none of that index. */
const struct rt_link *nexthop_link(const struct nexthop_table *table, __u32 ifindex);
void nexthop_links_free(struct nexthop_table *table);

/* nexthop_neigh.c: makes dest share the neighbour that its route needs, or none. 0 or -ENOMEM. */
int nexthop_neigh_assign(struct nexthop_table *table, struct dest *dest);
void nexthop_neigh_drop(struct nexthop_table *table, struct dest *dest);
struct neigh *nexthop_neigh_find(const struct nexthop_table *table, __u32 ifindex,
				 const struct addr *addr);
/* Queues a neighbour to be looked at in the next pass. */
void nexthop_neigh_look(struct nexthop_table *table, struct neigh *neigh);
/* Takes in the kernel's entry (NULL: none) and marks the dests that see a difference. */
void nexthop_neigh_take(struct nexthop_table *table, struct neigh *neigh,
			const struct rt_neigh *entry);
/* Asks the kernel about every neighbour queued and has it resolve those it does not keep fresh.
 * 0 or -errno. */
int nexthop_neigh_pass(struct nexthop_table *table);
/* Queues the neighbours that the kernel has no usable entry for, or all. */
void nexthop_neigh_requeue(struct nexthop_table *table, bool all);

#endif
