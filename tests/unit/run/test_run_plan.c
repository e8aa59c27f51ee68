// SPDX-License-Identifier: BSD-2-Clause
/* Tests which configuration `poise run` makes from a request on a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/run_rivals.h"
#include "fixtures/quoted.h"

/* eth0 has 192.0.2.1 and 2001:db8::1, eth1 10.0.0.1; 10/8 is behind eth1, 127/8 and ::1 are here.
 */
static struct run_address addresses[RUN_MAX_ADDRESSES + 4];
static size_t address_count;

static void address(const char *text, const char *ifname)
{
	struct run_address *out = &addresses[address_count++];

	assert_int_equal(addr_parse(text, &out->addr), 0);
	snprintf(out->ifname, sizeof(out->ifname), "%s", ifname);
}

static int host_set_up(void **state)
{
	(void)state;
	address_count = 0;
	address("192.0.2.1", "eth0");
	address("2001:db8::1", "eth0");
	address("10.0.0.1", "eth1");
	return 0;
}

static struct run_route route_to(const struct addr *addr)
{
	static const struct addr loopback = { .b = { [15] = 1 } };
	struct run_route route = { .ifname = "eth0" };

	if (addr_equal(addr, &loopback) || (addr_is_v4(addr) && addr_v4(addr)[0] == 127))
		return (struct run_route){ .local = true };
	for (size_t i = 0; i < address_count; i++) {
		if (addr_equal(addr, &addresses[i].addr))
			return (struct run_route){ .local = true };
	}
	if (addr_is_v4(addr) && addr_v4(addr)[0] == 10)
		strcpy(route.ifname, "eth1");
	if (addr_is_v4(addr) && addr_v4(addr)[0] == 99)
		route.error = -ENETUNREACH;
	return route;
}

/* Words apart by blanks. */
static int plan(const char *listens, const char *backends, const char *interface,
		struct run_plan *out, char error[RUN_ERROR_SIZE])
{
	const char *const interfaces[] = { interface, NULL };
	struct run_route routes[16];
	struct run_backend list[16];
	struct run_request request = { .backends = list };
	struct run_host host = { addresses, address_count, .backends = routes };
	char copy[512], *rest = copy, *word;
	int err;

	snprintf(copy, sizeof(copy), "%s", listens);
	while ((word = strsep(&rest, " "))) {
		struct run_listen *listen = &request.listens[request.listen_count];

		assert_int_equal(run_listen_parse(word, listen, error), 0);
		host.listens[request.listen_count++] = route_to(&listen->addr);
	}
	rest = copy;
	snprintf(copy, sizeof(copy), "%s", backends);
	while ((word = strsep(&rest, " "))) {
		struct run_backend *backend = &list[request.backend_count];

		assert_int_equal(run_backend_parse(word, backend, error), 0);
		routes[request.backend_count++] = route_to(&backend->addr);
	}
	err = run_plan_make(&request, &host, interfaces, out, error);
	return err;
}

static void assert_config(const char *listens, const char *backends, const char *interface,
			  const char *want)
{
	struct run_plan made = { 0 };
	char error[RUN_ERROR_SIZE] = "";
	json_t *tree = json(want);

	if (plan(listens, backends, interface, &made, error))
		fail_msg("%s", error);
	if (!json_equal(made.config, tree))
		fail_msg("%s", json_dumps(made.config, JSON_INDENT(1)));
	json_decref(tree);
	run_plan_free(&made);
}

#define CHECK "'check': {'tcp': true, 'interval': '500ms'}"

static void sockets_of_this_host_are_served_by_mode_local(void **state)
{
	(void)state;
	assert_config(":8080", "127.0.0.1:8001 [::1]:8002 192.0.2.1:8003", NULL,
		      "{'interfaces': [], 'services': [{'name': '8080', 'listen': '[::]:8080/tcp', "
		      "'mode': 'local', " CHECK ", 'backends': [{'address': '127.0.0.1:8001'}, "
		      "{'address': '[::1]:8002'}, {'address': '192.0.2.1:8003'}]}]}");
	/* A check by TCP says nothing of UDP. */
	assert_config("0.0.0.0:53/udp 192.0.2.1:53/udp", ":5301", NULL,
		      "{'interfaces': [], 'services': ["
		      "{'name': '53-udp', 'listen': '0.0.0.0:53/udp', 'mode': 'local', "
		      "'backends': [{'address': '127.0.0.1:5301'}]}, "
		      "{'name': '53-udp-2', 'listen': '192.0.2.1:53/udp', 'mode': 'local', "
		      "'backends': [{'address': '127.0.0.1:5301'}]}]}");
}

static void servers_elsewhere_are_served_by_nat(void **state)
{
	(void)state;
	/* Every address of their family; both interfaces; a missing port is the service's. */
	assert_config(":80", "10.0.0.5 10.0.0.6:8080", NULL,
		      "{'interfaces': [{'name': 'eth0', 'xdp': 'auto'}, {'name': 'eth1', 'xdp': "
		      "'auto'}], 'services': ["
		      "{'name': '80', 'listen': '192.0.2.1:80/tcp', 'mode': 'nat', " CHECK
		      ", 'backends': [{'address': '10.0.0.5:80'}, {'address': '10.0.0.6:8080'}]}, "
		      "{'name': '80-2', 'listen': '10.0.0.1:80/tcp', 'mode': 'nat', " CHECK
		      ", 'backends': [{'address': '10.0.0.5:80'}, {'address': "
		      "'10.0.0.6:8080'}]}]}");
	assert_config("[::]:80", "2001:db8::5", NULL,
		      "{'interfaces': [{'name': 'eth0', 'xdp': 'auto'}], 'services': ["
		      "{'name': '80', 'listen': '[2001:db8::1]:80/tcp', 'mode': 'nat', " CHECK
		      ", 'backends': [{'address': '[2001:db8::5]:80'}]}]}");
	/* An address that only routers know of needs its interface named. */
	assert_config("198.51.100.7:80", "10.0.0.5", "eth0",
		      "{'interfaces': [{'name': 'eth0', 'xdp': 'auto'}, {'name': 'eth1', 'xdp': "
		      "'auto'}], 'services': ["
		      "{'name': '80', 'listen': '198.51.100.7:80/tcp', 'mode': 'nat', " CHECK
		      ", 'backends': [{'address': '10.0.0.5:80'}]}]}");
}

static void each_family_has_its_own_backends(void **state)
{
	(void)state;
	assert_config("192.0.2.1:80 [2001:db8::1]:80", "10.0.0.5 2001:db8::5", NULL,
		      "{'interfaces': [{'name': 'eth0', 'xdp': 'auto'}, {'name': 'eth1', 'xdp': "
		      "'auto'}], 'services': ["
		      "{'name': '80', 'listen': '192.0.2.1:80/tcp', 'mode': 'nat', " CHECK
		      ", 'backends': [{'address': '10.0.0.5:80'}]}, "
		      "{'name': '80-2', 'listen': '[2001:db8::1]:80/tcp', 'mode': 'nat', " CHECK
		      ", 'backends': [{'address': '[2001:db8::5]:80'}]}]}");
}

static void ports_of_nat_keep_away_from_what_is_listened_on(void **state)
{
	(void)state;
	assert_config("192.0.2.1:12000", "10.0.0.5:80", NULL,
		      "{'interfaces': [{'name': 'eth0', 'xdp': 'auto'}, {'name': 'eth1', 'xdp': "
		      "'auto'}], 'nat_ports': '12001-32767', 'services': ["
		      "{'name': '12000', 'listen': '192.0.2.1:12000/tcp', 'mode': 'nat', " CHECK
		      ", 'backends': [{'address': '10.0.0.5:80'}]}]}");
}

static void the_largest_part_of_a_range_is_taken(void **state)
{
	static const struct {
		__u16 ports[4];
		size_t count;
		__u16 first, last;
	} rows[] = {
		{ { 0 }, 0, 1000, 2000 },    { { 80, 2001, 999 }, 3, 1000, 2000 },
		{ { 1000 }, 1, 1001, 2000 }, { { 2000 }, 1, 1000, 1999 },
		{ { 1500 }, 1, 1000, 1499 }, /* equals: the lower one */
		{ { 1499 }, 1, 1500, 2000 }, { { 1300, 1700, 1301, 1300 }, 4, 1302, 1699 },
	};
	__u16 first, last;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		run_ports_choose(1000, 2000, rows[i].ports, rows[i].count, &first, &last);
		assert_int_equal(first, rows[i].first);
		assert_int_equal(last, rows[i].last);
	}
	/* The end of all ports. */
	run_ports_choose(65000, 65535, rows[0].ports, 0, &first, &last);
	assert_int_equal(first, 65000);
	assert_int_equal(last, 65535);
}

static void what_cannot_be_is_refused_with_words(void **state)
{
	static const struct {
		const char *listens, *backends, *interface, *says;
	} rows[] = {
		{ ":80", "127.0.0.1:8001 10.0.0.5:80", NULL,
		  "backend 127.0.0.1:8001 is on this host, 10.0.0.5:80 is not" },
		{ ":80", "99.0.0.1:80", NULL, "backend 99.0.0.1:80: no way there" },
		{ ":80", "127.0.0.1", NULL, "backend 127.0.0.1 is on this host: it needs a port" },
		{ ":80", "::1", NULL, "as in [::1]:8001" },
		{ ":80", "127.0.0.1:80", NULL,
		  "backend 127.0.0.1:80 lies within --listen [::]:80/tcp" },
		{ "0.0.0.0:80", "127.0.0.1:80", NULL, "lies within" },
		{ "127.0.0.1:80", "127.0.0.1:80", NULL, "lies within" },
		{ "198.51.100.7:80", "127.0.0.1:8001", NULL, "no address of this host" },
		{ ":80", "127.0.0.1:8001", "eth0", "--interface: all backends are on this host" },
		{ "127.0.0.1:80", "10.0.0.5:80", NULL, "does not serve clients on this host" },
		{ "192.0.2.1:80", "2001:db8::5", NULL, "no backend has an IPv4 address" },
		{ "[2001:db8::1]:80", "10.0.0.5", NULL, "no backend has an IPv6 address" },
		{ "0.0.0.0:80", "2001:db8::5", NULL, "no address of the backends' family" },
		{ ":80", "fe80::1", NULL, "backend fe80::1: that is a link-local address" },
		{ ":80", "224.0.0.1:80", NULL,
		  "backend 224.0.0.1:80: that is a multicast address" },
		{ "[fe80::1]:80", "[::1]:81", NULL, "--listen [fe80::1]:80/tcp: that is a link-" },
		{ "192.0.2.1:80 :80", "10.0.0.5", NULL, "192.0.2.1:80/tcp is meant twice" },
		{ "192.0.2.1:80", "10.0.0.5 10.0.0.5:80", NULL,
		  "backend 10.0.0.5 is 10.0.0.5:80 again by --listen 192.0.2.1:80/tcp" },
		{ "198.51.100.7:80", "10.0.0.5", NULL, "name the one that clients' packets" },
	};
	struct run_plan made = { 0 };
	char error[RUN_ERROR_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		error[0] = '\0';
		assert_int_equal(
			plan(rows[i].listens, rows[i].backends, rows[i].interface, &made, error),
			-EINVAL);
		if (!strstr(error, rows[i].says))
			fail_msg("\"%s\" does not say \"%s\"", error, rows[i].says);
		assert_null(made.config);
	}
}

static void services_of_others_are_in_the_way(void **state)
{
	static const struct {
		const char *service;
		bool found;
	} rows[] = {
		{ "[::]:8080/tcp", true },      { "0.0.0.0:8080/tcp", true },
		{ "127.0.0.1:8080/tcp", true }, { "127.0.0.2:8080/tcp", false },
		{ "[::]:8080/udp", false },     { "[::]:8081/tcp", false },
		{ "[::1]:8080/tcp", false },    { "nonsense", false },
	};
	struct run_listen listen = { .port = 8080, .proto = IPPROTO_TCP };
	const struct run_plan made = { .listens = &listen, .listen_count = 1 };

	(void)state;
	assert_int_equal(addr_parse("127.0.0.1", &listen.addr), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *services = json_pack("[{s:s}]", "listen", rows[i].service);

		assert_int_equal(run_rivals_find(&made, services) != NULL, rows[i].found);
		json_decref(services);
	}
}

static void room_for_many_backends_is_asked_for(void **state)
{
	static const struct {
		size_t backends;
		int room; /* 0: the default, -1: refused */
	} rows[] = { { 2047, 0 }, { 2048, 4097 }, { 32767, 65535 }, { 32768, -1 } };
	struct run_route *routes = calloc(32768, sizeof(*routes));
	struct run_backend *list = calloc(32768, sizeof(*list));
	const struct run_host host = { addresses, address_count, .backends = routes };
	const char *const interfaces[] = { NULL };

	(void)state;
	for (size_t i = 0; i < 32768; i++) {
		list[i] = (struct run_backend){ { { [10] = 0xff, [11] = 0xff, 10, 1 } }, 80 };
		list[i].addr.b[14] = i >> 8;
		list[i].addr.b[15] = i;
		strcpy(routes[i].ifname, "eth1");
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct run_request request = { .listen_count = 1, .backends = list };
		struct run_plan made = { 0 };
		char error[RUN_ERROR_SIZE];
		int err;

		assert_int_equal(run_listen_parse(":80", &request.listens[0], error), 0);
		request.backend_count = rows[i].backends;
		err = run_plan_make(&request, &host, interfaces, &made, error);
		assert_int_equal(err, rows[i].room < 0 ? -EINVAL : 0);
		if (!err)
			assert_int_equal(
				json_integer_value(json_object_get(made.config, "max_backends")),
				rows[i].room);
		else
			assert_non_null(strstr(error, "at most 65534 in all, found 65536"));
		run_plan_free(&made);
	}
	free(routes);
	free(list);
}

static void too_many_addresses_are_not_guessed_at(void **state)
{
	char error[RUN_ERROR_SIZE], text[ADDR_TEXT_SIZE];
	struct run_plan made = { 0 };

	(void)state;
	for (int i = 0; i < RUN_MAX_ADDRESSES; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", 10 + i);
		address(text, "eth0");
	}
	assert_int_equal(plan(":80", "10.0.0.5", NULL, &made, error), -EINVAL);
	assert_non_null(strstr(error, "this host has 10 addresses"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sockets_of_this_host_are_served_by_mode_local, host_set_up),
		cmocka_unit_test_setup(servers_elsewhere_are_served_by_nat, host_set_up),
		cmocka_unit_test_setup(each_family_has_its_own_backends, host_set_up),
		cmocka_unit_test_setup(ports_of_nat_keep_away_from_what_is_listened_on,
				       host_set_up),
		cmocka_unit_test(the_largest_part_of_a_range_is_taken),
		cmocka_unit_test(services_of_others_are_in_the_way),
		cmocka_unit_test_setup(what_cannot_be_is_refused_with_words, host_set_up),
		cmocka_unit_test_setup(room_for_many_backends_is_asked_for, host_set_up),
		cmocka_unit_test_setup(too_many_addresses_are_not_guessed_at, host_set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
