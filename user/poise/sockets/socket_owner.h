/* SPDX-License-Identifier: BSD-2-Clause */
/* Which process has a port of this host already. */
#ifndef POISE_SOCKET_OWNER_H
#define POISE_SOCKET_OWNER_H

#include "base/addr.h"

struct socket_owner {
	struct addr addr; /* where it listens */
	__u16 port;       /* host order */
	long pid;         /* 0: not to be found */
	char name[32];    /* of the process */
};

/*
 * Finds a socket of this network namespace that listens (UDP: is bound and not connected) where a
 * service on addr and port would take its connections, and whose it is. 1 with *out, 0: there is
 * none, or -errno.
 */
int socket_owner_find(const struct addr *addr, __u16 port, __u8 proto, struct socket_owner *out);

#endif
