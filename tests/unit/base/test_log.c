// SPDX-License-Identifier: BSD-2-Clause
/* Messages: one line in one write, with a level where the journal reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

static int stderr_copy = -1, pipe_fds[2];

static int capture(void **state)
{
	(void)state;
	stderr_copy = dup(STDERR_FILENO);
	return stderr_copy < 0 || pipe(pipe_fds) || dup2(pipe_fds[1], STDERR_FILENO) < 0;
}

static int release(void **state)
{
	(void)state;
	unsetenv("JOURNAL_STREAM");
	dup2(stderr_copy, STDERR_FILENO);
	close(stderr_copy);
	close(pipe_fds[0]);
	return close(pipe_fds[1]);
}

/* One read gives one write, as long as it fits into the pipe. */
static void expect_message(const char *expected)
{
	char buf[4096];
	ssize_t n = read(pipe_fds[0], buf, sizeof(buf) - 1);

	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, expected);
}

static void messages_begin_with_the_program(void **state)
{
	(void)state;
	log_init("poised");
	log_err("%s: %d", "eth0", 5);
	expect_message("poised: eth0: 5\n");
	log_warn("w");
	expect_message("poised: w\n");
	log_info("i");
	expect_message("poised: i\n");
}

static void keep(const char *text, void *arg)
{
	strcat(arg, text);
	strcat(arg, "|");
}

static void warnings_can_be_overheard(void **state)
{
	char heard[64] = "";

	(void)state;
	log_init("poised");
	log_overhear(keep, heard);
	log_err("%s", "e");
	log_warn("w");
	log_info("i");
	log_overhear(NULL, NULL);
	log_warn("later");
	assert_string_equal(heard, "e|w|");
	expect_message("poised: e\npoised: w\npoised: i\npoised: later\n");
}

static void the_journal_gets_levels(void **state)
{
	char stream[64];
	struct stat st;

	(void)state;
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("poised");
	log_err("e");
	expect_message("<3>e\n");
	log_warn("w");
	expect_message("<4>w\n");
	log_info("i");
	expect_message("<6>i\n");
}

static void a_redirected_stderr_gets_no_levels(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "1:2", 1);
	log_init("poised");
	log_err("e");
	expect_message("poised: e\n");
}

static void long_messages_are_cut(void **state)
{
	char text[4000], buf[4096];
	ssize_t n;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_init("poised");
	log_err("%s", text);
	n = read(pipe_fds[0], buf, sizeof(buf));
	assert_in_range(n, 1000, 2048);
	assert_int_equal(buf[n - 1], '\n');
	assert_int_equal(buf[n - 2], 'a');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(messages_begin_with_the_program, capture, release),
		cmocka_unit_test_setup_teardown(warnings_can_be_overheard, capture, release),
		cmocka_unit_test_setup_teardown(the_journal_gets_levels, capture, release),
		cmocka_unit_test_setup_teardown(a_redirected_stderr_gets_no_levels, capture,
						release),
		cmocka_unit_test_setup_teardown(long_messages_are_cut, capture, release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
