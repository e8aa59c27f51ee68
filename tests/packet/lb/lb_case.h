/* SPDX-License-Identifier: BSD-2-Clause */
/* A packet to a service described by a few words: what goes in, and what has to come out. */
#ifndef POISE_TESTS_LB_CASE_H
#define POISE_TESTS_LB_CASE_H

#include "extra.h"
#include "lb_fixture.h"

struct lb_case {
	const char *name; /* a sentence; NULL: made from the rest */
	int version;      /* 4 or 6 */
	__u8 proto;       /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 tos;
	unsigned int port; /* enum fixture_port */
	unsigned int payload;
	enum extra extra;
	bool syn, ack, fin, rst;
	unsigned int source; /* added to the source port */
	bool no_udp_checksum;
	size_t padding;               /* bytes behind the IP packet */
	size_t cut;                   /* length of the frame that arrives; 0: whole */
	void (*spoil)(struct pkt *p); /* after everything is computed */
};

/* For harness rows: `arg` is the case. */
void lb_case_in(struct pkt *p, const void *arg);
void lb_case_out(struct pkt *p, const void *arg); /* forwarded in the mode of the port */

/* One row: the verdict, the drop reason if any, what is counted; `metadata` bytes take up headroom.
 */
void lb_case_run(struct harness *h, const struct lb_case *c, enum xdp_action verdict,
		 enum drop_reason drop, unsigned int metadata);

unsigned int lb_case_ip_bytes(const struct lb_case *c);

#endif
