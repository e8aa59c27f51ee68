// SPDX-License-Identifier: BSD-2-Clause
/*
 * churn_server NAME PORT: answers each line of a TCP connection, over IPv4 and IPv6, with
 * "NAME NONCE COUNT\n": which connection of this server it is, and how many lines it has sent.
 * Several may share a port, and so have more descriptors.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct client {
	int fd;
	long nonce, count;
};

static const char *name;
static int epoll_fd;
static long next_nonce;

static int listen_on(const char *port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6,
				    .sin6_port = htons((in_port_t)strtoul(port, NULL, 10)) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int off = 0, on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) || listen(fd, 4096)) {
		perror("churn_server");
		exit(1);
	}
	return fd;
}

static void accept_all(int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *client = calloc(1, sizeof(*client));
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = client };

		if (!client || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event)) {
			free(client);
			close(fd);
			continue;
		}
		client->fd = fd;
		client->nonce = next_nonce++;
	}
}

static void serve(struct client *client)
{
	char text[256], answer[256];
	ssize_t got = recv(client->fd, text, sizeof(text), 0);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		close(client->fd);
		free(client);
		return;
	}
	for (ssize_t i = 0; i < got; i++) {
		int length;

		if (text[i] != '\n')
			continue;
		length = snprintf(answer, sizeof(answer), "%s %ld %ld\n", name, client->nonce,
				  ++client->count);
		/* If the answer does not fit any more, the client does not read. */
		if (send(client->fd, answer, (size_t)length, MSG_NOSIGNAL) < 0)
			shutdown(client->fd, SHUT_RDWR);
	}
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	struct epoll_event events[256], event = { .events = EPOLLIN };
	int listener;

	if (argc != 3 || strlen(argv[1]) > 31) {
		fputs("usage: churn_server NAME PORT\n", stderr);
		return 2;
	}
	name = argv[1];
	/* One that was started again knows none of the connections before. */
	next_nonce = (time(NULL) & 0xffffff) << 20;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	listener = listen_on(argv[2]);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event)) {
		perror("churn_server");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (1) {
		int count = epoll_wait(epoll_fd, events, 256, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr)
				serve(events[i].data.ptr);
			else
				accept_all(listener);
		}
	}
}
