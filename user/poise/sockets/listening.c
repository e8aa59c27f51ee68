// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "nexthop/netlink.h"
#include "sockets/listening.h"

struct search {
	__u8 proto, family;
	bool (*each)(const struct listening_socket *socket, void *arg);
	void *arg;
	bool found;
};

static void request_build(void *arg, size_t i, struct nlmsghdr *nlh)
{
	const struct search *search = arg;
	struct inet_diag_req_v2 *request;

	(void)i;
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	request = mnl_nlmsg_put_extra_header(nlh, sizeof(*request));
	request->sdiag_family = search->family;
	request->sdiag_protocol = search->proto;
	/* A UDP socket without a peer counts as closed. */
	request->idiag_states = 1U << (search->proto == IPPROTO_TCP ? TCP_LISTEN : TCP_CLOSE);
}

static int attribute_take(const struct nlattr *attribute, void *arg)
{
	struct listening_socket *socket = arg;

	if (mnl_attr_get_type(attribute) == INET_DIAG_SKV6ONLY &&
	    !mnl_attr_validate(attribute, MNL_TYPE_U8))
		socket->v6only = mnl_attr_get_u8(attribute);
	return MNL_CB_OK;
}

int listening_read(const struct nlmsghdr *nlh, struct listening_socket *out)
{
	const struct inet_diag_msg *message = mnl_nlmsg_get_payload(nlh);
	struct listening_socket socket = { .addr = { .b = { [10] = 0xff, [11] = 0xff } } };

	if (nlh->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*message))
		return -EBADMSG;
	if (message->idiag_family == AF_INET6)
		memcpy(socket.addr.b, message->id.idiag_src, 16);
	else if (message->idiag_family == AF_INET)
		memcpy(socket.addr.b + 12, message->id.idiag_src, 4);
	else
		return -EBADMSG;
	socket.port = ntohs(message->id.idiag_sport);
	socket.inode = message->idiag_inode;
	if (mnl_attr_parse(nlh, sizeof(*message), attribute_take, &socket) < 0)
		return -EBADMSG;
	*out = socket;
	return 0;
}

static void message_take(void *arg, const struct nlmsghdr *nlh)
{
	struct search *search = arg;
	struct listening_socket socket;

	if (!search->found && !listening_read(nlh, &socket))
		search->found = search->each(&socket, search->arg);
}

int listening_each(__u8 proto, bool (*each)(const struct listening_socket *socket, void *arg),
		   void *arg)
{
	static const __u8 families[] = { AF_INET, AF_INET6 };
	struct search search = { .proto = proto, .each = each, .arg = arg };
	struct netlink *nl;
	int err = netlink_open_diag(&nl);

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(families) && !err && !search.found; i++) {
		search.family = families[i];
		err = netlink_dump(nl, request_build, message_take, &search);
		/* Sockets come and go; and a kernel may be without IPv6. */
		if (err == -EINTR || (err == -ENOENT && search.family == AF_INET6))
			err = 0;
	}
	netlink_close(nl);
	return err ? err : search.found;
}

/* The socket is at all addresses, and this is one that it takes. */
static bool covers(const struct listening_socket *socket, const struct addr *addr)
{
	return addr_wildcard_covers(&socket->addr, addr) && !(socket->v6only && addr_is_v4(addr));
}

bool listening_collides(const struct listening_socket *socket, const struct addr *addr, __u16 port)
{
	if (socket->port != port)
		return false;
	return addr_equal(&socket->addr, addr) || covers(socket, addr) ||
	       addr_wildcard_covers(addr, &socket->addr);
}

/* How close a socket is to an address: 0 not at all, 3 at it. */
static int closeness(const struct listening_socket *socket, const struct addr *addr, __u16 port)
{
	if (socket->port != port)
		return 0;
	if (addr_equal(&socket->addr, addr))
		return 3;
	if (!covers(socket, addr))
		return 0;
	return addr_is_v4(&socket->addr) == addr_is_v4(addr) ? 2 : 1;
}

struct closest {
	const struct addr *addr;
	__u16 port;
	int closeness;
	struct listening_socket socket;
};

static bool closest_take(const struct listening_socket *socket, void *arg)
{
	struct closest *closest = arg;
	int close = closeness(socket, closest->addr, closest->port);

	if (close > closest->closeness) {
		closest->closeness = close;
		closest->socket = *socket;
	}
	return false;
}

int listening_closest(const struct addr *addr, __u16 port, __u8 proto, struct listening_socket *out)
{
	struct closest closest = { .addr = addr, .port = port };
	int err = listening_each(proto, closest_take, &closest);

	if (err)
		return err;
	*out = closest.socket;
	return closest.closeness > 0;
}
