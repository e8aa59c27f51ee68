// SPDX-License-Identifier: BSD-2-Clause
/* Health checks in time: a busy loop, stops in flight, thousands of them. */
#include "fixtures/checker_fixture.h"

static void connections_are_fresh(void **state)
{
	struct server server = { .answer = HEAD("200 OK"), .keep_open = true };
	struct conf_check conf = conf_of("/");
	struct backend backend = { 0 };

	(void)state;
	conf.interval_ms = 50;
	server_start(&server, "127.0.0.1");
	begin(&backend, &conf, "127.0.0.1", server.port, HEALTH_CHECKING);
	assert_true(run_until(&server.accepted, 22, 10000));
	assert_in_range(server.most_open, 1, 2); /* the server may see an end after a beginning */
	assert_int_equal(backend.told, 1);
	check_stop(backend.check);
	server_stop(&server);
}

/* The least time between two of the first `count` connections. */
static __u64 least_gap_ms(const struct server *server, unsigned int count)
{
	__u64 least_ms = ~0ULL;

	for (unsigned int i = 1; i < count; i++) {
		__u64 gap_ms = server->accepted_ms[i] - server->accepted_ms[i - 1];

		if (gap_ms < least_ms)
			least_ms = gap_ms;
	}
	return least_ms;
}

/* If the timeout is as long as the interval, the next check is due just when one ends. */
static void never_two_in_flight_and_none_left_out(void **state)
{
	struct server server = { .keep_open = true };
	struct conf_check conf = conf_of("/");
	struct backend backend = { 0 };

	(void)state;
	server_start(&server, "127.0.0.1");
	begin(&backend, &conf, "127.0.0.1", server.port, HEALTH_UP);
	assert_true(run_until(&server.accepted, 11, 5000));
	assert_in_range(server.most_open, 1, 2); /* the server may see an end after a beginning */
	assert_true(least_gap_ms(&server, 11) < 200); /* two intervals, were one left out */
	assert_int_equal(backend.health, HEALTH_DOWN);
	assert_int_equal(backend.told, 1);
	check_stop(backend.check);
	server_stop(&server);
}

static void a_busy_daemon_blames_no_backend(void **state)
{
	struct server server = { .answer = HEAD("200 OK"), .keep_open = true };
	struct conf_check conf = conf_of("/");
	struct backend backend = { 0 };

	(void)state;
	conf.fall = 1;
	/* Long, for a machine that stands still of itself is a second reason to be late. */
	conf.interval_ms = conf.timeout_ms = 400;
	server_start(&server, "127.0.0.1");
	for (int i = 0; i < 3; i++) {
		unsigned int seen = server.accepted;

		if (!i)
			begin(&backend, &conf, "127.0.0.1", server.port, HEALTH_UP);
		assert_true(run_until(&server.accepted, seen + 1, 5000));
		usleep(900000); /* the answer is on its way */
		run_for(450);
	}
	assert_int_equal(backend.told, 0);
	assert_int_equal(backend.health, HEALTH_UP);
	check_stop(backend.check);
	server_stop(&server);
}

static void stopping(void **state)
{
	struct server silent = { .keep_open = true }, good = { .answer = HEAD("200 OK") };
	struct conf_check conf = conf_of("/");
	struct backend unborn = { 0 }, flying = { 0 }, suicidal = { .stop_when_told = true };

	(void)state;
	check_stop(NULL);
	server_start(&silent, "127.0.0.1");
	server_start(&good, "127.0.0.1");
	begin(&unborn, &conf, "127.0.0.1", silent.port, HEALTH_UP);
	check_stop(unborn.check);

	conf.timeout_ms = conf.interval_ms = 5000;
	begin(&flying, &conf, "127.0.0.1", silent.port, HEALTH_UP);
	assert_true(run_until(&silent.accepted, 1, 5000));
	check_stop(flying.check);
	assert_true(run_until(&silent.open, 0, 1000)); /* the connection is closed at once */

	begin(&suicidal, &conf, "127.0.0.1", good.port, HEALTH_CHECKING);
	assert_true(run_until(&suicidal.told, 1, 5000));
	run_for(100);
	assert_int_equal(good.accepted, 1);
	assert_int_equal(unborn.told + flying.told, 0);
	server_stop(&silent);
	server_stop(&good);
}

static void thousands(void **state)
{
	static struct backend backends[4000];
	struct server server = { .answer = HEAD("200 OK"), .keep_open = true };
	struct conf_check http = conf_of("/"), tcp = conf_of(NULL);
	unsigned int before, up = 0;
	__u64 end_ns = uv_hrtime() + 20000000000ULL;

	(void)state;
	http.interval_ms = tcp.interval_ms = 10000;
	http.timeout_ms = tcp.timeout_ms = 10000;
	server_start(&server, "127.0.0.1");
	before = descriptors();
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++) {
		begin(&backends[i], i & 1 ? &http : &tcp, "127.0.0.1", server.port,
		      HEALTH_CHECKING);
	}
	while (up < ARRAY_SIZE(backends) && uv_hrtime() < end_ns) {
		run_for(100);
		up = 0;
		for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
			up += backends[i].health == HEALTH_UP;
	}
	assert_int_equal(up, ARRAY_SIZE(backends));
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		check_stop(backends[i].check);
	assert_true(run_until(&server.open, 0, 2000));
	assert_int_equal(descriptors(), before); /* no connection is left */
	server_stop(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(connections_are_fresh),
		TEST(never_two_in_flight_and_none_left_out),
		TEST(a_busy_daemon_blames_no_backend),
		TEST(stopping),
		TEST(thousands),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
