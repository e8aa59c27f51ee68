// SPDX-License-Identifier: BSD-2-Clause
#include "nexthop/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

/* Answers wait in the receive buffer: this many fit into its default size at their largest. */
#define BATCH           32
#define TIMEOUT_SECONDS 1
#define EVENT_BYTES     (4 << 20) /* receive buffer for notifications: some ten thousand of them */
#define READS           256       /* datagrams per netlink_read: the loop has other work, too */

struct netlink {
	struct mnl_socket *socket;
	__u32 seq;
	char out[BATCH * NETLINK_REQUEST_BYTES];
	char in[32768]; /* what the kernel fills at most in one datagram of a dump */
};

/* NULL with errno set. */
static struct netlink *open_socket(int bus, int flags)
{
	struct netlink *nl = calloc(1, sizeof(*nl));
	int err;

	if (!nl)
		return NULL;
	nl->socket = mnl_socket_open2(bus, SOCK_CLOEXEC | flags);
	if (nl->socket && !mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID))
		return nl;
	err = errno;
	netlink_close(nl);
	errno = err;
	return NULL;
}

static int open_for_requests(int bus, struct netlink **out)
{
	struct timeval timeout = { .tv_sec = TIMEOUT_SECONDS };
	struct netlink *nl = open_socket(bus, 0);
	int on = 1, err;

	if (!nl)
		return -errno;
	if (setsockopt(netlink_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout))) {
		err = -errno;
		netlink_close(nl);
		return err;
	}
	/* Errors need not quote the request back: sequence numbers tell which it was. */
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	*out = nl;
	return 0;
}

int netlink_open(struct netlink **out)
{
	return open_for_requests(NETLINK_ROUTE, out);
}

int netlink_open_diag(struct netlink **out)
{
	return open_for_requests(NETLINK_SOCK_DIAG, out);
}

int netlink_listen(const int *groups, size_t count, struct netlink **out)
{
	int bytes = EVENT_BYTES;
	struct netlink *nl = open_socket(NETLINK_ROUTE, SOCK_NONBLOCK);
	int err;

	if (!nl)
		return -errno;
	/* Forced past net.core.rmem_max where we may; a smaller one only overflows sooner. */
	if (setsockopt(netlink_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(netlink_fd(nl), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	for (size_t i = 0; i < count; i++) {
		int group = groups[i];

		if (mnl_socket_setsockopt(nl->socket, NETLINK_ADD_MEMBERSHIP, &group,
					  sizeof(group)) &&
		    errno != EINVAL) {
			err = -errno;
			netlink_close(nl);
			return err;
		}
	}
	*out = nl;
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (nl && nl->socket)
		mnl_socket_close(nl->socket);
	free(nl);
}

int netlink_fd(const struct netlink *nl)
{
	return mnl_socket_get_fd(nl->socket);
}

/* One datagram into nl->in. Its length, -ETIMEDOUT or -errno. */
static ssize_t receive(struct netlink *nl)
{
	ssize_t length;

	do
		length = mnl_socket_recvfrom(nl->socket, nl->in, sizeof(nl->in));
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return length;
}

static int error_of(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *msg = mnl_nlmsg_get_payload(nlh);

	return mnl_nlmsg_get_payload_len(nlh) < sizeof(msg->error) ? -EBADMSG : msg->error;
}

static int send_requests(struct netlink *nl, size_t first, size_t count, netlink_build build,
			 void *arg)
{
	char *end = nl->out;

	for (size_t i = 0; i < count; i++) {
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(end);

		build(arg, first + i, nlh);
		nlh->nlmsg_flags |= NLM_F_REQUEST;
		nlh->nlmsg_seq = nl->seq + (__u32)i;
		end += MNL_ALIGN(nlh->nlmsg_len);
	}
	return mnl_socket_sendto(nl->socket, nl->out, (size_t)(end - nl->out)) < 0 ? -errno : 0;
}

/* Hands out the answers in one datagram. How many it held. */
static size_t take_answers(struct netlink *nl, int length, size_t first, size_t count,
			   netlink_answer answer, void *arg)
{
	const struct nlmsghdr *nlh = (const void *)nl->in;
	size_t taken = 0;

	for (; mnl_nlmsg_ok(nlh, length); nlh = mnl_nlmsg_next(nlh, &length)) {
		__u32 i = nlh->nlmsg_seq - nl->seq;

		if (i >= count)
			continue; /* late, of a batch that was given up */
		if (nlh->nlmsg_type == NLMSG_ERROR)
			answer(arg, first + i, error_of(nlh), NULL);
		else
			answer(arg, first + i, 0, nlh);
		taken++;
	}
	return taken;
}

int netlink_request(struct netlink *nl, size_t count, netlink_build build, netlink_answer answer,
		    void *arg)
{
	int err = 0;

	for (size_t first = 0; first < count && !err; first += BATCH) {
		size_t batch = count - first < BATCH ? count - first : BATCH;
		size_t taken = 0;

		err = send_requests(nl, first, batch, build, arg);
		while (!err && taken < batch) {
			ssize_t length = receive(nl);

			if (length < 0)
				err = (int)length;
			else
				taken += take_answers(nl, (int)length, first, batch, answer, arg);
		}
		nl->seq += (__u32)batch;
	}
	return err;
}

/* 1: more to come, 0: that was the end, or -errno. */
static int take_dump(struct netlink *nl, int length, bool *interrupted, netlink_message each,
		     void *arg)
{
	const struct nlmsghdr *nlh = (const void *)nl->in;

	for (; mnl_nlmsg_ok(nlh, length); nlh = mnl_nlmsg_next(nlh, &length)) {
		if (nlh->nlmsg_seq != nl->seq)
			continue;
		if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
			*interrupted = true;
		if (nlh->nlmsg_type == NLMSG_DONE)
			return 0;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			return error_of(nlh);
		each(arg, nlh);
	}
	return 1;
}

int netlink_dump(struct netlink *nl, netlink_build build, netlink_message each, void *arg)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(nl->out);
	bool interrupted = false;
	int more = 1;

	build(arg, 0, nlh);
	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = nl->seq;
	if (mnl_socket_sendto(nl->socket, nlh, nlh->nlmsg_len) < 0)
		more = -errno;
	while (more > 0) {
		ssize_t length = receive(nl);

		more = length < 0 ? (int)length
				  : take_dump(nl, (int)length, &interrupted, each, arg);
	}
	nl->seq++;
	if (more < 0)
		return more;
	return interrupted ? -EINTR : 0;
}

int netlink_read(struct netlink *nl, netlink_message each, void *arg)
{
	for (int reads = 0; reads < READS; reads++) {
		const struct nlmsghdr *nlh = (const void *)nl->in;
		ssize_t size = receive(nl);
		int length = (int)size;

		if (size == -ETIMEDOUT)
			return 0;
		if (size == -ENOSPC) /* libmnl's word for a datagram cut short */
			return -ENOBUFS;
		if (size < 0)
			return length;
		for (; mnl_nlmsg_ok(nlh, length); nlh = mnl_nlmsg_next(nlh, &length))
			each(arg, nlh);
	}
	return 1;
}
