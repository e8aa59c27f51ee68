// SPDX-License-Identifier: BSD-2-Clause
/* The interfaces that the kernel has told of. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "nexthop/nexthop_table.h"

#define LINK_LOADS 3 /* dumps until one was not interrupted by a change */

static struct link *link_find(const struct nexthop_table *table, __u32 ifindex)
{
	struct link *link;

	HASH_FIND(hh, table->links, &ifindex, sizeof(ifindex), link);
	return link;
}

const struct rt_link *nexthop_link(const struct nexthop_table *table, __u32 ifindex)
{
	const struct link *link = link_find(table, ifindex);

	return link ? &link->rt : NULL;
}

static bool link_equal(const struct rt_link *a, const struct rt_link *b)
{
	return a->flags == b->flags && a->mtu == b->mtu && a->type == b->type &&
	       a->has_mac == b->has_mac && !memcmp(a->mac, b->mac, sizeof(a->mac)) &&
	       !strcmp(a->name, b->name);
}

static void link_remove(struct nexthop_table *table, struct link *link)
{
	/* The analyzer does not know that the first of the list has none before it. */
	HASH_DEL(table->links, link); /* NOLINT(clang-analyzer-unix.Malloc) */
	free(link);
}

static int link_add(struct nexthop_table *table, const struct rt_link *rt)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return -ENOMEM;
	link->rt = *rt;
	link->seen = true;
	HASH_ADD(hh, table->links, rt.ifindex, sizeof(link->rt.ifindex), link);
	if (link->hh.tbl)
		return 0;
	free(link);
	return -ENOMEM;
}

bool nexthop_link_take(struct nexthop_table *table, const struct nlmsghdr *nlh)
{
	struct link *link = link_find(table, rtmsg_link_index(nlh));
	struct rt_link rt = { 0 };

	if (link)
		rt = link->rt;
	if (rtmsg_link_parse(nlh, &rt))
		return false;
	if (nlh->nlmsg_type == RTM_DELLINK) {
		if (link)
			link_remove(table, link);
		return link != NULL;
	}
	if (link) {
		bool same = link_equal(&link->rt, &rt);

		link->rt = rt;
		link->seen = true;
		return !same;
	}
	if (link_add(table, &rt))
		table->lost = true; /* the next pass tries again */
	return true;
}

static void build_link_dump(void *arg, size_t i, struct nlmsghdr *nlh)
{
	(void)arg;
	(void)i;
	rtmsg_link_dump(nlh);
}

static void take_link(void *arg, const struct nlmsghdr *nlh)
{
	nexthop_link_take(arg, nlh);
}

/* Removes the links that `all` or that the last dump did not show. */
static void links_remove(struct nexthop_table *table, bool all)
{
	struct link *link, *next;

	for (link = table->links; link; link = next) {
		next = link->hh.next;
		if (all || !link->seen)
			link_remove(table, link);
	}
}

int nexthop_links_load(struct nexthop_table *table)
{
	int err = -EINTR;

	for (int i = 0; i < LINK_LOADS && err == -EINTR; i++) {
		for (struct link *link = table->links; link; link = link->hh.next)
			link->seen = false;
		err = netlink_dump(table->requests, build_link_dump, take_link, table);
	}
	/* Links that an interrupted dump did not show may still be there. */
	if (!err)
		links_remove(table, false);
	return err == -EINTR ? 0 : err;
}

void nexthop_links_free(struct nexthop_table *table)
{
	links_remove(table, true);
}
