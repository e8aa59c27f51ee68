/* SPDX-License-Identifier: BSD-2-Clause */
/* Look-ups that explain.c and explain_reply.c share. */
#ifndef POISE_EXPLAIN_IMPL_H
#define POISE_EXPLAIN_IMPL_H

#include "explain/explain.h"

/* Looks for exactly this key, of whichever kind. 0, -ENOENT or -errno. */
int explain_find_service(const struct maps *maps, const struct service_key *key,
			 struct service *out);

/* The hash of a flow: its addresses, ports and protocol. */
__u64 explain_hash(const __u64 seed[2], const struct addr *source, __u16 source_port,
		   const struct service_key *dest);

#endif
