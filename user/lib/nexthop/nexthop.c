// SPDX-License-Identifier: BSD-2-Clause
/* The table: its sockets and timers, and who watches what. */
#include "base/array.h"
#include "nexthop/nexthop.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "nexthop/nexthop_table.h"

#define TICK_MS 1000
/* Routes are looked up again this often without cause: a path MTU that the kernel learned expires
 * without notice. */
#define REFRESH_TICKS 60

static void tick(uv_timer_t *timer)
{
	struct nexthop_table *table = timer->data;

	if (++table->ticks % REFRESH_TICKS == 0)
		table->routes_dirty = true;
	nexthop_neigh_requeue(table, false);
	if (table->lost || table->routes_dirty || !TAILQ_EMPTY(&table->fresh) ||
	    !TAILQ_EMPTY(&table->look))
		nexthop_schedule(table, 0);
}

static void readable(uv_poll_t *poll, int status, int events)
{
	struct nexthop_table *table = poll->data;
	int err = netlink_read(table->events, nexthop_event, table);

	(void)status;
	(void)events;
	if (err >= 0)
		return; /* 1: the descriptor is still readable */
	table->lost = true;
	nexthop_schedule(table, TICK_MS / 10);
}

static void handle_closed(uv_handle_t *handle)
{
	struct nexthop_table *table = handle->data;

	if (--table->open_handles)
		return;
	netlink_close(table->events);
	free(table);
}

static void handle_opened(struct nexthop_table *table, void *handle)
{
	((uv_handle_t *)handle)->data = table;
	table->open_handles++;
}

static int sockets_open(struct nexthop_table *table)
{
	static const int groups[] = {
		RTNLGRP_LINK,       RTNLGRP_NEIGH,     RTNLGRP_IPV4_IFADDR,
		RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_IFADDR,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP,
	};
	/* Listening comes first: what changes during the dump is then told as well. */
	int err = netlink_listen(groups, ARRAY_SIZE(groups), &table->events);

	if (!err)
		err = netlink_open(&table->requests);
	return err ? err : nexthop_links_load(table);
}

int nexthop_open(struct uv_loop_s *loop, struct nexthop_table **out)
{
	struct nexthop_table *table = calloc(1, sizeof(*table));
	int err;

	if (!table)
		return -ENOMEM;
	TAILQ_INIT(&table->fresh);
	TAILQ_INIT(&table->changed);
	TAILQ_INIT(&table->look);
	TAILQ_INIT(&table->tell);
	err = sockets_open(table);
	if (!err)
		err = uv_poll_init(loop, &table->poll, netlink_fd(table->events));
	if (err) {
		nexthop_links_free(table);
		netlink_close(table->requests);
		netlink_close(table->events);
		free(table);
		return err;
	}
	handle_opened(table, &table->poll);
	uv_timer_init(loop, &table->pass_timer); /* never fails, nor do starting timers and polls */
	handle_opened(table, &table->pass_timer);
	uv_timer_init(loop, &table->tick_timer);
	handle_opened(table, &table->tick_timer);
	uv_poll_start(&table->poll, UV_READABLE, readable);
	uv_timer_start(&table->tick_timer, tick, TICK_MS, TICK_MS);
	*out = table;
	return 0;
}

void nexthop_close(struct nexthop_table *table)
{
	if (!table)
		return;
	nexthop_links_free(table);
	netlink_close(table->requests);
	uv_close((uv_handle_t *)&table->poll, handle_closed);
	uv_close((uv_handle_t *)&table->pass_timer, handle_closed);
	uv_close((uv_handle_t *)&table->tick_timer, handle_closed);
}

static struct dest *dest_get(struct nexthop_table *table, const struct addr *addr)
{
	struct dest *dest;

	HASH_FIND(hh, table->dests, addr, sizeof(*addr), dest);
	if (dest)
		return dest;
	dest = calloc(1, sizeof(*dest));
	if (!dest)
		return NULL;
	dest->addr = *addr;
	dest->hop.state = NEXTHOP_RESOLVING;
	LIST_INIT(&dest->watches);
	HASH_ADD(hh, table->dests, addr, sizeof(dest->addr), dest);
	if (!dest->hh.tbl) {
		free(dest);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&table->fresh, dest, fresh);
	return dest;
}

static void dest_drop(struct nexthop_table *table, struct dest *dest)
{
	if (!dest->resolved)
		TAILQ_REMOVE(&table->fresh, dest, fresh);
	if (dest->queued)
		TAILQ_REMOVE(&table->changed, dest, changed);
	nexthop_neigh_drop(table, dest);
	HASH_DEL(table->dests, dest);
	free(dest);
}

int nexthop_watch(struct nexthop_table *table, const struct addr *addr, nexthop_changed changed,
		  void *arg, struct nexthop_watch **out)
{
	struct nexthop_watch *watch = calloc(1, sizeof(*watch));
	struct dest *dest = watch ? dest_get(table, addr) : NULL;

	if (!dest) {
		free(watch);
		return -ENOMEM;
	}
	watch->table = table;
	watch->dest = dest;
	watch->changed = changed;
	watch->arg = arg;
	LIST_INSERT_HEAD(&dest->watches, watch, of_dest);
	if (dest->resolved)
		nexthop_dest_changed(table, dest);
	nexthop_schedule(table, 0);
	*out = watch;
	return 0;
}

void nexthop_unwatch(struct nexthop_watch *watch)
{
	if (!watch)
		return;
	LIST_REMOVE(watch, of_dest);
	if (watch->queued)
		TAILQ_REMOVE(&watch->table->tell, watch, tell);
	if (LIST_EMPTY(&watch->dest->watches))
		dest_drop(watch->table, watch->dest);
	free(watch);
}
