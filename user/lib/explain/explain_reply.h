/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets that a backend of a service in mode nat sends: to which flow the reply belongs, found as
 * bpf/nat/nat.h and nat_keep.h do. */
#ifndef POISE_EXPLAIN_REPLY_H
#define POISE_EXPLAIN_REPLY_H

#include "base/addr.h"
#include "maps/maps.h"
#include "poise/nat.h"

struct explain_reply {
	struct service_name name; /* of the service, whose address the client sees */
	__u16 target;             /* the backend's number */
	struct addr client;
	__u16 client_port; /* host order */
	bool kept;         /* `source: keep`: no table remembers the flow */
	__u64 word;        /* otherwise: the entry in the NAT table */
	int left_ticks;    /* until the entry expires */
};

/* Addresses are of one family, ports in host order. 0, -ENOENT (it is no reply) or -errno. */
int explain_reply(const struct maps *maps, const struct addr *source, __u16 source_port,
		  const struct addr *dest, __u16 dest_port, __u8 proto, struct explain_reply *out);

/* The entry of a reply in the NAT table has these; sources are numbers of nat_sources. */
struct explain_reply_key {
	__u64 hash;
	struct addr backend, source;
	__be16 backend_port, nat_port;
	bool udp;
};

/* Tells whether an entry with this target and source is the one of a reply, and has not expired. A
 * pure function. */
bool explain_reply_match(const struct explain_reply_key *key, __u64 word,
			 const struct nat_entry *entry, const struct target *target,
			 const struct nat_source *source, __u32 now);

#endif
