// SPDX-License-Identifier: BSD-2-Clause
/* The words of `poise run`, taken apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "caught.h"
#include "poise/run_request.h"

static void listens_are_read(void **state)
{
	static const struct {
		const char *text, *canonical;
		bool any;
	} rows[] = {
		{ ":8080", "[::]:8080/tcp", true },
		{ "8080", "[::]:8080/tcp", true },
		{ ":53/udp", "[::]:53/udp", true },
		{ "[::]:80", "[::]:80/tcp", true },
		{ "0.0.0.0:80", "0.0.0.0:80/tcp", false },
		{ "192.0.2.10:65535/tcp", "192.0.2.10:65535/tcp", false },
		{ "[2001:db8::1]:1/udp", "[2001:db8::1]:1/udp", false },
	};
	char error[RUN_ERROR_SIZE], text[ENDPOINT_TEXT_SIZE];
	struct run_listen listen;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(run_listen_parse(rows[i].text, &listen, error), 0);
		assert_string_equal(run_listen_format(&listen, text), rows[i].canonical);
		assert_int_equal(listen.any, rows[i].any);
	}
}

static void listens_that_make_no_sense_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		":",
		":0",
		":65536",
		":080",
		":8080/",
		":8080/sctp",
		":8080/tcp/x",
		"192.0.2.10",
		"192.0.2.10:",
		"::1:80",
		"2001:db8::1",
		"[::1]",
		"host:80",
		"192.0.2.300:80",
		" :8080",
		":8080 ",
		"80-90",
		"[fe80::1%lo]:80",
		":80800000000000000000000000000000000000000000000000000000000000000",
	};
	char error[RUN_ERROR_SIZE];
	struct run_listen listen;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		error[0] = '\0';
		assert_int_not_equal(run_listen_parse(rows[i], &listen, error), 0);
		assert_non_null(strstr(error, "--listen: expected [ADDR]:PORT"));
	}
}

static void backends_are_read(void **state)
{
	static const struct {
		const char *text, *canonical;
	} rows[] = {
		{ "127.0.0.1:8001", "127.0.0.1:8001" },
		{ "localhost:8001", "127.0.0.1:8001" },
		{ ":8001", "127.0.0.1:8001" },
		{ "[::1]:8001", "[::1]:8001" },
		{ "10.0.0.5", "10.0.0.5" },
		{ "2001:db8::5", "2001:db8::5" },
		{ "::1", "::1" },
	};
	char error[RUN_ERROR_SIZE], text[ENDPOINT_TEXT_SIZE];
	struct run_backend backend;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(run_backend_parse(rows[i].text, &backend, error), 0);
		assert_string_equal(endpoint_format(&backend.addr, backend.port, text),
				    rows[i].canonical);
	}
}

static void backends_that_make_no_sense_are_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "web1:80", "names are not looked up" },
		{ "localhost", "names are not looked up" },
		{ "localhost:0", "expected ADDR:PORT" },
		{ ":0", "expected ADDR:PORT" },
		{ "10.0.0.5:0", "expected ADDR:PORT" },
		{ "10.0.0.5:99999", "expected ADDR:PORT" },
		{ "10.0.0.256:80", "expected ADDR:PORT" },
		{ "0.0.0.0:80", "expected ADDR:PORT" },
		{ "[::]:80", "expected ADDR:PORT" },
		{ "", "expected ADDR:PORT" },
	};
	char error[RUN_ERROR_SIZE];
	struct run_backend backend;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		error[0] = '\0';
		assert_int_not_equal(run_backend_parse(rows[i].text, &backend, error), 0);
		assert_non_null(strstr(error, rows[i].says));
	}
}

/* --- a whole command line */
static const struct option_row listen_row = { "listen", "X", "", true },
			       check_row = { "check", "X" }, scheduler_row = { "scheduler", "X" };

static int take(struct option_given *given, size_t given_count, char **words, int count,
		struct run_request *out, char error[512])
{
	struct command cmd = {
		.given = given, .given_count = given_count, .argv = words, .argc = count
	};
	struct caught caught;
	int status;

	caught_begin(&caught);
	status = run_request_take(&cmd, out);
	caught_end(&caught, error, 512);
	return status;
}

static void a_request_is_taken(void **state)
{
	struct option_given given[] = {
		{ &listen_row, ":8080" },
		{ &scheduler_row, "least" },
		{ &check_row, "http:/up" },
		{ &listen_row, ":53/udp" },
	};
	char one[] = ":8001", two[] = "[::1]:8002", *words[] = { one, two }, error[512];
	struct run_request request = { 0 };

	(void)state;
	assert_int_equal(take(given, 4, words, 2, &request, error), EXIT_DONE);
	assert_string_equal(error, "");
	assert_int_equal(request.listen_count, 2);
	assert_int_equal(request.listens[1].port, 53);
	assert_int_equal(request.backend_count, 2);
	assert_int_equal(request.backends[1].port, 8002);
	assert_string_equal(request.scheduler, "leastconn");
	assert_string_equal(request.check, "http:/up");
	run_request_free(&request);
}

static void what_is_missing_or_wrong_is_said(void **state)
{
	struct option_given listen[] = { { &listen_row, ":8080" }, { &listen_row, "8080/tcp" } };
	struct option_given check[] = { { &listen_row, ":8080" }, { &check_row, "ftp" } };
	struct option_given scheduler[] = { { &listen_row, ":8080" }, { &scheduler_row, "rr" } };
	char one[] = ":8001", same[] = "127.0.0.1:8001", *words[] = { one, same };
	const struct {
		struct option_given *given;
		size_t given_count;
		int words;
		const char *says;
	} rows[] = {
		{ NULL, 0, 1, "where clients connect to is missing" },
		{ listen, 1, 0, "no backends" },
		{ listen, 2, 1, "[::]:8080/tcp is given twice" },
		{ listen, 1, 2, "backend 127.0.0.1:8001 is given twice" },
		{ check, 2, 1, "--check: expected tcp, http:/PATH or none, found \"ftp\"" },
		{ scheduler, 2, 1, "unknown scheduler \"rr\"" },
	};
	struct run_request request = { 0 };
	char error[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(take(rows[i].given, rows[i].given_count, words, rows[i].words,
				      &request, error),
				 EXIT_USAGE);
		assert_non_null(strstr(error, rows[i].says));
		assert_null(request.backends);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listens_are_read),
		cmocka_unit_test(listens_that_make_no_sense_are_refused),
		cmocka_unit_test(backends_are_read),
		cmocka_unit_test(backends_that_make_no_sense_are_refused),
		cmocka_unit_test(a_request_is_taken),
		cmocka_unit_test(what_is_missing_or_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
