/* SPDX-License-Identifier: BSD-2-Clause */
/* The NAT table's knowledge of a flow, found as bpf/nat/nat.h does. */
#ifndef POISE_EXPLAIN_NAT_H
#define POISE_EXPLAIN_NAT_H

#include "base/addr.h"
#include "maps/maps.h"
#include "poise/nat.h"

struct explain_nat {
	__u64 word; /* of the entry for what the client sends; 0: there is none */
	struct nat_entry entry;
	int left_ticks;     /* negative: expired, and not followed */
	bool serves;        /* its target is of mode nat and of this service, and serves */
	bool syn_is_new;    /* the flow has ended, so that a SYN begins another one */
	struct addr source; /* the address that the backend sees, with entry.nat_port */
};

/* Looks for the flow to a service that has this hash (addresses, ports and protocol). Returns 0,
 * also without an entry or a table, or -errno. */
int explain_nat_find(const struct maps *maps, const struct addr *client, __be16 client_port,
		     __u16 service, __u64 hash, const struct flow_clock *clock,
		     struct explain_nat *out);

/* Returns the place of the client's entry in a set; NAT_PER_SET: none. A pure function. */
int explain_nat_match(const struct nat_set *set, const struct addr *client, __be16 client_port,
		      __u16 service, __u64 hash);

/* Tells whether a packet goes where the entry says; fresh: it is a SYN. A pure function. */
bool explain_nat_follows(const struct explain_nat *nat, bool fresh);

#endif
