/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets of this network namespace that listen, as the kernel tells of them: sock_diag(7). */
#ifndef POISE_LISTENING_H
#define POISE_LISTENING_H

#include <libmnl/libmnl.h>

#include "base/addr.h"

/* A TCP socket in LISTEN, or a UDP socket without a peer. */
struct listening_socket {
	struct addr addr;
	__u16 port;  /* host order */
	bool v6only; /* IPv6: it takes no IPv4, also where it is at all addresses */
	__u32 inode;
};

/* Calls back with each until that returns true. 1 when it did, 0, or -errno. */
int listening_each(__u8 proto, bool (*each)(const struct listening_socket *socket, void *arg),
		   void *arg);

/* Would the socket be given connections to addr and port, or a service there those of the socket?
 * They would if both are at the same address, or one of them is at all addresses. */
bool listening_collides(const struct listening_socket *socket, const struct addr *addr, __u16 port);

/* The socket that the kernel would find for a client of this very address and port: the one that
 * listens at the address, else at all addresses of its family, else at all. 1 with *out, 0: there
 * is none, or -errno. */
int listening_closest(const struct addr *addr, __u16 port, __u8 proto,
		      struct listening_socket *out);

/* A message of a dump. 0, or -EBADMSG: it is not about a socket of IPv4 or IPv6. */
int listening_read(const struct nlmsghdr *nlh, struct listening_socket *out);

#endif
