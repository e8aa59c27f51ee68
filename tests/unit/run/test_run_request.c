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

#include "fixtures/caught.h"
#include "objects/objects.h"
#include "run/run_request.h"

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

/* Takes what `poise run` is followed by, parted by blanks. Texts stay in line. */
static int take(char *line, struct run_request *out, char error[512])
{
	const struct option_row *const tables[] = { object_run.verbs[0].options, NULL };
	char *argv[16] = { NULL }, *word;
	struct command cmd = { .argv = argv };
	struct caught caught;
	int count = 0, status;

	while ((word = strsep(&line, " ")))
		argv[count++] = word;
	cmd.argc = options_take(tables, count, argv, &cmd.given, error);
	if (cmd.argc < 0) {
		options_free(&cmd.given);
		return EXIT_USAGE;
	}
	caught_begin(&caught);
	status = run_request_take(&cmd, out);
	caught_end(&caught, error, 512);
	options_free(&cmd.given);
	return status;
}

static void a_request_is_taken(void **state)
{
	char line[] = "--listen :8080 --scheduler least :8001 --check http:/up --listen=:53/udp "
		      "[::1]:8002";
	struct run_request request = { 0 };
	char error[512];

	(void)state;
	assert_int_equal(take(line, &request, error), EXIT_DONE);
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
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ ":8001", "where clients connect to is missing" },
		{ "--listen :8080", "no backends" },
		{ "--listen :8080 --listen 8080/tcp :8001", "[::]:8080/tcp is given twice" },
		{ "--listen :8080 :8001 127.0.0.1:8001", "backend 127.0.0.1:8001 is given twice" },
		{ "--listen :8080 --check ftp :8001",
		  "--check: expected tcp, http:/PATH or none, found \"ftp\"" },
		{ "--listen :8080 --scheduler rr :8001", "unknown --scheduler \"rr\"" },
	};
	struct run_request request = { 0 };
	char line[128], error[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(line, sizeof(line), "%s", rows[i].line);
		assert_int_equal(take(line, &request, error), EXIT_USAGE);
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
