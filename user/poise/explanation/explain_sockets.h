/* SPDX-License-Identifier: BSD-2-Clause */
/* Which backends of mode local can be given a client, as far as the command can see it. */
#ifndef POISE_EXPLAIN_SOCKETS_H
#define POISE_EXPLAIN_SOCKETS_H

#include <jansson.h>

#include "addr.h"
#include "offline.h"

struct explain_sockets {
	const struct names *names;
	const json_t *service; /* what poised says of it; NULL: nothing */
	bool client_v4;
	__u8 proto;
	bool here;   /* the sockets are of this network namespace, so that /proc tells of them */
	char *known; /* by target, 0: not asked yet; names->target_count of them */
};

/* Whether a socket that listens there takes clients of IPv4 or IPv6. */
bool explain_socket_fits(const struct addr *listens, bool client_v4);

bool explain_sockets_take(void *sockets, __u16 target); /* an explain_takes */

#endif
