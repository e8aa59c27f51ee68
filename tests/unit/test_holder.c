// SPDX-License-Identifier: BSD-2-Clause
/* Who holds a port: the lines of /proc/net, and this very process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "poise/holder.h"

static struct addr addr(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void lines_are_read(void **state)
{
	static const struct {
		const char *line, *addr;
		__u8 proto;
		__u16 port;
		bool listens;
		unsigned long long inode;
	} rows[] = {
		{ "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     "
		  "0        0 4294967299 1 0000000000000000 100 0 0 10 0\n",
		  "127.0.0.1", IPPROTO_TCP, 8080, true, 4294967299 },
		{ "  11: 0A02000A:D431 050000C0:01BB 01 00000000:00000000 00:00000000 00000000  1000  "
		  "      0 77 1",
		  "10.0.2.10", IPPROTO_TCP, 54321, false, 77 },
		{ "   1: 00000000000000000000000000000000:1F40 00000000000000000000000000000000:0000 "
		  "0A 00000000:00000000 00:00000000 00000000     0        0 5 1",
		  "::", IPPROTO_TCP, 8000, true, 5 },
		{ "   1: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 "
		  "07 00000000:00000000 00:00000000 00000000     0        0 6 2",
		  "2001:db8::1", IPPROTO_UDP, 53, true, 6 },
		/* A datagram socket with a peer has its own packets only. */
		{ "   1: 0100007F:0035 0100007F:1234 01 00000000:00000000 00:00000000 00000000 0 0 8 2",
		  "127.0.0.1", IPPROTO_UDP, 53, false, 8 },
	};
	struct socket_line line;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr want = addr(rows[i].addr);

		assert_int_equal(socket_line_parse(rows[i].line, rows[i].proto, &line), 0);
		assert_memory_equal(line.addr.b, want.b, sizeof(want.b));
		assert_int_equal(line.port, rows[i].port);
		assert_int_equal(line.listens, rows[i].listens);
		assert_true(line.inode == rows[i].inode);
	}
	assert_int_equal(socket_line_parse("  sl  local_address rem_address   st tx_queue",
					   IPPROTO_TCP, &line),
			 -EINVAL);
	assert_int_equal(socket_line_parse("", IPPROTO_TCP, &line), -EINVAL);
	assert_int_equal(socket_line_parse("0: 01:1F90 00000000:0000 0A 0:0 0:0 0 0 0 1",
					   IPPROTO_TCP, &line),
			 -EINVAL);
}

static void wildcards_collide_with_what_they_cover(void **state)
{
	static const struct {
		const char *socket, *service;
		bool collides;
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
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct socket_line line = { addr(rows[i].socket), 80, true, 0 };
		struct addr service = addr(rows[i].service);

		assert_int_equal(socket_line_collides(&line, &service, 80), rows[i].collides);
		assert_false(socket_line_collides(&line, &service, 81));
		line.listens = false;
		assert_false(socket_line_collides(&line, &service, 80));
	}
}

static void a_listener_is_found_with_its_process(void **state)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	socklen_t size = sizeof(name);
	struct addr here = addr("127.0.0.1"), other = addr("127.0.0.9");
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct holder holder;
	__u16 port;

	(void)state;
	name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &size), 0);
	port = ntohs(name.sin_port);
	/* Bound only: it takes no connections. */
	assert_int_equal(holder_find(&here, port, IPPROTO_TCP, &holder), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(holder_find(&here, port, IPPROTO_TCP, &holder), 1);
	assert_int_equal(holder.pid, getpid());
	assert_int_equal(strncmp(holder.name, "test_holder", strlen("test_holder")), 0);
	assert_memory_equal(holder.addr.b, here.b, sizeof(here.b));
	assert_int_equal(holder.port, port);
	assert_int_equal(holder_find(&other, port, IPPROTO_TCP, &holder), 0);
	assert_int_equal(holder_find(&here, port, IPPROTO_UDP, &holder), 0);
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
	struct socket_line line;
	__u16 port;

	(void)state;
	if (wide < 0)
		skip(); /* no IPv6 */
	assert_int_equal(setsockopt(wide, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)), 0);
	assert_int_equal(bind(near, (struct sockaddr *)&one, sizeof(one)), 0);
	assert_int_equal(listen(near, 1), 0);
	assert_int_equal(getsockname(near, (struct sockaddr *)&one, &len), 0);
	port = ntohs(one.sin_port);
	assert_int_equal(holder_socket(&here, port, IPPROTO_TCP, &line), 1);
	assert_true(addr_equal(&line.addr, &here));
	assert_int_equal(holder_socket(&other, port, IPPROTO_TCP, &line), 0);
	assert_int_equal(holder_socket(&here, port, IPPROTO_UDP, &line), 0);
	close(near);
	all.sin6_port = htons(port);
	assert_int_equal(bind(wide, (struct sockaddr *)&all, sizeof(all)), 0);
	assert_int_equal(listen(wide, 1), 0);
	assert_int_equal(holder_socket(&other, port, IPPROTO_TCP, &line), 1);
	assert_false(addr_is_v4(&line.addr));
	assert_int_equal(holder_socket(&here6, port, IPPROTO_TCP, &line), 1);
	close(wide);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(wildcards_collide_with_what_they_cover),
		cmocka_unit_test(a_listener_is_found_with_its_process),
		cmocka_unit_test(the_closest_socket_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
