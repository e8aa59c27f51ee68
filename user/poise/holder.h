/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has a port of this host already: from /proc, of this network namespace. */
#ifndef POISE_HOLDER_H
#define POISE_HOLDER_H

#include "addr.h"

struct holder {
	struct addr addr; /* where it listens */
	__u16 port;       /* host order */
	long pid;         /* 0: not to be found */
	char name[32];    /* of the process */
};

/*
 * A socket that listens (UDP: is bound and not connected) where a service on addr and port would
 * take its connections: at the same address, or one of both is all addresses. 1 with *out, 0:
 * nobody, or -errno.
 */
int holder_find(const struct addr *addr, __u16 port, __u8 proto, struct holder *out);

/* A line of /proc/net/{tcp,tcp6,udp,udp6}. */
struct socket_line {
	struct addr addr;
	__u16 port;
	bool listens; /* TCP: in LISTEN; UDP: has no peer */
	unsigned long long inode;
};

/* 0, or -EINVAL: not such a line. */
int socket_line_parse(const char *line, __u8 proto, struct socket_line *out);
bool socket_line_collides(const struct socket_line *line, const struct addr *addr, __u16 port);

/* The socket that the kernel would find for a client of this very address and port: the one that
 * listens at the address, else at all of its family, else at all. 1, 0: none, or -errno. */
int holder_socket(const struct addr *addr, __u16 port, __u8 proto, struct socket_line *out);

#endif
