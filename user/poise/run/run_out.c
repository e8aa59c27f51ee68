// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run/run_out.h"

/*
 * O_NONBLOCK belongs to the open file, which a shell or others in a pipeline share: it is opened
 * anew. Files do not stall, and sockets are asked with each piece. -1: not opened.
 */
static int open_anew(int fd)
{
	struct stat st;
	char path[32];

	if (fstat(fd, &st) || !(S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static ssize_t piece_put(int fd, const char *text, size_t length)
{
	ssize_t put = send(fd, text, length, MSG_DONTWAIT);

	return put < 0 && errno == ENOTSOCK ? write(fd, text, length) : put;
}

bool run_out_ready(struct run_out *out)
{
	size_t done = 0;

	while (done < out->length) {
		ssize_t put = piece_put(out->fd, out->rest + done, out->length - done);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (put < 0) {
			out->error = errno;
			put = out->length - done;
		}
		done += put;
	}
	out->length -= done;
	if (done && out->length)
		memmove(out->rest, out->rest + done, out->length);
	return !out->length;
}

static ssize_t take(void *cookie, const char *text, size_t length)
{
	struct run_out *out = cookie;
	char *longer;

	if (out->error)
		return length;
	longer = realloc(out->rest, out->length + length);
	if (!longer)
		return 0;
	out->rest = longer;
	memcpy(longer + out->length, text, length);
	out->length += length;
	run_out_ready(out);
	return length;
}

int run_out_open(int fd, struct run_out *out)
{
	int anew = open_anew(fd);

	memset(out, 0, sizeof(*out));
	out->own = anew >= 0;
	out->fd = out->own ? anew : fd;
	out->file = fopencookie(out, "w", (cookie_io_functions_t){ .write = take });
	if (out->file)
		return 0;
	run_out_close(out);
	return -ENOMEM;
}

void run_out_close(struct run_out *out)
{
	if (out->file)
		fclose(out->file);
	if (out->own)
		close(out->fd);
	free(out->rest);
	memset(out, 0, sizeof(*out));
}
