/* SPDX-License-Identifier: BSD-2-Clause */
/* Computes from the live maps what the packet path does with a flow, by the code that both share.
 */
#ifndef POISE_EXPLAIN_H
#define POISE_EXPLAIN_H

#include "explain/explain_nat.h"
#include "poise/flow.h"

/* Why a packet goes where it goes. */
enum explain_why {
	EXPLAIN_NO_BACKEND, /* the row names nobody: dropped */
	EXPLAIN_NAT,        /* the NAT table says so */
	EXPLAIN_STABLE,     /* the row is stable: its current target, without a look at flows */
	EXPLAIN_ENTRY,      /* the flow table says so */
	EXPLAIN_PREVIOUS, /* no entry to follow: the flow counts as older than the row's last change
			   */
	EXPLAIN_CURRENT,  /* no entry to follow: a new flow */
	EXPLAIN_NEXT_ROW, /* mode local: the chosen socket does not fit, one of a later row does */
	EXPLAIN_REFUSED,  /* mode local: no row has a socket that fits */
	EXPLAIN_SCHEDULED, /* a new flow, for which the scheduler decides: target is what it
			    * would say now, 0 for random, which nobody can foretell */
};

struct explain_choice {
	enum explain_why why;
	__u16 target;
};

struct explanation {
	__u32 service_number;
	struct service service;   /* as packets find it */
	struct service_name name; /* name[0] 0: none */
	__u64 hash;
	__u32 row_index;
	struct row row;
	__u64 entry;                  /* of the flow table; 0: none */
	int entry_left_ticks;         /* negative: expired, and followed until it is cleared */
	bool entry_serves;            /* its target serves; else the entry is not followed */
	bool entry_takes_syn;         /* a SYN follows it, too: the flow has not ended */
	struct explain_nat nat;       /* for services in mode nat */
	__u16 first_chosen;           /* mode local: its socket does not fit; see explain_local() */
	struct explain_choice first;  /* a TCP SYN or SCTP INIT; a datagram */
	struct explain_choice others; /* any other TCP packet; UDP: the same as first */
};

/* Addresses of one family, ports in host order, proto a service's protocol. 0, -ENOENT (no
 * service there: the kernel's), -EINVAL (families differ, another protocol), -EPERM or -errno. */
int explain_flow(const struct maps *maps, const struct addr *source, __u16 source_port,
		 const struct addr *dest, __u16 dest_port, __u8 proto, struct explanation *out);

/* The last step, a pure function: what becomes of a packet, a TCP SYN or not, where the scheduler
 * would say `scheduled`. */
struct explain_choice explain_choose(const struct explanation *flow, bool syn, __u16 scheduled);

enum poise_scheduler explain_scheduler(__u16 service_flags);

/* Its flows are looked for in the NAT table; its backends are sockets. */
bool explain_is_nat(const struct explanation *flow);
bool explain_is_local(const struct explanation *flow);

#endif
