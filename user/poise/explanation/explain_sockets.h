/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backends of mode local can be given a client, as far as the command can see it. */
#ifndef POISE_EXPLAIN_SOCKETS_H
#define POISE_EXPLAIN_SOCKETS_H

#include <jansson.h>

#include "base/addr.h"
#include "pinned/offline.h"

struct explain_sockets {
	const struct names *names;
	const json_t *service; /* what poised says of it; NULL: nothing */
	bool client_v4;
	__u8 proto;
	bool here; /* the sockets are of this network namespace, so that the kernel tells us of them
		    */
	char *known; /* by target, 0: not asked yet; names->target_count of them */
};

/* Does a socket that listens there take clients of IPv4 (or of IPv6)? v6only: it asked for
 * IPV6_V6ONLY. */
bool explain_socket_fits(const struct addr *listens, bool v6only, bool client_v4);

bool explain_sockets_take(void *sockets, __u16 target); /* an explain_takes */

#endif
