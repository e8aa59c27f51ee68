// SPDX-License-Identifier: BSD-2-Clause
/* Notifications of the kernel mark what may have changed in the table. */
#include <linux/rtnetlink.h>

#include "nexthop/nexthop_table.h"

/* Long enough that a script's worth of changes is one pass, too short for anybody to notice. */
#define BURST_MS 5

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
		if (!nexthop_link_take(table, nlh))
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
