/* SPDX-License-Identifier: BSD-2-Clause */
/* Netlink sockets: requests that are answered before they return, and notifications. */
#ifndef POISE_NETLINK_H
#define POISE_NETLINK_H

#include <libmnl/libmnl.h>
#include <stddef.h>

#define NETLINK_REQUEST_BYTES 128 /* room for one request, header included */

struct netlink;

/* Writes request number i over nlh, a zeroed header; sequence number and NLM_F_REQUEST are set
 * afterwards. */
typedef void (*netlink_build)(void *arg, size_t i, struct nlmsghdr *nlh);
/* Takes the answer to request i: a message, or NULL and 0 (acknowledged) or a negative errno. */
typedef void (*netlink_answer)(void *arg, size_t i, int err, const struct nlmsghdr *nlh);
typedef void (*netlink_message)(void *arg, const struct nlmsghdr *nlh);

/* A socket for requests of rtnetlink, and of sock_diag. 0 or -errno. */
int netlink_open(struct netlink **out);
int netlink_open_diag(struct netlink **out);
/* A socket that does not block and receives the given RTNLGRP_ groups, as far as the kernel has
 * them. 0 or -errno. */
int netlink_listen(const int *groups, size_t count, struct netlink **out);
void netlink_close(struct netlink *nl); /* NULL is fine */
int netlink_fd(const struct netlink *nl);

/*
 * Makes `count` requests, several to a system call; each is answered at most once, exactly once
 * when 0 is returned. -ETIMEDOUT: the kernel left one unanswered for a second. 0 or -errno.
 */
int netlink_request(struct netlink *nl, size_t count, netlink_build build, netlink_answer answer,
		    void *arg);

/* One dump. `build` writes the request (i is 0, NLM_F_DUMP is set afterwards). -EINTR: the table
 * changed meanwhile and what was seen may have holes; -ETIMEDOUT; 0 or -errno. */
int netlink_dump(struct netlink *nl, netlink_build build, netlink_message each, void *arg);

/*
 * Reads notifications, some hundred at most. 1: there may be more, 0: none left, -ENOBUFS: some
 * were lost; or -errno.
 */
int netlink_read(struct netlink *nl, netlink_message each, void *arg);

#endif
