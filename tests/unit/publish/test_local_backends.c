// SPDX-License-Identifier: BSD-2-Clause
/* Backends that are sockets of this host -> rows, counts of their connections, what is attached. */
#include "fixtures/reconcile_box.h"

#include "publish/local_backends.h"

#include "fixtures/caught.h"

#define ONE     "127.0.0.1:8001"
#define OTHER   "127.0.0.1:8002"
#define TWO     "'" ONE "', '" OTHER "'"
#define LOCAL   "'mode': 'local',"
#define CHECKED "'mode': 'local', 'check': {'tcp': true},"

static int host_setup(void **state)
{
	memset(&host, 0, sizeof(host));
	host.listening[8001] = host.listening[8002] = LOCAL_FOUND;
	return setup(state);
}

/* Does what the timer does. */
static void second_passes(void)
{
	struct live_service *service = service_find(model, "web");

	kernel.time_ns += SECOND_NS;
	for (size_t i = 0; i < service_members(service); i++)
		local_backends_look(service_member(service, i));
	turn();
}

static void connections(__u16 port, __u32 live, __u32 closing)
{
	host.service = service_find(model, "web")->published_number;
	host.connections[port] = (struct local_count){ live, closing };
	sweep_after(1000);
}

static bool all_stable(void)
{
	const struct live_service *web = service_find(model, "web");

	return web->stable_rows == web->row_count;
}

static void who_listens_has_rows(void **state)
{
	struct service_key key;
	struct service value;

	(void)state;
	assert_int_equal(apply_web(LOCAL, TWO ", '127.0.0.1:8003'"), 0);
	assert_in_range(rows_of("web", ONE), ROWS / 2, ROWS / 2 + 1);
	assert_int_equal(rows_of("web", ONE) + rows_of("web", OTHER), ROWS);
	assert_true(host.attached);
	assert_int_equal(kernel.targets[backend("web", ONE)->target].mode, MODE_LOCAL);
	assert_int_equal(kernel.targets[backend("web", "127.0.0.1:8003")->target].mode, MODE_NONE);
	for (size_t i = 0; i < FAKE_WATCHES; i++)
		assert_null(watches[i]);
	/* Packets do not find it. */
	key = service_find(model, "web")->key;
	assert_int_equal(key.kind, KEY_LOCAL);
	key.kind = KEY_SERVICE;
	assert_int_equal(lb_service_get(NULL, &key, &value), -ENOENT);
	key.port = 0;
	key.proto = 0;
	assert_int_equal(lb_service_get(NULL, &key, &value), -ENOENT);
}

static void servers_come_and_go(void **state)
{
	char buf[160];

	(void)state;
	assert_int_equal(apply_web(LOCAL, TWO), 0);
	host.listening[8001] = LOCAL_NONE;
	second_passes();
	assert_int_equal(rows_of("web", OTHER), ROWS);
	assert_string_equal(backend_way_format(backend("web", ONE), buf, sizeof(buf)),
			    "nothing listens there");
	host.listening[8001] = LOCAL_REFUSED;
	second_passes();
	assert_int_equal(rows_of("web", OTHER), ROWS);
	assert_non_null(
		strstr(backend_way_format(backend("web", ONE), buf, sizeof(buf)), "Multipath"));
	host.listening[8001] = LOCAL_FOUND;
	second_passes();
	sweep_after(1000);
	assert_in_range(rows_of("web", ONE), ROWS / 2, ROWS / 2 + 1);
	/* An error of the kernel's says nothing of them. */
	host.listening[8001] = -ENOMEM;
	second_passes();
	assert_in_range(rows_of("web", ONE), ROWS / 2, ROWS / 2 + 1);
}

static void check_that_passes_looks_first(void **state)
{
	unsigned int looks;

	(void)state;
	host.listening[8001] = LOCAL_NONE;
	assert_int_equal(apply_web(CHECKED, "'" ONE "'"), 0);
	host.listening[8001] = LOCAL_FOUND;
	looks = host.looks;
	health_tell("127.0.0.1", HEALTH_UP);
	assert_int_equal(host.looks, looks + 1);
	assert_int_equal(rows_of("web", ONE), ROWS);
	health_tell("127.0.0.1", HEALTH_DOWN);
	assert_int_equal(rows_of("web", NULL), ROWS);
}

/* The kernel knows each connection: rows never have to tell of older ones. */
static void rows_do_not_move(void **state)
{
	(void)state;
	assert_int_equal(apply_web(LOCAL, TWO), 0);
	assert_int_equal(apply_web(LOCAL, "'" ONE "', {'address': '" OTHER "', 'weight': 10}"), 0);
	assert_in_range(rows_of("web", OTHER), 15, 30);
	assert_true(all_stable());
	assert_int_equal(apply_web("'mode': 'local', 'scheduler': 'leastconn',", TWO), 0);
	assert_true(all_stable());
	assert_int_equal(apply_web("'mode': 'local', 'hash': 'source',", TWO), 0);
	assert_int_equal(apply_web("'mode': 'local', 'hash': 'source',", "'" ONE "'"), 0);
	assert_false(all_stable());
}

static void connections_are_waited_for(void **state)
{
	const struct live_service *web;

	(void)state;
	assert_int_equal(apply_web("'mode': 'local', 'scheduler': 'leastconn',", TWO), 0);
	web = service_find(model, "web");
	connections(8002, 5, 1);
	assert_int_equal(backend("web", OTHER)->flows, 5);
	assert_int_equal(backend("web", OTHER)->closing, 1);
	assert_int_equal(backend("web", ONE)->flows, 0);
	assert_int_equal(kernel.loads[backend("web", OTHER)->target].base, 5);
	assert_int_equal(apply_web("'mode': 'local', 'scheduler': 'leastconn',", "'" ONE "'"), 0);
	connections(8002, 1, 0);
	assert_int_equal(web->leaving_count, 1);
	connections(8002, 0, 1);
	assert_int_equal(web->leaving_count, 1);
	connections(8002, 0, 0);
	assert_int_equal(web->leaving_count, 0);
}

/* Its connections say what a socket is bound to, not how a service knows it. */
static void sockets_at_any_address(void **state)
{
	static const struct {
		const char *bound, *backends, *whose; /* NULL: nobody's */
	} rows[] = {
		{ "127.0.0.1", TWO, OTHER },
		{ "127.0.0.2", TWO, NULL },
		{ "0.0.0.0", TWO, OTHER },
		{ "::", TWO, OTHER },
		{ "0.0.0.0", "'[::1]:8002', '" ONE "'", NULL },
		{ "::", "'[::1]:8002', '" ONE "'", "[::1]:8002" },
		{ "::1", "'" ONE "', '127.0.0.9:8002', '[::1]:8002'", "[::1]:8002" },
		{ "0.0.0.0", "'127.0.0.9:8002', '127.0.0.3:8002'", "127.0.0.3:8002" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		__u32 counted = 0;

		host.bound = rows[i].bound;
		assert_int_equal(apply_web("'mode': 'local',", rows[i].backends), 0);
		connections(8002, 5, 1);
		for (size_t j = 0; j < service_find(model, "web")->backend_count; j++)
			counted += service_find(model, "web")->backends[j]->flows;
		assert_int_equal(counted, rows[i].whose ? 5 : 0);
		if (rows[i].whose)
			assert_int_equal(backend("web", rows[i].whose)->flows, 5);
	}
}

static void mode_changes_both_ways(void **state)
{
	(void)state;
	assert_int_equal(apply_web("'mode': 'ipip',", "'10.0.0.11'"), 0);
	hop_ready("10.0.0.11");
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
	assert_false(host.attached);
	assert_int_equal(apply_web(LOCAL, TWO), 0);
	sweep_after(1000);
	assert_true(host.attached);
	assert_int_equal(rows_of("web", ONE) + rows_of("web", OTHER), ROWS);
	assert_int_equal(apply_web("'mode': 'ipip',", "'10.0.0.11'"), 0);
	hop_ready("10.0.0.11");
	sweep_after(1000);
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
	assert_false(host.attached);
}

static void programs_that_do_not_load_refuse_it(void **state)
{
	(void)state;
	assert_int_equal(apply_web("'mode': 'ipip',", "'10.0.0.11'"), 0);
	host.refuses = -EPERM;
	assert_int_equal(apply_web(LOCAL, TWO), -EPERM);
	assert_string_equal(problem.path, "services[0].mode");
	assert_string_equal(problem.text, "no programs");
	assert_false(host.attached);
	assert_non_null(backend("web", "10.0.0.11"));
}

static void restart_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(apply_web(LOCAL, TWO), 0);
	daemon_restart();
	assert_true(host.attached);
	host.switched = 0;
	assert_int_equal(apply_web(LOCAL, TWO), 0);
	turn();
	assert_int_equal(kernel.rows_set, 0);
	assert_int_equal(kernel.tables_made, 0);
	assert_int_equal(host.switched, 1);
	/* One without mode local takes off what an earlier one left. */
	daemon_restart();
	assert_int_equal(apply("{'services': []}"), 0);
	assert_false(host.attached);
}

/* The kernel keeps what the server has accepted. */
static void connections_of_a_lost_socket_are_not_lost(void **state)
{
	struct caught caught;
	char words[1024];

	(void)state;
	assert_int_equal(apply_web("'mode': 'local', 'scheduler': 'leastconn',", TWO), 0);
	connections(8002, 1, 0);
	assert_int_equal(apply_web("'mode': 'local', 'scheduler': 'leastconn',", "'" ONE "'"), 0);
	host.listening[8002] = LOCAL_NONE;
	caught_begin(&caught);
	second_passes();
	caught_end(&caught, words, sizeof(words));
	assert_int_equal(service_find(model, "web")->leaving_count, 0);
	assert_non_null(strstr(words, OTHER " serves no more: its connections are the kernel's"));
	assert_null(strstr(words, "lost"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_listens_has_rows, host_setup, teardown),
		cmocka_unit_test_setup_teardown(servers_come_and_go, host_setup, teardown),
		cmocka_unit_test_setup_teardown(check_that_passes_looks_first, host_setup,
						teardown),
		cmocka_unit_test_setup_teardown(rows_do_not_move, host_setup, teardown),
		cmocka_unit_test_setup_teardown(connections_are_waited_for, host_setup, teardown),
		cmocka_unit_test_setup_teardown(sockets_at_any_address, host_setup, teardown),
		cmocka_unit_test_setup_teardown(connections_of_a_lost_socket_are_not_lost,
						host_setup, teardown),
		cmocka_unit_test_setup_teardown(mode_changes_both_ways, host_setup, teardown),
		cmocka_unit_test_setup_teardown(programs_that_do_not_load_refuse_it, host_setup,
						teardown),
		cmocka_unit_test_setup_teardown(restart_changes_nothing, host_setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
