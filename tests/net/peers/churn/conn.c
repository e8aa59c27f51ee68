// SPDX-License-Identifier: BSD-2-Clause
/* One connection of churn_client: connect, ask, compare the answer with what was answered before.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "churn/churn.h"

/* A broken long connection is not tried again at once: clients would not, either. */
#define AGAIN_MS 1000

static const struct churn_options *options;
static int epoll_fd;
static size_t next_source;

long long churn_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

long long churn_jitter_ms(long ms)
{
	return ms / 2 + random() % (ms + 1);
}

void conn_init(const struct churn_options *with, int fd)
{
	options = with;
	epoll_fd = fd;
}

static socklen_t sockaddr_size(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6);
}

static int connect_begin(const struct sockaddr_storage *source)
{
	const int on = 1;
	int fd = socket(options->server.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	/* The kernel then chooses a port per destination, and does so when it connects. */
	if ((source && (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) ||
			bind(fd, (const struct sockaddr *)source, sockaddr_size(source)))) ||
	    (connect(fd, (const struct sockaddr *)&options->server,
		     sockaddr_size(&options->server)) &&
	     errno != EINPROGRESS)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

static void forget(struct churn_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
	conn->state = STATE_CLOSED;
	conn->in_round = false;
	conn->due_ms = 0;
}

void conn_break(struct churn_conn *conn, enum churn_why why)
{
	tally_broken(conn, why);
	forget(conn);
	conn->due_ms = churn_now_ms() + AGAIN_MS;
}

void conn_close(struct churn_conn *conn)
{
	tally_ended(conn);
	forget(conn);
}

static enum churn_why why_of(int err)
{
	switch (err) {
	case ECONNRESET:
	case EPIPE:
		return WHY_RESET;
	case ETIMEDOUT:
		return WHY_STALLED;
	default:
		return WHY_REFUSED;
	}
}

void conn_open(struct churn_conn *conn)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT, .data.ptr = conn };
	const struct sockaddr_storage *source = NULL;

	if (options->source_count)
		source = &options->sources[next_source++ % options->source_count];
	conn->backend = -1;
	conn->count = 0;
	conn->filled = 0;
	conn->since_ms = churn_now_ms();
	conn->fd = connect_begin(source);
	if (conn->fd < 0) {
		/* Nothing that any balancer did. */
		fprintf(stderr, "churn_client: connect: %s\n", strerror(-conn->fd));
		conn_break(conn, why_of(-conn->fd));
		return;
	}
	conn->state = STATE_CONNECTING;
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, conn->fd, &event);
}

void conn_ask(struct churn_conn *conn)
{
	static const char line[] = "who\n", http[] = "GET /who HTTP/1.1\r\nHost: churn\r\n\r\n";
	const char *request = options->http ? http : line;
	size_t size = options->http ? sizeof(http) - 1 : sizeof(line) - 1;

	conn->state = STATE_WAITING;
	conn->filled = 0;
	conn->since_ms = churn_now_ms();
	if (send(conn->fd, request, size, MSG_NOSIGNAL) != (ssize_t)size)
		conn_break(conn, why_of(errno));
}

static void connected(struct churn_conn *conn)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };
	socklen_t size = sizeof(int);
	int err = 0;

	getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &err, &size);
	if (err) {
		conn_break(conn, why_of(err));
		return;
	}
	tally_connected(churn_now_ms() - conn->since_ms);
	epoll_ctl(epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
	conn_ask(conn);
}

/* The line of an answer once it is whole; NULL until then. */
static const char *whole_answer(struct churn_conn *conn)
{
	const char *line = conn->answer;

	conn->answer[conn->filled] = 0;
	if (options->http) {
		line = strstr(line, "\r\n\r\n");
		line = line ? line + 4 : "";
	}
	return strchr(line, '\n') ? line : NULL;
}

static long next_due_ms(const struct churn_conn *conn)
{
	return conn->kind == KIND_BUSY ? churn_jitter_ms(options->every_ms) : options->quiet_ms;
}

/* "NAME NONCE COUNT": the same name and nonce as ever, and one request more. */
static bool answer_fits(struct churn_conn *conn, const char *line)
{
	char name[CHURN_NAME_SIZE];
	long nonce, count;
	int backend;

	if (sscanf(line, "%31s %ld %ld", name, &nonce, &count) != 3) // NOLINT(cert-err34-c)
		return false;
	backend = tally_backend(name);
	if (conn->backend < 0) {
		conn->backend = backend;
		conn->nonce = nonce;
		tally_assigned(conn);
	}
	return backend >= 0 && backend == conn->backend && nonce == conn->nonce &&
	       count == ++conn->count;
}

static void answered(struct churn_conn *conn, const char *line)
{
	if (!answer_fits(conn, line)) {
		fprintf(stderr, "churn_client: not this connection's answer (%ld %ld): %s",
			conn->nonce, conn->count, line);
		conn_break(conn, WHY_OTHER);
		return;
	}
	tally_answer(churn_now_ms() - conn->since_ms);
	conn->in_round = false;
	if (conn->kind == KIND_SHORT) {
		tally_short();
		conn_close(conn);
		return;
	}
	conn->state = STATE_QUIET;
	conn->due_ms = churn_now_ms() + next_due_ms(conn);
}

static void readable(struct churn_conn *conn)
{
	ssize_t got = recv(conn->fd, conn->answer + conn->filled,
			   sizeof(conn->answer) - 1 - conn->filled, 0);
	const char *line;

	if (got < 0) {
		if (errno != EAGAIN)
			conn_break(conn, why_of(errno));
		return;
	}
	if (!got) {
		conn_break(conn, WHY_CLOSED);
		return;
	}
	conn->filled += (size_t)got;
	line = whole_answer(conn);
	if (conn->state == STATE_WAITING && line)
		answered(conn, line);
	else if (conn->state == STATE_QUIET || conn->filled == sizeof(conn->answer) - 1)
		conn_break(conn, WHY_OTHER);
}

void conn_ready(struct churn_conn *conn, unsigned int events)
{
	if (conn->fd < 0)
		return; /* broken by what came before in the same batch */
	if (conn->state == STATE_CONNECTING)
		connected(conn);
	else if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
		readable(conn);
}
