// SPDX-License-Identifier: BSD-2-Clause
#include "nexthop/rtmsg.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#define TABLE(max)                                                                                 \
	(struct attr_table)                                                                        \
	{                                                                                          \
		(const struct nlattr * [(max) + 1]){ NULL }, (max)                                 \
	}

struct attr_table {
	const struct nlattr **attr; /* by type */
	__u16 max;
};

static int collect(const struct nlattr *attr, void *arg)
{
	struct attr_table *table = arg;
	__u16 type = mnl_attr_get_type(attr);

	if (type <= table->max)
		table->attr[type] = attr;
	return MNL_CB_OK;
}

/* The attribute of a type if it has at least `size` bytes of payload. */
static const void *payload(const struct attr_table *table, __u16 type, size_t size)
{
	const struct nlattr *attr = table->attr[type];

	return attr && mnl_attr_get_payload_len(attr) >= size ? mnl_attr_get_payload(attr) : NULL;
}

static __u32 get_u32(const struct attr_table *table, __u16 type)
{
	const void *data = payload(table, type, sizeof(__u32));
	__u32 value = 0;

	if (data)
		memcpy(&value, data, sizeof(value));
	return value;
}

static bool get_mac(const struct attr_table *table, __u16 type, __u8 mac[6])
{
	const struct nlattr *attr = table->attr[type];

	if (!attr || mnl_attr_get_payload_len(attr) != 6)
		return false;
	memcpy(mac, mnl_attr_get_payload(attr), 6);
	return true;
}

static void addr_set(struct addr *addr, int family, const void *bytes)
{
	static const __u8 v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

	if (family == AF_INET) {
		memcpy(addr->b, v4_prefix, sizeof(v4_prefix));
		memcpy(addr->b + 12, bytes, 4);
	} else {
		memcpy(addr->b, bytes, 16);
	}
}

static bool get_addr(const struct attr_table *table, __u16 type, int family, struct addr *addr)
{
	const void *bytes = payload(table, type, family == AF_INET ? 4 : 16);

	if (bytes)
		addr_set(addr, family, bytes);
	return bytes != NULL;
}

static void put_addr(struct nlmsghdr *nlh, __u16 type, const struct addr *addr)
{
	if (addr_is_v4(addr))
		mnl_attr_put(nlh, type, 4, addr_v4(addr));
	else
		mnl_attr_put(nlh, type, 16, addr->b);
}

static __u8 family_of(const struct addr *addr)
{
	return addr_is_v4(addr) ? AF_INET : AF_INET6;
}

void rtmsg_route_get(struct nlmsghdr *nlh, const struct addr *addr)
{
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	nlh->nlmsg_type = RTM_GETROUTE;
	rtm->rtm_family = family_of(addr);
	rtm->rtm_dst_len = addr_is_v4(addr) ? 32 : 128;
	put_addr(nlh, RTA_DST, addr);
}

void rtmsg_link_dump(struct nlmsghdr *nlh)
{
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	nlh->nlmsg_type = RTM_GETLINK;
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

void rtmsg_addr_dump(struct nlmsghdr *nlh)
{
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	nlh->nlmsg_type = RTM_GETADDR;
	ifa->ifa_family = AF_UNSPEC;
}

static struct ndmsg *put_neigh(struct nlmsghdr *nlh, __u32 ifindex, const struct addr *addr)
{
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = family_of(addr);
	ndm->ndm_ifindex = (__s32)ifindex;
	put_addr(nlh, NDA_DST, addr);
	return ndm;
}

void rtmsg_neigh_get(struct nlmsghdr *nlh, __u32 ifindex, const struct addr *addr)
{
	nlh->nlmsg_type = RTM_GETNEIGH;
	put_neigh(nlh, ifindex, addr);
}

void rtmsg_neigh_use(struct nlmsghdr *nlh, __u32 ifindex, const struct addr *addr, bool create,
		     __u32 flags)
{
	struct ndmsg *ndm;

	nlh->nlmsg_type = RTM_NEWNEIGH;
	nlh->nlmsg_flags = NLM_F_ACK | (create ? NLM_F_CREATE | NLM_F_EXCL : 0);
	ndm = put_neigh(nlh, ifindex, addr);
	ndm->ndm_flags = (__u8)(NTF_USE | (flags & (NTF_EXT_LEARNED | NTF_ROUTER)));
	if (flags & RT_NEIGH_MANAGED)
		mnl_attr_put_u32(nlh, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
}

/* An address of either family behind a gateway attribute (RFC 5549: IPv4 through an IPv6 router).
 */
static bool get_via(const struct attr_table *table, struct addr *addr)
{
	const struct nlattr *attr = table->attr[RTA_VIA];
	struct rtvia via;
	size_t length = attr ? mnl_attr_get_payload_len(attr) : 0;

	if (length < sizeof(via))
		return false;
	memcpy(&via, mnl_attr_get_payload(attr), sizeof(via));
	if (length - sizeof(via) != (via.rtvia_family == AF_INET ? 4 : 16))
		return false;
	addr_set(addr, via.rtvia_family, (const char *)mnl_attr_get_payload(attr) + sizeof(via));
	return true;
}

static __u32 get_mtu(const struct attr_table *table)
{
	struct attr_table metrics = TABLE(RTAX_MTU);

	if (!table->attr[RTA_METRICS] ||
	    mnl_attr_parse_nested(table->attr[RTA_METRICS], collect, &metrics) < 0)
		return 0;
	return get_u32(&metrics, RTAX_MTU);
}

int rtmsg_route_parse(const struct nlmsghdr *nlh, const struct addr *dst, struct rt_route *out)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct attr_table table = TABLE(RTA_MAX);
	struct rt_route route = { .gateway = *dst };

	if (nlh->nlmsg_type != RTM_NEWROUTE)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rtm) ||
	    mnl_attr_parse(nlh, sizeof(*rtm), collect, &table) < 0)
		return -EBADMSG;
	if (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6)
		return -ENOMSG;
	route.type = rtm->rtm_type;
	route.ifindex = get_u32(&table, RTA_OIF);
	route.encap = table.attr[RTA_ENCAP] != NULL;
	route.mtu = get_mtu(&table);
	get_addr(&table, RTA_PREFSRC, rtm->rtm_family, &route.source);
	route.direct = !get_addr(&table, RTA_GATEWAY, rtm->rtm_family, &route.gateway) &&
		       !get_via(&table, &route.gateway);
	*out = route;
	return 0;
}

__u32 rtmsg_link_index(const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi) ? 0 : (__u32)ifi->ifi_index;
}

int rtmsg_link_parse(const struct nlmsghdr *nlh, struct rt_link *out)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct attr_table table = TABLE(IFLA_MTU);
	const struct nlattr *name;

	if (nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return -EBADMSG;
	/* A bridge reports its ports as links of family AF_BRIDGE: leaving it is not vanishing. */
	if (ifi->ifi_family != AF_UNSPEC)
		return -ENOMSG;
	if (mnl_attr_parse(nlh, sizeof(*ifi), collect, &table) < 0)
		return -EBADMSG;
	out->ifindex = (__u32)ifi->ifi_index;
	out->flags = ifi->ifi_flags;
	out->type = ifi->ifi_type;
	if (payload(&table, IFLA_MTU, sizeof(__u32)))
		out->mtu = get_u32(&table, IFLA_MTU);
	name = table.attr[IFLA_IFNAME];
	if (name) {
		size_t length = mnl_attr_get_payload_len(name);

		if (length >= sizeof(out->name))
			length = sizeof(out->name) - 1;
		memset(out->name, 0, sizeof(out->name));
		strncpy(out->name, mnl_attr_get_payload(name), length);
	}
	if (table.attr[IFLA_ADDRESS])
		out->has_mac = get_mac(&table, IFLA_ADDRESS, out->mac);
	return 0;
}

int rtmsg_addr_parse(const struct nlmsghdr *nlh, struct addr *out)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct attr_table table = TABLE(IFA_LOCAL);

	if (nlh->nlmsg_type != RTM_NEWADDR)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa))
		return -EBADMSG;
	if (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6)
		return -ENOMSG;
	if (mnl_attr_parse(nlh, sizeof(*ifa), collect, &table) < 0)
		return -EBADMSG;
	/* On a point-to-point link IFA_ADDRESS is the other end's. */
	if (get_addr(&table, IFA_LOCAL, ifa->ifa_family, out) ||
	    get_addr(&table, IFA_ADDRESS, ifa->ifa_family, out))
		return 0;
	return -EBADMSG;
}

int rtmsg_neigh_parse(const struct nlmsghdr *nlh, struct rt_neigh *out)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	struct attr_table table = TABLE(NDA_MAX);
	struct rt_neigh neigh = { 0 };

	if (nlh->nlmsg_type != RTM_NEWNEIGH && nlh->nlmsg_type != RTM_DELNEIGH)
		return -ENOMSG;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm))
		return -EBADMSG;
	if (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6)
		return -ENOMSG;
	if (ndm->ndm_flags & NTF_PROXY)
		return -ENOMSG;
	if (mnl_attr_parse(nlh, sizeof(*ndm), collect, &table) < 0 ||
	    !get_addr(&table, NDA_DST, ndm->ndm_family, &neigh.addr))
		return -EBADMSG;
	neigh.ifindex = (__u32)ndm->ndm_ifindex;
	neigh.flags = ndm->ndm_flags | get_u32(&table, NDA_FLAGS_EXT) << RT_NEIGH_EXT_SHIFT;
	neigh.has_mac = get_mac(&table, NDA_LLADDR, neigh.mac);
	neigh.state = nlh->nlmsg_type == RTM_DELNEIGH ? 0 : ndm->ndm_state;
	*out = neigh;
	return 0;
}
