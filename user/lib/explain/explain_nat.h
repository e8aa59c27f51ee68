/* SPDX-License-Identifier: BSD-2-Clause */
/* What the NAT table knows of a flow, as bpf/nat.h finds it. */
#ifndef POISE_EXPLAIN_NAT_H
#define POISE_EXPLAIN_NAT_H

#include "addr.h"
#include "maps.h"
#include "poise/nat.h"

struct explain_nat {
	__u64 word; /* of the entry for what the client sends; 0: there is none */
	struct nat_entry entry;
	int left_ticks;     /* negative: expired, and not followed */
	bool serves;        /* its target is by nat, the service's, and serves */
	struct addr source; /* that the backend sees, with entry.nat_port */
};

/* The flow with that hash (of addresses, ports and protocol) to a service. 0, also without an entry
 * or a table, or -errno. */
int explain_nat_find(const struct maps *maps, const struct addr *client, __be16 client_port,
		     __u16 service, __u64 hash, const struct flow_clock *clock,
		     struct explain_nat *out);

/* The place of the client's entry in a set, NAT_PER_SET: none. Pure. */
int explain_nat_match(const struct nat_set *set, const struct addr *client, __be16 client_port,
		      __u16 service, __u64 hash);

/* Whether a packet goes where the entry says; fresh: it is a SYN. Pure. */
bool explain_nat_follows(const struct explain_nat *nat, bool fresh);

#endif
