// SPDX-License-Identifier: BSD-2-Clause
/* The lines of `poise run` where its output is no terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <unistd.h>

#include "run/run_view.h"
#include "fixtures/quoted.h"

static int pipe_fds[2];
static struct run_out out;

static void update(struct run_view *view, const char *health, const char *time_ns)
{
	char services[256], stats[128];

	snprintf(services, sizeof(services),
		 "[{'name': '80', 'listen': '[::]:80/tcp', 'backends': [{'id': 'a', 'health': "
		 "'%s', 'reason': ''}]}]",
		 health);
	snprintf(stats, sizeof(stats), "{'time_ns': %s, 'services': []}", time_ns);
	run_view_update(view, json(services), json(stats));
}

static void assert_printed(const char *expected)
{
	char text[1024] = "";

	assert_int_equal(read(pipe_fds[0], text, sizeof(text) - 1), strlen(expected));
	assert_string_equal(text, expected);
}

static void changes_are_told_once_and_late_ones_with_the_gap(void **state)
{
	const struct run_plan plan = { .local = true, .listen_count = 1 };
	struct run_view view = { .plan = &plan, .out = &out };

	(void)state;
	update(&view, "up", "1000000000");
	assert_printed("a is up\n");
	update(&view, "up", "2000000000");
	view.stalled = true;
	update(&view, "down", "39000000000");
	assert_printed("nothing is told of the last 37s: standard output was stalled\na is down\n");
	update(&view, "up", "40000000000");
	assert_printed("a is up\n");
	run_view_end(&view, "ended");
	assert_printed("ended\n");
}

static void what_clients_of_this_host_do_not_get_is_said(void **state)
{
	static const struct {
		const char *backend;
		__u8 proto;
		bool v6, udp;
	} rows[] = {
		{ "127.0.0.1:81", IPPROTO_TCP, true, false },
		{ "[::1]:81", IPPROTO_TCP, false, false },
		{ "[::1]:81", IPPROTO_UDP, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct run_listen listen = { .any = true, .port = 80, .proto = rows[i].proto };
		struct run_plan plan = { .local = true, .listens = &listen, .listen_count = 1 };
		struct run_view view = { .plan = &plan, .out = &out, .err = &out };
		char text[1024] = "";

		view.terminal = true;
		view.instance = "i";
		plan.config = json_pack("{s:[{s:[{s:s}]}]}", "services", "backends", "address",
					rows[i].backend);
		run_view_begin(&view);
		fprintf(out.file, "end\n");
		fflush(out.file);
		assert_true(read(pipe_fds[0], text, sizeof(text) - 1) > 0);
		assert_int_equal(strstr(text, "clients by IPv6 are refused") != NULL, rows[i].v6);
		assert_int_equal(strstr(text, "UDP servers answer") != NULL, rows[i].udp);
		json_decref(plan.config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_told_once_and_late_ones_with_the_gap),
		cmocka_unit_test(what_clients_of_this_host_do_not_get_is_said),
	};
	int failed;

	if (pipe(pipe_fds) || run_out_open(pipe_fds[1], &out))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	run_out_close(&out);
	return failed;
}
