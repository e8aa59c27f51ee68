// SPDX-License-Identifier: BSD-2-Clause
/* What notifications mean for the table, and the links that they keep up to date. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "nexthop_table.h"

/* Long enough that a script's worth of changes is one pass, too short for anybody to notice. */
#define BURST_MS 5

#define LINK_LOADS 3 /* dumps until one was not interrupted by a change */

static struct link *link_find(const struct nexthop_table *table, __u32 ifindex)
{
	struct hnode *node = htable_first(&table->links, ifindex);

	return node ? htable_entry(node, struct link, node) : NULL;
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
	htable_remove(&table->links, &link->node);
	free(link);
}

/* Whether anything differs from before. */
static bool link_take(struct nexthop_table *table, const struct nlmsghdr *nlh)
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
	link = calloc(1, sizeof(*link));
	if (!link || htable_add(&table->links, &link->node, rt.ifindex)) {
		free(link);
		table->lost = true; /* the next pass tries again */
		return true;
	}
	link->rt = rt;
	link->seen = true;
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
	link_take(arg, nlh);
}

/* Removes the links that `all` or that the last dump did not show. */
static void links_remove(struct nexthop_table *table, bool all)
{
	for (size_t slot = 0; slot < table->links.slot_count; slot++) {
		struct hnode *node = table->links.slots[slot], *next;

		for (; node; node = next) {
			struct link *link = htable_entry(node, struct link, node);

			next = node->next;
			if (all || !link->seen)
				link_remove(table, link);
		}
	}
}

int nexthop_links_load(struct nexthop_table *table)
{
	int err = -EINTR;

	for (int i = 0; i < LINK_LOADS && err == -EINTR; i++) {
		struct hnode *node;
		size_t slot;

		htable_foreach(&table->links, slot, node) htable_entry(node, struct link, node)
			->seen = false;
		err = netlink_dump(table->requests, build_link_dump, take_link, table);
	}
	/* What an interrupted dump did not show may still be there. */
	if (!err)
		links_remove(table, false);
	return err == -EINTR ? 0 : err;
}

void nexthop_links_free(struct nexthop_table *table)
{
	links_remove(table, true);
	htable_free(&table->links);
}

static void neigh_event(struct nexthop_table *table, const struct nlmsghdr *nlh)
{
	struct rt_neigh entry;
	struct neigh *neigh;

	if (rtmsg_neigh_parse(nlh, &entry))
		return;
	neigh = nexthop_neigh_find(table, entry.ifindex, &entry.addr);
	if (!neigh)
		return;
	/*
	 * Only good news is taken from the notification. `ip neigh del` makes an entry fail before
	 * it goes: whether there is a failed one, or none and one to be made, shows when the pass
	 * looks.
	 */
	if (neigh_usable(&entry))
		nexthop_neigh_take(table, neigh, &entry);
	else
		neigh_forget(&neigh->state);
	if (neigh_next(&neigh->state) != NEIGH_KEEP)
		nexthop_neigh_look(table, neigh);
	nexthop_schedule(table, BURST_MS);
}

void nexthop_event(void *arg, const struct nlmsghdr *nlh)
{
	struct nexthop_table *table = arg;

	switch (nlh->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		neigh_event(table, nlh);
		return;
	case RTM_NEWLINK:
	case RTM_DELLINK:
		if (!link_take(table, nlh))
			return;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_NEWRULE:
	case RTM_DELRULE:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
		break;
	default:
		return;
	}
	table->routes_dirty = true;
	nexthop_schedule(table, BURST_MS);
}
