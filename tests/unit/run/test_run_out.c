// SPDX-License-Identifier: BSD-2-Clause
/* `poise run` does not wait for the reader of what it prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "run/run_out.h"

#define TEXT_SIZE (1 << 20)

/* More than a pipe, a socket or a terminal takes. */
static char *long_text(void)
{
	char *text = malloc(TEXT_SIZE + 1);

	assert_non_null(text);
	for (size_t i = 0; i < TEXT_SIZE; i++)
		text[i] = 'a' + i % 26;
	text[TEXT_SIZE] = '\0';
	return text;
}

/* Reads until all is out; it is what was printed, in order. */
static void drain(int fd, struct run_out *out, const char *text)
{
	char *got = malloc(TEXT_SIZE);
	size_t length = 0;

	assert_non_null(got);
	while (length < TEXT_SIZE) {
		ssize_t more = read(fd, got + length, TEXT_SIZE - length);

		assert_true(more > 0);
		length += more;
		run_out_ready(out);
	}
	assert_memory_equal(got, text, TEXT_SIZE);
	assert_true(run_out_ready(out));
	free(got);
}

static void stalls_and_goes_on(int write_fd, int read_fd)
{
	int flags = fcntl(write_fd, F_GETFL);
	char *text = long_text();
	struct run_out out;

	assert_int_equal(run_out_open(write_fd, &out), 0);
	assert_true(run_out_ready(&out));
	fputs(text, out.file);
	fflush(out.file);
	assert_false(run_out_ready(&out));
	/* Others have the same open file, and expect it to wait. */
	assert_int_equal(fcntl(write_fd, F_GETFL), flags);
	drain(read_fd, &out, text);
	fputs(text, out.file);
	fflush(out.file);
	run_out_close(&out);
	run_out_close(&out);
	free(text);
	close(write_fd);
	close(read_fd);
}

static void a_pipe_that_nobody_reads(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	stalls_and_goes_on(fds[1], fds[0]);
}

static void a_socket_that_nobody_reads(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	stalls_and_goes_on(fds[1], fds[0]);
}

static void a_terminal_after_ctrl_s(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct run_out out;
	char text[8] = "";

	(void)state;
	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	assert_int_equal(tcflow(slave, TCOOFF), 0);
	assert_int_equal(run_out_open(slave, &out), 0);
	fputs("frame", out.file);
	fflush(out.file);
	assert_false(run_out_ready(&out));
	assert_int_equal(tcflow(slave, TCOON), 0);
	assert_true(run_out_ready(&out));
	assert_int_equal(read(master, text, sizeof(text)), 5);
	assert_string_equal(text, "frame");
	run_out_close(&out);
	close(slave);
	close(master);
}

static void a_file_goes_on_where_it_is(void **state)
{
	char name[] = "/tmp/test_run_out.XXXXXX", text[16] = "";
	int fd = mkstemp(name);
	struct run_out out;

	(void)state;
	assert_true(fd >= 0);
	unlink(name);
	assert_int_equal(write(fd, "before ", 7), 7);
	assert_int_equal(run_out_open(fd, &out), 0);
	fputs("after", out.file);
	fflush(out.file);
	assert_true(run_out_ready(&out));
	run_out_close(&out);
	assert_int_equal(pread(fd, text, sizeof(text), 0), 12);
	assert_string_equal(text, "before after");
	close(fd);
}

static void a_full_disk_is_told(void **state)
{
	int fd = open("/dev/full", O_WRONLY);
	struct run_out out;

	(void)state;
	assert_int_equal(run_out_open(fd, &out), 0);
	fputs("text", out.file);
	fflush(out.file);
	assert_true(run_out_ready(&out));
	assert_int_equal(out.error, ENOSPC);
	run_out_close(&out);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_that_nobody_reads),
		cmocka_unit_test(a_socket_that_nobody_reads),
		cmocka_unit_test(a_terminal_after_ctrl_s),
		cmocka_unit_test(a_file_goes_on_where_it_is),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
