// SPDX-License-Identifier: BSD-2-Clause
/* rtnetlink messages: what is read out of them, and what broken ones do (nothing). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/if.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "nexthop/netlink.h"
#include "nexthop/rtmsg.h"

#define BYTES(...) ((const __u8[]){ __VA_ARGS__ })

static char buf[1024];
static const __u8 mac[6] = { 2, 0, 0, 0, 0, 1 };

static struct addr addr(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void *start(struct nlmsghdr **nlh, int type, size_t extra)
{
	memset(buf, 0, sizeof(buf));
	*nlh = mnl_nlmsg_put_header(buf);
	(*nlh)->nlmsg_type = (__u16)type;
	return mnl_nlmsg_put_extra_header(*nlh, extra);
}

static struct nlmsghdr *route_start(int family, int type)
{
	struct nlmsghdr *nlh;
	struct rtmsg *rtm = start(&nlh, RTM_NEWROUTE, sizeof(*rtm));

	rtm->rtm_family = (__u8)family;
	rtm->rtm_type = (__u8)type;
	mnl_attr_put_u32(nlh, RTA_OIF, 7);
	return nlh;
}

static void route_on_link(void **state)
{
	struct addr dst = addr("10.0.0.2"), source = addr("10.0.0.1");
	struct nlmsghdr *nlh = route_start(AF_INET, RTN_UNICAST);
	struct rt_route route;

	(void)state;
	mnl_attr_put(nlh, RTA_PREFSRC, 4, BYTES(10, 0, 0, 1));
	assert_int_equal(rtmsg_route_parse(nlh, &dst, &route), 0);
	assert_int_equal(route.error, 0);
	assert_int_equal(route.type, RTN_UNICAST);
	assert_int_equal(route.ifindex, 7);
	assert_int_equal(route.mtu, 0);
	assert_true(route.direct);
	assert_false(route.encap);
	assert_true(addr_equal(&route.gateway, &dst));
	assert_true(addr_equal(&route.source, &source));
}

static void route_through_a_router(void **state)
{
	struct addr dst = addr("2001:db8:9::1"), router = addr("fe80::1");
	struct nlmsghdr *nlh = route_start(AF_INET6, RTN_UNICAST);
	struct nlattr *metrics;
	struct rt_route route;

	(void)state;
	mnl_attr_put(nlh, RTA_GATEWAY, 16, router.b);
	metrics = mnl_attr_nest_start(nlh, RTA_METRICS);
	mnl_attr_put_u32(nlh, RTAX_HOPLIMIT, 9);
	mnl_attr_put_u32(nlh, RTAX_MTU, 1400);
	mnl_attr_nest_end(nlh, metrics);
	assert_int_equal(rtmsg_route_parse(nlh, &dst, &route), 0);
	assert_false(route.direct);
	assert_true(addr_equal(&route.gateway, &router));
	assert_int_equal(route.mtu, 1400);
}

static void ipv4_route_through_an_ipv6_router(void **state)
{
	struct addr dst = addr("10.9.0.1"), router = addr("fe80::1");
	struct nlmsghdr *nlh = route_start(AF_INET, RTN_UNICAST);
	__u8 via[sizeof(struct rtvia) + 16] = { 0 };
	const struct rtvia family = { .rtvia_family = AF_INET6 };
	struct rt_route route;

	(void)state;
	memcpy(via, &family, sizeof(family));
	memcpy(via + sizeof(family), router.b, 16);
	mnl_attr_put(nlh, RTA_VIA, sizeof(via), via);
	assert_int_equal(rtmsg_route_parse(nlh, &dst, &route), 0);
	assert_false(route.direct);
	assert_true(addr_equal(&route.gateway, &router));

	/* An address of four bytes that says it is IPv6 is no gateway. */
	nlh = route_start(AF_INET, RTN_UNICAST);
	mnl_attr_put(nlh, RTA_VIA, sizeof(family) + 4, via);
	assert_int_equal(rtmsg_route_parse(nlh, &dst, &route), 0);
	assert_true(route.direct);
}

static void route_that_encapsulates(void **state)
{
	struct addr dst = addr("10.9.0.1");
	struct nlmsghdr *nlh = route_start(AF_INET, RTN_UNICAST);
	struct rt_route route;

	(void)state;
	mnl_attr_put(nlh, RTA_ENCAP, 4, BYTES(0, 0, 0, 0));
	assert_int_equal(rtmsg_route_parse(nlh, &dst, &route), 0);
	assert_true(route.encap);
}

static struct nlmsghdr *link_start(int family, int type)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi = start(&nlh, type, sizeof(*ifi));

	ifi->ifi_family = (__u8)family;
	ifi->ifi_index = 7;
	ifi->ifi_type = ARPHRD_ETHER;
	ifi->ifi_flags = IFF_UP | IFF_RUNNING;
	return nlh;
}

static void link_whole_and_partial(void **state)
{
	struct nlmsghdr *nlh = link_start(AF_UNSPEC, RTM_NEWLINK);
	struct rt_link link = { 0 };

	(void)state;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, "eth0");
	mnl_attr_put_u32(nlh, IFLA_MTU, 9000);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	assert_int_equal(rtmsg_link_index(nlh), 7);
	assert_int_equal(rtmsg_link_parse(nlh, &link), 0);
	assert_string_equal(link.name, "eth0");
	assert_int_equal(link.mtu, 9000);
	assert_int_equal(link.type, ARPHRD_ETHER);
	assert_int_equal(link.flags, IFF_UP | IFF_RUNNING);
	assert_true(link.has_mac);
	assert_memory_equal(link.mac, mac, 6);

	/* Wireless events bring hardly an attribute: what they leave out stays. */
	assert_int_equal(rtmsg_link_parse(link_start(AF_UNSPEC, RTM_NEWLINK), &link), 0);
	assert_string_equal(link.name, "eth0");
	assert_int_equal(link.mtu, 9000);
	assert_true(link.has_mac);

	/* InfiniBand's addresses have twenty bytes. */
	nlh = link_start(AF_UNSPEC, RTM_NEWLINK);
	mnl_attr_put(nlh, IFLA_ADDRESS, 20, buf + 512);
	assert_int_equal(rtmsg_link_parse(nlh, &link), 0);
	assert_false(link.has_mac);

	/* A name that fills its field still ends. */
	nlh = link_start(AF_UNSPEC, RTM_NEWLINK);
	mnl_attr_put(nlh, IFLA_IFNAME, 16, "abcdefghijklmnop");
	assert_int_equal(rtmsg_link_parse(nlh, &link), 0);
	assert_string_equal(link.name, "abcdefghijklmno");
}

static void leaving_a_bridge_is_not_vanishing(void **state)
{
	struct rt_link link = { .ifindex = 7, .mtu = 1500 };

	(void)state;
	assert_int_equal(rtmsg_link_parse(link_start(AF_BRIDGE, RTM_DELLINK), &link), -ENOMSG);
	assert_int_equal(link.mtu, 1500);
}

static struct nlmsghdr *neigh_start(int type, int family, __u16 nud, __u8 flags)
{
	struct nlmsghdr *nlh;
	struct ndmsg *ndm = start(&nlh, type, sizeof(*ndm));

	ndm->ndm_family = (__u8)family;
	ndm->ndm_ifindex = 7;
	ndm->ndm_state = nud;
	ndm->ndm_flags = flags;
	return nlh;
}

static void neighbours(void **state)
{
	struct addr v4 = addr("10.0.0.2"), v6 = addr("fe80::1");
	struct nlmsghdr *nlh = neigh_start(RTM_NEWNEIGH, AF_INET, NUD_STALE, NTF_EXT_LEARNED);
	struct rt_neigh neigh;

	(void)state;
	mnl_attr_put(nlh, NDA_DST, 4, addr_v4(&v4));
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	mnl_attr_put_u32(nlh, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	assert_int_equal(rtmsg_neigh_parse(nlh, &neigh), 0);
	assert_int_equal(neigh.ifindex, 7);
	assert_int_equal(neigh.state, NUD_STALE);
	assert_int_equal(neigh.flags, NTF_EXT_LEARNED | RT_NEIGH_MANAGED);
	assert_true(addr_equal(&neigh.addr, &v4));
	assert_true(neigh.has_mac);
	assert_memory_equal(neigh.mac, mac, 6);

	/* A deletion says which state the entry had. It has none any more. */
	nlh = neigh_start(RTM_DELNEIGH, AF_INET6, NUD_REACHABLE, 0);
	mnl_attr_put(nlh, NDA_DST, 16, v6.b);
	assert_int_equal(rtmsg_neigh_parse(nlh, &neigh), 0);
	assert_int_equal(neigh.state, 0);
	assert_true(addr_equal(&neigh.addr, &v6));
	assert_false(neigh.has_mac);

	nlh = neigh_start(RTM_NEWNEIGH, AF_INET, NUD_PERMANENT, NTF_PROXY);
	mnl_attr_put(nlh, NDA_DST, 4, addr_v4(&v4));
	assert_int_equal(rtmsg_neigh_parse(nlh, &neigh), -ENOMSG);
	nlh = neigh_start(RTM_NEWNEIGH, AF_BRIDGE, NUD_REACHABLE, 0);
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	assert_int_equal(rtmsg_neigh_parse(nlh, &neigh), -ENOMSG);
	nlh = neigh_start(RTM_NEWNEIGH, AF_INET6, NUD_REACHABLE, 0);
	mnl_attr_put(nlh, NDA_DST, 4, addr_v4(&v4));
	assert_int_equal(rtmsg_neigh_parse(nlh, &neigh), -EBADMSG);
}

/* Messages at every length, in memory of just that length (the kernel pads to four bytes): ASan
 * watches. */
static void cut_short(void **state)
{
	struct addr dst = addr("10.0.0.2");

	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		struct nlmsghdr *nlh = kind == 0 ? route_start(AF_INET, RTN_UNICAST)
				       : kind == 1
					       ? link_start(AF_UNSPEC, RTM_NEWLINK)
					       : neigh_start(RTM_NEWNEIGH, AF_INET, NUD_STALE, 0);
		__u32 whole;

		mnl_attr_put(nlh, 1, 4, BYTES(10, 0, 0, 2)); /* RTA_DST, IFLA_ADDRESS, NDA_DST */
		mnl_attr_put(nlh, 5, 4, BYTES(10, 0, 0, 1)); /* RTA_GATEWAY */
		mnl_attr_put(nlh, RTA_VIA, 1, BYTES(0));
		mnl_attr_put(nlh, RTA_METRICS, 3, BYTES(9, 0, 2));
		whole = nlh->nlmsg_len;
		for (__u32 length = sizeof(*nlh); length <= whole; length++) {
			struct nlmsghdr *cut = calloc(1, MNL_ALIGN(length));
			struct rt_route route;
			struct rt_link link = { 0 };
			struct rt_neigh neigh;

			memcpy(cut, nlh, length);
			cut->nlmsg_len = length;
			rtmsg_link_index(cut);
			rtmsg_route_parse(cut, &dst, &route);
			rtmsg_link_parse(cut, &link);
			rtmsg_neigh_parse(cut, &neigh);
			free(cut);
		}
	}
}

static void requests_fit_and_say_what_they_ask(void **state)
{
	struct addr v4 = addr("10.0.0.2"), v6 = addr("2001:db8::1");
	struct nlmsghdr *nlh;
	struct rt_neigh neigh;
	struct ndmsg *ndm;

	(void)state;
	start(&nlh, 0, 0);
	rtmsg_route_get(nlh, &v6);
	assert_int_equal(nlh->nlmsg_type, RTM_GETROUTE);
	assert_int_equal(((struct rtmsg *)mnl_nlmsg_get_payload(nlh))->rtm_dst_len, 128);
	assert_in_range(nlh->nlmsg_len, 1, NETLINK_REQUEST_BYTES);

	start(&nlh, 0, 0);
	rtmsg_neigh_use(nlh, 7, &v4, true, 0);
	assert_int_equal(nlh->nlmsg_type, RTM_NEWNEIGH);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	assert_int_equal(rtmsg_neigh_parse(nlh, &neigh), 0);
	assert_true(addr_equal(&neigh.addr, &v4));
	assert_int_equal(neigh.ifindex, 7);
	assert_int_equal(neigh.flags, NTF_USE);

	/* Flags that the entry has are repeated, but for the one that the kernel would refuse. */
	start(&nlh, 0, 0);
	rtmsg_neigh_use(nlh, 7, &v6, false,
			NTF_EXT_LEARNED | NTF_OFFLOADED | RT_NEIGH_MANAGED | RT_NEIGH_VALIDATED);
	assert_int_equal(nlh->nlmsg_flags, NLM_F_ACK);
	assert_int_equal(rtmsg_neigh_parse(nlh, &neigh), 0);
	assert_int_equal(neigh.flags, NTF_USE | NTF_EXT_LEARNED | RT_NEIGH_MANAGED);
	assert_in_range(nlh->nlmsg_len, 1, NETLINK_REQUEST_BYTES);

	start(&nlh, 0, 0);
	rtmsg_neigh_get(nlh, 7, &v6);
	ndm = mnl_nlmsg_get_payload(nlh);
	assert_int_equal(nlh->nlmsg_type, RTM_GETNEIGH);
	assert_int_equal(ndm->ndm_family, AF_INET6);
	assert_int_equal(ndm->ndm_flags, 0);
}

static struct nlmsghdr *addr_start(int family, int type)
{
	struct nlmsghdr *nlh;
	struct ifaddrmsg *ifa = start(&nlh, type, sizeof(*ifa));

	ifa->ifa_family = (__u8)family;
	return nlh;
}

static void addresses_of_this_host(void **state)
{
	const struct addr v4 = addr("10.0.0.1"), v6 = addr("2001:db8::1");
	struct nlmsghdr *nlh = addr_start(AF_INET, RTM_NEWADDR);
	struct addr found;

	(void)state;
	/* A point-to-point link: the first is the other end's. */
	mnl_attr_put(nlh, IFA_ADDRESS, 4, BYTES(10, 0, 0, 2));
	mnl_attr_put(nlh, IFA_LOCAL, 4, BYTES(10, 0, 0, 1));
	assert_int_equal(rtmsg_addr_parse(nlh, &found), 0);
	assert_true(addr_equal(&found, &v4));
	nlh = addr_start(AF_INET6, RTM_NEWADDR);
	mnl_attr_put(nlh, IFA_ADDRESS, 16, v6.b);
	assert_int_equal(rtmsg_addr_parse(nlh, &found), 0);
	assert_true(addr_equal(&found, &v6));
	nlh = addr_start(AF_INET6, RTM_NEWADDR);
	mnl_attr_put(nlh, IFA_ADDRESS, 4, BYTES(10, 0, 0, 2));
	assert_int_equal(rtmsg_addr_parse(nlh, &found), -EBADMSG);
	assert_int_equal(rtmsg_addr_parse(addr_start(AF_INET, RTM_NEWADDR), &found), -EBADMSG);
	assert_int_equal(rtmsg_addr_parse(addr_start(AF_INET, RTM_DELADDR), &found), -ENOMSG);
	assert_int_equal(rtmsg_addr_parse(addr_start(AF_PACKET, RTM_NEWADDR), &found), -ENOMSG);
	start(&nlh, 0, 0);
	rtmsg_addr_dump(nlh);
	assert_int_equal(nlh->nlmsg_type, RTM_GETADDR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(route_on_link),
		cmocka_unit_test(route_through_a_router),
		cmocka_unit_test(ipv4_route_through_an_ipv6_router),
		cmocka_unit_test(route_that_encapsulates),
		cmocka_unit_test(link_whole_and_partial),
		cmocka_unit_test(leaving_a_bridge_is_not_vanishing),
		cmocka_unit_test(neighbours),
		cmocka_unit_test(addresses_of_this_host),
		cmocka_unit_test(cut_short),
		cmocka_unit_test(requests_fit_and_say_what_they_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
