// SPDX-License-Identifier: BSD-2-Clause
/* Neighbours: shared by all addresses behind them, kept fresh by asking the kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "nexthop/nexthop_table.h"

/* The neighbours of one pass. */
struct round {
	struct nexthop_table *table;
	struct neigh **neighs;
	bool *create; /* parallel to neighs */
	size_t count;
};

struct neigh *nexthop_neigh_find(const struct nexthop_table *table, __u32 ifindex,
				 const struct addr *addr)
{
	const struct neigh_key key = { .addr = *addr, .ifindex = ifindex };
	struct neigh *neigh;

	HASH_FIND(hh, table->neighs, &key, sizeof(key), neigh);
	return neigh;
}

void nexthop_neigh_look(struct nexthop_table *table, struct neigh *neigh)
{
	if (neigh->looking)
		return;
	neigh->looking = true;
	TAILQ_INSERT_TAIL(&table->look, neigh, look);
}

static struct neigh *neigh_make(struct nexthop_table *table, __u32 ifindex, const struct addr *addr)
{
	struct neigh *neigh = calloc(1, sizeof(*neigh));

	if (!neigh)
		return NULL;
	neigh->key = (struct neigh_key){ .addr = *addr, .ifindex = ifindex };
	LIST_INIT(&neigh->dests);
	HASH_ADD(hh, table->neighs, key, sizeof(neigh->key), neigh);
	if (!neigh->hh.tbl) {
		free(neigh);
		return NULL;
	}
	nexthop_neigh_look(table, neigh);
	return neigh;
}

void nexthop_neigh_drop(struct nexthop_table *table, struct dest *dest)
{
	struct neigh *neigh = dest->neigh;

	if (!neigh)
		return;
	dest->neigh = NULL;
	LIST_REMOVE(dest, of_neigh);
	if (!LIST_EMPTY(&neigh->dests))
		return;
	if (neigh->looking)
		TAILQ_REMOVE(&table->look, neigh, look);
	HASH_DEL(table->neighs, neigh);
	free(neigh);
}

int nexthop_neigh_assign(struct nexthop_table *table, struct dest *dest)
{
	const struct rt_route *route = &dest->route;
	struct neigh *neigh = dest->neigh;

	if (!nexthop_needs_neigh(route, nexthop_link(table, route->ifindex))) {
		nexthop_neigh_drop(table, dest);
		return 0;
	}
	if (neigh && neigh->key.ifindex == route->ifindex &&
	    addr_equal(&neigh->key.addr, &route->gateway))
		return 0;
	nexthop_neigh_drop(table, dest);
	neigh = nexthop_neigh_find(table, route->ifindex, &route->gateway);
	if (!neigh)
		neigh = neigh_make(table, route->ifindex, &route->gateway);
	if (!neigh)
		return -ENOMEM;
	dest->neigh = neigh;
	LIST_INSERT_HEAD(&neigh->dests, dest, of_neigh);
	return 0;
}

void nexthop_neigh_take(struct nexthop_table *table, struct neigh *neigh,
			const struct rt_neigh *entry)
{
	struct neigh_state old = neigh->state;
	struct dest *dest;

	neigh_update(&neigh->state, entry);
	if (old.known == neigh->state.known && old.failed == neigh->state.failed &&
	    !memcmp(old.mac, neigh->state.mac, sizeof(old.mac)))
		return;
	for (dest = LIST_FIRST(&neigh->dests); dest; dest = LIST_NEXT(dest, of_neigh))
		nexthop_dest_changed(table, dest);
}

void nexthop_neigh_requeue(struct nexthop_table *table, bool all)
{
	for (struct neigh *neigh = table->neighs; neigh; neigh = neigh->hh.next) {
		if (all || neigh_wanting(&neigh->state))
			nexthop_neigh_look(table, neigh);
	}
}

static void build_get(void *arg, size_t i, struct nlmsghdr *nlh)
{
	const struct neigh *neigh = ((struct round *)arg)->neighs[i];

	rtmsg_neigh_get(nlh, neigh->key.ifindex, &neigh->key.addr);
}

static void answer_get(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	struct round *round = arg;
	struct neigh *neigh = round->neighs[i];
	struct rt_neigh entry;

	if (nlh && !rtmsg_neigh_parse(nlh, &entry))
		nexthop_neigh_take(round->table, neigh, &entry);
	else if (err == -ENOENT)
		nexthop_neigh_take(round->table, neigh, NULL);
}

static void build_use(void *arg, size_t i, struct nlmsghdr *nlh)
{
	const struct round *round = arg;
	const struct neigh *neigh = round->neighs[i];

	rtmsg_neigh_use(nlh, neigh->key.ifindex, &neigh->key.addr, round->create[i],
			neigh->state.flags);
}

static void answer_use(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	struct nexthop_table *table = ((struct round *)arg)->table;

	(void)i;
	(void)nlh;
	/* Gone or made in between, or its link went down: a notification follows, or the next
	 * tick looks again. */
	if (err == -ENOBUFS && !table->told_full) {
		table->told_full = true;
		log_warn("the kernel's neighbour table is full: backends cannot be resolved; "
			 "raise net.ipv4.neigh.default.gc_thresh1..3 (net.ipv6... for IPv6) above "
			 "the number of neighbours");
	} else if (err == -EPERM && !table->told_forbidden) {
		table->told_forbidden = true;
		log_warn("not allowed to have neighbours resolved: CAP_NET_ADMIN is missing");
	}
}

/* Moves the queue into an array; neighbours on links that are down cannot be asked. */
static int round_take(struct nexthop_table *table, struct round *round)
{
	struct neigh *neigh;
	size_t count = 0;

	for (neigh = TAILQ_FIRST(&table->look); neigh; neigh = TAILQ_NEXT(neigh, look))
		count++;
	round->table = table;
	round->neighs = calloc(count + 1, sizeof(*round->neighs));
	round->create = calloc(count + 1, sizeof(*round->create));
	if (!round->neighs || !round->create)
		return -ENOMEM;
	while ((neigh = TAILQ_FIRST(&table->look))) {
		const struct rt_link *link = nexthop_link(table, neigh->key.ifindex);

		TAILQ_REMOVE(&table->look, neigh, look);
		neigh->looking = false;
		if (link && nexthop_link_is_up(link))
			round->neighs[round->count++] = neigh;
	}
	return 0;
}

int nexthop_neigh_pass(struct nexthop_table *table)
{
	struct round round = { 0 };
	size_t count = 0;
	int err = 0;

	if (TAILQ_EMPTY(&table->look))
		return 0;
	err = round_take(table, &round);
	if (err)
		goto out;
	err = netlink_request(table->requests, round.count, build_get, answer_get, &round);
	if (err)
		goto requeue;
	for (size_t i = 0; i < round.count; i++) {
		enum neigh_step step = neigh_next(&round.neighs[i]->state);

		if (step == NEIGH_KEEP)
			continue;
		round.create[count] = step == NEIGH_CREATE;
		round.neighs[count++] = round.neighs[i];
	}
	err = netlink_request(table->requests, count, build_use, answer_use, &round);
	if (!err)
		goto out;
	round.count = count;
requeue:
	for (size_t i = 0; i < round.count; i++)
		nexthop_neigh_look(table, round.neighs[i]);
out:
	free(round.create);
	free(round.neighs);
	return err;
}
