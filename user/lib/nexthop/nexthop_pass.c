// SPDX-License-Identifier: BSD-2-Clause
/* The pass: asks the kernel for all that is new or may have changed, decides, tells. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "nexthop/nexthop_table.h"

/* Looking up all routes takes at most a tenth of the time, however many of them flap. */
#define REST 9

/* The addresses of one pass. */
struct lookup {
	struct nexthop_table *table;
	struct dest **dests;
	size_t count;
};

static void tell_later(struct nexthop_watch *watch)
{
	if (watch->queued)
		return;
	watch->queued = true;
	TAILQ_INSERT_TAIL(&watch->table->tell, watch, tell);
}

static void build_lookup(void *arg, size_t i, struct nlmsghdr *nlh)
{
	rtmsg_route_get(nlh, &((struct lookup *)arg)->dests[i]->addr);
}

static void answer_lookup(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	struct lookup *lookup = arg;
	struct dest *dest = lookup->dests[i];
	struct rt_route route = { .error = err };

	if (err == -ENOMEM || err == -ENOBUFS ||
	    (nlh && rtmsg_route_parse(nlh, &dest->addr, &route))) {
		lookup->table->routes_dirty = true; /* says nothing about the route */
		return;
	}
	dest->route = route;
	if (!dest->resolved)
		TAILQ_REMOVE(&lookup->table->fresh, dest, fresh);
	dest->resolved = true;
	if (nexthop_neigh_assign(lookup->table, dest))
		lookup->table->routes_dirty = true;
	nexthop_dest_changed(lookup->table, dest);
}

static int lookup_collect(struct nexthop_table *table, bool all, struct lookup *lookup)
{
	struct dest *dest = all ? table->dests : TAILQ_FIRST(&table->fresh);

	lookup->table = table;
	lookup->dests = calloc(HASH_COUNT(table->dests) + 1, sizeof(*lookup->dests));
	if (!lookup->dests)
		return -ENOMEM;
	for (; dest; dest = all ? dest->hh.next : TAILQ_NEXT(dest, fresh))
		lookup->dests[lookup->count++] = dest;
	return 0;
}

/* Looks up the routes of new addresses, or of all if any route may have changed. */
static int routes_pass(struct nexthop_table *table)
{
	struct lookup lookup = { 0 };
	bool all = table->routes_dirty && uv_now(table->pass_timer.loop) >= table->routes_from_ms;
	__u64 start_ms = uv_now(table->pass_timer.loop), end_ms;
	int err;

	if (!all && TAILQ_EMPTY(&table->fresh))
		return 0;
	err = lookup_collect(table, all, &lookup);
	if (!err) {
		table->routes_dirty = false;
		err = netlink_request(table->requests, lookup.count, build_lookup, answer_lookup,
				      &lookup);
	}
	if (all) {
		if (err)
			table->routes_dirty = true;
		/* A link may be up again, an address be there from which to ask. */
		nexthop_neigh_requeue(table, false);
		uv_update_time(table->pass_timer.loop);
		end_ms = uv_now(table->pass_timer.loop);
		table->routes_from_ms = end_ms + REST * (end_ms - start_ms);
	}
	free(lookup.dests);
	return err;
}

static void decide(struct nexthop_table *table, struct dest *dest)
{
	const struct rt_link *link = nexthop_link(table, dest->route.ifindex);
	const struct neigh_state *neigh = dest->neigh ? &dest->neigh->state : NULL;
	struct nexthop_watch *watch;
	struct nexthop hop;
	bool same;

	nexthop_decide(&dest->route, link, neigh, &hop);
	same = nexthop_equal(&hop, &dest->hop);
	dest->hop = hop;
	for (watch = LIST_FIRST(&dest->watches); watch; watch = LIST_NEXT(watch, of_dest)) {
		if (!same || !watch->told)
			tell_later(watch);
	}
}

/* A callback may watch and unwatch as it likes, itself, too. */
static void tell(struct nexthop_table *table)
{
	struct nexthop_watch *watch;

	while ((watch = TAILQ_FIRST(&table->tell))) {
		struct nexthop hop = watch->dest->hop;

		TAILQ_REMOVE(&table->tell, watch, tell);
		watch->queued = false;
		watch->told = true;
		watch->changed(watch->arg, &hop);
	}
}

static int reload(struct nexthop_table *table)
{
	int err;

	if (!table->lost)
		return 0;
	table->lost = false;
	table->routes_dirty = true;
	err = nexthop_links_load(table);
	if (err)
		table->lost = true;
	nexthop_neigh_requeue(table, true);
	return err;
}

static void pass(uv_timer_t *timer)
{
	struct nexthop_table *table = timer->data;
	struct dest *dest;
	int err = reload(table);

	if (!err)
		err = routes_pass(table);
	if (!err)
		err = nexthop_neigh_pass(table);
	if (err && !table->told_failure)
		log_warn("next hops: netlink: %s; trying again each second", strerror(-err));
	table->told_failure = err != 0;
	while ((dest = TAILQ_FIRST(&table->changed))) {
		TAILQ_REMOVE(&table->changed, dest, changed);
		dest->queued = false;
		decide(table, dest);
	}
	/* Routes were put off for having taken long the last time. What failed waits for the tick.
	 */
	if (table->routes_dirty && table->routes_from_ms > uv_now(timer->loop))
		nexthop_schedule(table, table->routes_from_ms - uv_now(timer->loop));
	tell(table);
}

void nexthop_schedule(struct nexthop_table *table, __u64 delay_ms)
{
	uv_timer_t *timer = &table->pass_timer;
	__u64 due_ms = uv_now(timer->loop) + delay_ms;

	if (uv_is_active((uv_handle_t *)timer) && table->pass_due_ms <= due_ms)
		return;
	table->pass_due_ms = due_ms;
	uv_timer_start(timer, pass, delay_ms, 0);
}
