/* SPDX-License-Identifier: BSD-2-Clause */
/* What a backend of a service by nat sends: whose reply it is, as bpf/nat.h and nat_keep.h find it.
 */
#ifndef POISE_EXPLAIN_REPLY_H
#define POISE_EXPLAIN_REPLY_H

#include "addr.h"
#include "maps.h"
#include "poise/nat.h"

struct explain_reply {
	struct service_name name; /* whose address the client gets it from */
	__u16 target;             /* the backend's number */
	struct addr client;
	__u16 client_port; /* host order */
	bool kept;         /* `source: keep`: nothing is remembered of it */
	__u64 word;        /* else of the NAT table */
	int left_ticks;    /* until that expires */
};

/* Addresses of one family, ports in host order. 0, -ENOENT (nobody's reply) or -errno. */
int explain_reply(const struct maps *maps, const struct addr *source, __u16 source_port,
		  const struct addr *dest, __u16 dest_port, __u8 proto, struct explain_reply *out);

/* What an entry of the NAT table has to be of; sources are numbers of nat_sources. */
struct explain_reply_key {
	__u64 hash;
	struct addr backend, source;
	__be16 backend_port, nat_port;
	bool udp;
};

/* Whether an entry, whose target and source are these, is that of a reply, and not expired. Pure.
 */
bool explain_reply_match(const struct explain_reply_key *key, __u64 word,
			 const struct nat_entry *entry, const struct target *target,
			 const struct nat_source *source, __u32 now);

#endif
