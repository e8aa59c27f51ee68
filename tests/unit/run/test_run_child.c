// SPDX-License-Identifier: BSD-2-Clause
/* `poise run` keeps what its poised says, and passes it on. A script plays that poised. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/run_child.h"

#define PATIENCE_MS 20000

static char dir[] = "/tmp/test_run_child.XXXXXX";

static void play(const char *script)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/poised", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static void start(struct run_out *to, struct run_child *child)
{
	json_t *config = json_object();

	assert_int_equal(run_child_start("test", config, to, child), 0);
	json_decref(config);
}

static void it_does_not_wait_for_its_log_to_be_read(void **state)
{
	struct run_child child;
	int waited_ms = 0;

	(void)state;
	/* Four times what the pipe holds. */
	play("head -c 4000000 /dev/zero | tr '\\0' x | fold -w 100 >&2 2> /dev/null");
	start(NULL, &child);
	while (!run_child_ended(&child) && waited_ms++ < PATIENCE_MS)
		poll(NULL, 0, 1);
	assert_int_equal(child.pid, 0);
	assert_false(child.stopped);
	run_child_free(&child);
}

static void one_that_is_stopped_ends_by_itself(void **state)
{
	struct run_child child;
	siginfo_t info;

	(void)state;
	play("trap 'exit 7' TERM\nkill -STOP $$\nsleep 60");
	start(NULL, &child);
	assert_int_equal(waitid(P_PID, child.pid, &info, WSTOPPED | WNOWAIT), 0);
	run_child_stop(&child);
	assert_true(child.stopped && WIFEXITED(child.status));
	assert_int_equal(WEXITSTATUS(child.status), 7);
	run_child_free(&child);
}

static void read_to_its_end(struct run_child *child)
{
	struct pollfd fd = { child->log_fd, POLLIN, 0 };

	while (child->log_fd >= 0 && poll(&fd, 1, PATIENCE_MS) == 1)
		run_child_read(child);
	assert_int_equal(child->log_fd, -1);
}

static void of_much_the_last_is_kept_in_whole_lines(void **state)
{
	struct run_child child;

	(void)state;
	play("seq 1 5000");
	start(NULL, &child);
	read_to_its_end(&child);
	assert_true(child.log_length > 7000 && child.log_length <= 8192);
	assert_memory_equal(child.log + child.log_length - 10, "4999\n5000\n", 10);
	/* Lines here have five bytes, from 1000 on. */
	assert_int_equal(child.log_length % 5, 0);
	assert_int_equal(child.log_lost, 5000 - child.log_length / 5);
	run_child_stop(&child);
	run_child_free(&child);
}

static void what_a_stalled_output_misses_is_told(void **state)
{
	char *got = calloc(1, 1 << 20), expected[64];
	struct run_child child;
	struct run_out out;
	size_t length = 0;
	ssize_t more;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(run_out_open(fds[1], &out), 0);
	play("seq 10000 50000");
	start(&out, &child);
	read_to_its_end(&child);
	assert_true(child.log_lost > 0 && !run_out_ready(&out));
	snprintf(expected, sizeof(expected), "\npoise: %zu lines of poised are left out\n",
		 child.log_lost);
	while (child.log_length || !run_out_ready(&out)) {
		more = read(fds[0], got + length, (1 << 20) - 1 - length);
		assert_true(more > 0);
		length += more;
		run_child_read(&child);
	}
	close(fds[1]);
	run_out_close(&out);
	while ((more = read(fds[0], got + length, (1 << 20) - 1 - length)) > 0)
		length += more;
	assert_memory_equal(got, "10000\n10001\n", 12);
	assert_non_null(strstr(got, expected));
	assert_string_equal(got + length - 13, "\n49999\n50000\n");
	child.to = NULL;
	run_child_stop(&child);
	run_child_free(&child);
	close(fds[0]);
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_does_not_wait_for_its_log_to_be_read),
		cmocka_unit_test(one_that_is_stopped_ends_by_itself),
		cmocka_unit_test(of_much_the_last_is_kept_in_whole_lines),
		cmocka_unit_test(what_a_stalled_output_misses_is_told),
	};
	char path[512], *before = getenv("PATH");
	int failed;

	if (!mkdtemp(dir))
		return 1;
	snprintf(path, sizeof(path), "%s:%s", dir, before ? before : "/usr/bin:/bin");
	setenv("PATH", path, 1);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(path, sizeof(path), "%s/poised", dir);
	unlink(path);
	rmdir(dir);
	return failed;
}
