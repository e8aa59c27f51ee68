// SPDX-License-Identifier: BSD-2-Clause
/* Who has a port: what the kernel tells of sockets, and this very process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "sockets/listening.h"
#include "sockets/socket_owner.h"

static struct addr addr(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

/* Makes the message that the kernel would send of a socket. */
static void message_make(struct nlmsghdr *nlh, __u8 family, const char *text, __u16 port,
			 int v6only)
{
	struct addr at = addr(text);
	struct inet_diag_msg *message;

	mnl_nlmsg_put_header(nlh);
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message = mnl_nlmsg_put_extra_header(nlh, sizeof(*message));
	message->idiag_family = family;
	message->id.idiag_sport = htons(port);
	message->idiag_inode = 77;
	if (family == AF_INET6)
		memcpy(message->id.idiag_src, at.b, 16);
	else
		memcpy(message->id.idiag_src, at.b + 12, 4);
	mnl_attr_put_u8(nlh, INET_DIAG_SHUTDOWN, 1);
	if (v6only >= 0)
		mnl_attr_put_u8(nlh, INET_DIAG_SKV6ONLY, (__u8)v6only);
}

static void messages_are_read(void **state)
{
	static const struct {
		const char *addr;
		int v6only; /* -1: the message does not say */
		__u8 family;
	} rows[] = {
		{ "127.0.0.1", -1, AF_INET },   { "0.0.0.0", -1, AF_INET },
		{ "::", 0, AF_INET6 },          { "::", 1, AF_INET6 },
		{ "2001:db8::1", 0, AF_INET6 }, { "::1", -1, AF_INET6 },
	};
	char buf[512];
	struct nlmsghdr *nlh = (void *)buf;
	struct listening_socket socket;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr want = addr(rows[i].addr);

		message_make(nlh, rows[i].family, rows[i].addr, 8080, rows[i].v6only);
		assert_int_equal(listening_read(nlh, &socket), 0);
		assert_memory_equal(socket.addr.b, want.b, sizeof(want.b));
		assert_int_equal(socket.port, 8080);
		assert_int_equal(socket.v6only, rows[i].v6only == 1);
		assert_int_equal(socket.inode, 77);
	}
	message_make(nlh, AF_INET, "127.0.0.1", 8080, -1);
	nlh->nlmsg_type = NLMSG_NOOP;
	assert_int_equal(listening_read(nlh, &socket), -EBADMSG);
	message_make(nlh, AF_UNIX, "127.0.0.1", 8080, -1);
	assert_int_equal(listening_read(nlh, &socket), -EBADMSG);
	mnl_nlmsg_put_header(nlh);
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	assert_int_equal(listening_read(nlh, &socket), -EBADMSG);
}

static void wildcards_collide_with_what_they_cover(void **state)
{
	static const struct {
		const char *socket, *service;
		bool collides, v6only;
	} rows[] = {
		{ "127.0.0.1", "127.0.0.1", true },
		{ "127.0.0.1", "127.0.0.2", false },
		{ "0.0.0.0", "127.0.0.1", true },
		{ "127.0.0.1", "0.0.0.0", true },
		{ "127.0.0.1", "::", true },
		{ "::", "127.0.0.1", true },
		{ "::", "::1", true },
		{ "::1", "::", true },
		{ "0.0.0.0", "::", true },
		{ "::", "0.0.0.0", true },
		{ "0.0.0.0", "::1", false },
		{ "::1", "0.0.0.0", false },
		{ "::", "127.0.0.1", false, .v6only = true },
		{ "::", "0.0.0.0", false, .v6only = true },
		{ "::", "::1", true, .v6only = true },
		{ "::", "::", true, .v6only = true },
		{ "::1", "::", true, .v6only = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct listening_socket socket = { addr(rows[i].socket), 80, rows[i].v6only, 0 };
		struct addr service = addr(rows[i].service);

		assert_int_equal(listening_collides(&socket, &service, 80), rows[i].collides);
		assert_false(listening_collides(&socket, &service, 81));
	}
}

static void a_listener_is_found_with_its_process(void **state)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t size = sizeof(name);
	struct addr here = addr("127.0.0.1"), other = addr("127.0.0.9");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct socket_owner owner;
	__u16 port;

	(void)state;
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	port = ntohs(name.sin_port);
	/* Bound only: it takes no connections. */
	assert_int_equal(socket_owner_find(&here, port, IPPROTO_TCP, &owner), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(socket_owner_find(&here, port, IPPROTO_TCP, &owner), 1);
	assert_int_equal(owner.pid, getpid());
	assert_int_equal(strncmp(owner.name, "test_listening", 14), 0);
	assert_memory_equal(owner.addr.b, here.b, sizeof(here.b));
	assert_int_equal(owner.port, port);
	assert_int_equal(socket_owner_find(&other, port, IPPROTO_TCP, &owner), 0);
	assert_int_equal(socket_owner_find(&here, port, IPPROTO_UDP, &owner), 0);
	close(fd);
}

static void the_closest_socket_is_found(void **state)
{
	struct sockaddr_in6 all = { .sin6_family = AF_INET6 };
	struct sockaddr_in one = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int wide = socket(AF_INET6, SOCK_STREAM, 0), near = socket(AF_INET, SOCK_STREAM, 0),
	    yes = 1;
	struct addr here = addr("127.0.0.1"), other = addr("127.0.0.2"), here6 = addr("::1");
	socklen_t len = sizeof(one);
	struct listening_socket line;
	__u16 port;

	(void)state;
	if (wide < 0)
		skip(); /* no IPv6 */
	assert_int_equal(setsockopt(wide, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
	assert_int_equal(bind(near, (struct sockaddr *)&one, sizeof(one)), 0);
	assert_int_equal(listen(near, 1), 0);
	assert_int_equal(getsockname(near, (struct sockaddr *)&one, &len), 0);
	port = ntohs(one.sin_port);
	assert_int_equal(listening_closest(&here, port, IPPROTO_TCP, &line), 1);
	assert_true(addr_equal(&line.addr, &here));
	assert_int_equal(listening_closest(&other, port, IPPROTO_TCP, &line), 0);
	assert_int_equal(listening_closest(&here, port, IPPROTO_UDP, &line), 0);
	close(near);
	all.sin6_port = htons(port);
	assert_int_equal(bind(wide, (struct sockaddr *)&all, sizeof(all)), 0);
	assert_int_equal(listen(wide, 1), 0);
	assert_int_equal(listening_closest(&other, port, IPPROTO_TCP, &line), 1);
	assert_false(addr_is_v4(&line.addr));
	assert_false(line.v6only);
	assert_int_equal(listening_closest(&here6, port, IPPROTO_TCP, &line), 1);
	close(wide);
	/* One that takes IPv6 only is nobody for a client of IPv4. */
	wide = socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(setsockopt(wide, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
	assert_int_equal(setsockopt(wide, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)), 0);
	assert_int_equal(bind(wide, (struct sockaddr *)&all, sizeof(all)), 0);
	assert_int_equal(listen(wide, 1), 0);
	assert_int_equal(listening_closest(&other, port, IPPROTO_TCP, &line), 0);
	assert_int_equal(socket_owner_find(&other, port, IPPROTO_TCP, &(struct socket_owner){ 0 }),
			 0);
	assert_int_equal(listening_closest(&here6, port, IPPROTO_TCP, &line), 1);
	assert_true(line.v6only);
	close(wide);
}

static void datagram_sockets_without_a_peer_listen(void **state)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct addr here = addr("127.0.0.1");
	socklen_t size = sizeof(name);
	struct listening_socket line;
	__u16 port;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	port = ntohs(name.sin_port);
	assert_int_equal(listening_closest(&here, port, IPPROTO_UDP, &line), 1);
	assert_int_equal(listening_closest(&here, port, IPPROTO_TCP, &line), 0);
	/* One with a peer has that peer's packets only. */
	assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(listening_closest(&here, port, IPPROTO_UDP, &line), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_read),
		cmocka_unit_test(wildcards_collide_with_what_they_cover),
		cmocka_unit_test(a_listener_is_found_with_its_process),
		cmocka_unit_test(the_closest_socket_is_found),
		cmocka_unit_test(datagram_sockets_without_a_peer_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
