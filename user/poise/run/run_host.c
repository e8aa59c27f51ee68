// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "nexthop/netlink.h"
#include "nexthop/rtmsg.h"
#include "run/run_host.h"

#define MAX_TRIES 3 /* at a table that changes while it is read */

/* ---- addresses */

struct address_message {
	const void *bytes; /* of the host's own end */
	__u32 flags;
	__u8 family;
};

static int attr_take(const struct nlattr *attr, void *arg)
{
	struct address_message *msg = arg;
	__u16 length = mnl_attr_get_payload_len(attr);
	const void *bytes = mnl_attr_get_payload(attr);

	switch (mnl_attr_get_type(attr)) {
	case IFA_ADDRESS:
		/* On a point-to-point link this is the other end; IFA_LOCAL is ours then. */
		if (!msg->bytes && length == (msg->family == AF_INET ? 4 : 16))
			msg->bytes = bytes;
		break;
	case IFA_LOCAL:
		if (length == (msg->family == AF_INET ? 4 : 16))
			msg->bytes = bytes;
		break;
	case IFA_FLAGS:
		if (length >= sizeof(msg->flags))
			memcpy(&msg->flags, bytes, sizeof(msg->flags));
		break;
	}
	return MNL_CB_OK;
}

static bool is_usable(const struct ifaddrmsg *ifa, __u32 flags)
{
	/* Temporary ones are for going out; the others do not work, or soon will not. */
	const __u32 bad = IFA_F_TEMPORARY | IFA_F_DEPRECATED | IFA_F_TENTATIVE | IFA_F_DADFAILED;

	return ifa->ifa_scope < RT_SCOPE_LINK && !(flags & bad);
}

static void address_add(struct run_host *host, const struct address_message *msg, __u32 ifindex)
{
	struct run_address address = { .addr.b = { [10] = 0xff, [11] = 0xff } };
	size_t size = (host->address_count + 1) * sizeof(*host->addresses);
	struct run_address *more;

	if (msg->family == AF_INET)
		memcpy(address.addr.b + 12, msg->bytes, 4);
	else
		memcpy(address.addr.b, msg->bytes, 16);
	if (!if_indextoname(ifindex, address.ifname) || !strcmp(address.ifname, "lo"))
		return;
	more = realloc(host->addresses, size);
	if (!more)
		return;
	host->addresses = more;
	more[host->address_count++] = address;
}

static void address_take(void *arg, const struct nlmsghdr *nlh)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct address_message msg = { 0 };

	if (nlh->nlmsg_type != RTM_NEWADDR || mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifa) ||
	    (ifa->ifa_family != AF_INET && ifa->ifa_family != AF_INET6))
		return;
	msg.family = ifa->ifa_family;
	msg.flags = ifa->ifa_flags;
	if (mnl_attr_parse(nlh, sizeof(*ifa), attr_take, &msg) < 0 || !msg.bytes)
		return;
	if (is_usable(ifa, msg.flags))
		address_add(arg, &msg, ifa->ifa_index);
}

static void address_dump(void *arg, size_t i, struct nlmsghdr *nlh)
{
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	(void)arg;
	(void)i;
	nlh->nlmsg_type = RTM_GETADDR;
	ifa->ifa_family = AF_UNSPEC;
}

/* ---- routes */

struct questions {
	const struct run_request *request;
	struct run_host *host;
};

static const struct addr *asked(const struct questions *questions, size_t i)
{
	const struct run_request *request = questions->request;

	if (i < request->listen_count)
		return &request->listens[i].addr;
	return &request->backends[i - request->listen_count].addr;
}

static void route_ask(void *arg, size_t i, struct nlmsghdr *nlh)
{
	rtmsg_route_get(nlh, asked(arg, i));
}

static void route_take(void *arg, size_t i, int err, const struct nlmsghdr *nlh)
{
	const struct questions *questions = arg;
	size_t listens = questions->request->listen_count;
	struct run_host *host = questions->host;
	struct run_route *out = i < listens ? &host->listens[i] : &host->backends[i - listens];
	struct rt_route route = { 0 };

	if (!err && nlh)
		err = rtmsg_route_parse(nlh, asked(questions, i), &route);
	else if (!err)
		err = -EHOSTUNREACH;
	out->error = err;
	out->local = route.type == RTN_LOCAL;
	if (!err && !out->local && !if_indextoname(route.ifindex, out->ifname))
		out->error = -EHOSTUNREACH;
}

int run_host_read(const struct run_request *request, struct run_host *out)
{
	struct run_host host = { 0 };
	struct questions questions = { request, &host };
	struct netlink *nl = NULL;
	int tries = MAX_TRIES, err = netlink_open(&nl);

	host.backends = calloc(request->backend_count + 1, sizeof(*host.backends));
	if (!err && !host.backends)
		err = -ENOMEM;
	if (!err)
		err = netlink_request(nl, request->listen_count + request->backend_count, route_ask,
				      route_take, &questions);
	while (!err && tries--) {
		host.address_count = 0;
		err = netlink_dump(nl, address_dump, address_take, &host);
		if (err != -EINTR)
			break;
		err = 0;
	}
	netlink_close(nl);
	if (err)
		run_host_free(&host);
	*out = host;
	return err;
}

void run_host_free(struct run_host *host)
{
	free(host->addresses);
	free(host->backends);
	memset(host, 0, sizeof(*host));
}
