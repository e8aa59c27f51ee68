/* SPDX-License-Identifier: BSD-2-Clause */
/* What the packet path does with a flow, computed from the live maps by the code it shares. */
#ifndef POISE_EXPLAIN_H
#define POISE_EXPLAIN_H

#include "explain_nat.h"
#include "poise/flow.h"

/* Why a packet goes where it goes. */
enum explain_why {
	EXPLAIN_NO_BACKEND, /* the row names nobody: dropped */
	EXPLAIN_NAT,        /* the NAT table says so */
	EXPLAIN_STABLE,     /* the row is stable: its current target's, without a look at flows */
	EXPLAIN_ENTRY,      /* the flow table says so */
	EXPLAIN_PREVIOUS,   /* no entry to follow: taken for older than the row's last change */
	EXPLAIN_CURRENT,    /* no entry to follow: a new flow */
	EXPLAIN_NEXT_ROW, /* mode local: the chosen one's socket does not do, the next row's does */
	EXPLAIN_REFUSED,  /* mode local: no row's does */
	EXPLAIN_SCHEDULED, /* the same, and the scheduler decides: target is what it would say now,
			    * 0 for random, of which nobody can know */
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
	bool entry_serves;            /* its target does; else it is no reason */
	struct explain_nat nat;       /* of a service by nat */
	__u16 first_chosen;           /* mode local: whose socket does not do; explain_local() */
	struct explain_choice first;  /* a TCP SYN; a datagram */
	struct explain_choice others; /* any other TCP packet; UDP: the same as first */
};

/* Addresses of one family, ports in host order, proto IPPROTO_TCP or IPPROTO_UDP. 0, -ENOENT (no
 * service there: the kernel's), -EINVAL (families differ, another protocol), -EPERM or -errno. */
int explain_flow(const struct maps *maps, const struct addr *source, __u16 source_port,
		 const struct addr *dest, __u16 dest_port, __u8 proto, struct explanation *out);

/* Its last step, pure: what becomes of a packet, a TCP SYN or not, where the scheduler would say
 * `scheduled`. */
struct explain_choice explain_choose(const struct explanation *flow, bool syn, __u16 scheduled);

enum poise_scheduler explain_scheduler(__u16 service_flags);

/* Whether its flows are looked for in the NAT table; whether its backends are sockets. */
bool explain_is_nat(const struct explanation *flow);
bool explain_is_local(const struct explanation *flow);

#endif
