/* SPDX-License-Identifier: BSD-2-Clause */
/* What a call writes to standard error. Only for the time of the call: sanitizers report there. */
#ifndef POISE_TESTS_CAUGHT_H
#define POISE_TESTS_CAUGHT_H

#include <stdio.h>
#include <unistd.h>

struct caught {
	FILE *file;
	int stderr_fd;
};

static inline void caught_begin(struct caught *caught)
{
	caught->file = tmpfile();
	assert_non_null(caught->file);
	fflush(stderr);
	caught->stderr_fd = dup(STDERR_FILENO);
	assert_true(caught->stderr_fd >= 0);
	assert_true(dup2(fileno(caught->file), STDERR_FILENO) >= 0);
}

static inline void caught_end(struct caught *caught, char *buf, size_t size)
{
	size_t length;

	fflush(stderr);
	dup2(caught->stderr_fd, STDERR_FILENO);
	close(caught->stderr_fd);
	rewind(caught->file);
	length = fread(buf, 1, size - 1, caught->file);
	buf[length] = '\0';
	fclose(caught->file);
}

#endif
