// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/array.h"
#include "base/log.h"
#include "nexthop/netlink.h"
#include "nexthop/own.h"
#include "nexthop/rtmsg.h"

#define READS     3    /* dumps until one was not interrupted by a change */
#define BURST_MS  20   /* many addresses that come at once are read once */
#define FAILED_MS 1000 /* a read that failed is tried again */

struct own_watch {
	struct netlink *events;
	uv_poll_t poll;
	uv_timer_t timer; /* after a burst */
	int open_handles;
	own_changed changed;
	void *arg;
	bool told_failure;
};

/* ---- reading */

struct reading {
	struct own own;
	size_t addr_room;
	int err;
};

static int addr_add(struct reading *reading, const struct addr *addr)
{
	struct own *own = &reading->own;

	if (own->addr_count == reading->addr_room) {
		size_t room = reading->addr_room ? 2 * reading->addr_room : 64;
		struct addr *addrs = realloc(own->addrs, room * sizeof(*addrs));

		if (!addrs)
			return -ENOMEM;
		own->addrs = addrs;
		reading->addr_room = room;
	}
	own->addrs[own->addr_count++] = *addr;
	return 0;
}

static void take_addr(void *arg, const struct nlmsghdr *nlh)
{
	struct reading *reading = arg;
	struct addr addr;

	if (!reading->err && !rtmsg_addr_parse(nlh, &addr))
		reading->err = addr_add(reading, &addr);
}

static void build_addr_dump(void *arg, size_t i, struct nlmsghdr *nlh)
{
	(void)arg;
	(void)i;
	rtmsg_addr_dump(nlh);
}

static int addr_compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

/* Several interfaces may have the same address. */
static void addrs_sort(struct own *own)
{
	size_t kept = 0;

	if (own->addr_count)
		qsort(own->addrs, own->addr_count, sizeof(*own->addrs), addr_compare);
	for (size_t i = 0; i < own->addr_count; i++) {
		if (!kept || !addr_equal(&own->addrs[kept - 1], &own->addrs[i]))
			own->addrs[kept++] = own->addrs[i];
	}
	own->addr_count = kept;
}

int own_read(struct own *out)
{
	struct reading reading = { 0 };
	struct netlink *requests = NULL;
	int err = netlink_open(&requests), dump = -EINTR;

	/* An address that is read twice after an interruption is there once in the end. */
	for (int i = 0; !err && i < READS && dump == -EINTR; i++)
		dump = netlink_dump(requests, build_addr_dump, take_addr, &reading);
	netlink_close(requests);
	if (!err && dump != -EINTR)
		err = dump;
	if (!err)
		err = reading.err;
	if (err) {
		own_free(&reading.own);
		return err;
	}
	addrs_sort(&reading.own);
	*out = reading.own;
	return 0;
}

void own_free(struct own *own)
{
	free(own->addrs);
	memset(own, 0, sizeof(*own));
}

/* ---- following */

static void look(uv_timer_t *timer)
{
	struct own_watch *watch = timer->data;
	struct own own = { 0 };
	int err = own_read(&own);

	if (err && !watch->told_failure)
		log_warn("this host's addresses: netlink: %s; trying again each second",
			 strerror(-err));
	watch->told_failure = err != 0;
	if (err)
		uv_timer_start(timer, look, FAILED_MS, 0);
	else
		watch->changed(watch->arg, &own);
	own_free(&own);
}

static void take_event(void *arg, const struct nlmsghdr *nlh)
{
	struct own_watch *watch = arg;

	(void)nlh;
	if (!uv_is_active((uv_handle_t *)&watch->timer))
		uv_timer_start(&watch->timer, look, BURST_MS, 0);
}

static void readable(uv_poll_t *poll, int status, int events)
{
	struct own_watch *watch = poll->data;

	(void)status;
	(void)events;
	/* Events that are lost are events, too. */
	if (netlink_read(watch->events, take_event, watch) < 0)
		take_event(watch, NULL);
}

static void handle_closed(uv_handle_t *handle)
{
	struct own_watch *watch = handle->data;

	if (--watch->open_handles)
		return;
	netlink_close(watch->events);
	free(watch);
}

static void handle_opened(struct own_watch *watch, void *handle)
{
	((uv_handle_t *)handle)->data = watch;
	watch->open_handles++;
}

int own_watch(struct uv_loop_s *loop, own_changed changed, void *arg, struct own_watch **out)
{
	static const int groups[] = { RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR };
	struct own_watch *watch = calloc(1, sizeof(*watch));
	int err = watch ? netlink_listen(groups, ARRAY_SIZE(groups), &watch->events) : -ENOMEM;

	if (!err)
		err = uv_poll_init(loop, &watch->poll, netlink_fd(watch->events));
	if (err) {
		if (watch)
			netlink_close(watch->events);
		free(watch);
		return err;
	}
	watch->changed = changed;
	watch->arg = arg;
	handle_opened(watch, &watch->poll);
	uv_timer_init(loop, &watch->timer); /* never fails, nor does starting timers and polls */
	handle_opened(watch, &watch->timer);
	uv_poll_start(&watch->poll, UV_READABLE, readable);
	uv_timer_start(&watch->timer, look, 0, 0);
	*out = watch;
	return 0;
}

void own_unwatch(struct own_watch *watch)
{
	if (!watch)
		return;
	uv_close((uv_handle_t *)&watch->poll, handle_closed);
	uv_close((uv_handle_t *)&watch->timer, handle_closed);
}
