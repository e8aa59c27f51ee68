/* SPDX-License-Identifier: BSD-2-Clause */
/* A packet to a service described by a few words: what goes in, and what has to come out. */
#ifndef POISE_TESTS_LB_CASE_H
#define POISE_TESTS_LB_CASE_H

#include "harness/extra.h"
#include "lb/lb_fixture.h"

/* An ICMP error about what the backend sent to the client, in place of the client's packet. */
struct lb_error {
	__u8 type, code;
	__u32 rest;        /* of the ICMP header: an MTU, a pointer */
	size_t quoted;     /* bytes of the quoted packet; 0: all */
	bool quoted_extra; /* IPv4: it has options; IPv6: a fragment header */
	__u16 offset;      /* of the quoted fragment, in bytes */
};

struct lb_case {
	const char *name; /* a sentence; NULL: made from the rest */
	int version;      /* 4 or 6 */
	__u8 proto;       /* IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP */
	__u8 tos;
	unsigned int port; /* enum fixture_port */
	unsigned int payload;
	enum extra extra;
	bool syn, ack, fin, rst;
	__u8 chunk;          /* of SCTP: the type of the first one */
	unsigned int source; /* added to the source port */
	const char *client;  /* its address; NULL: CLIENT4 or CLIENT6 */
	bool no_udp_checksum;
	unsigned int behind_udp;      /* bytes of the payload that UDP's length leaves out */
	size_t padding;               /* bytes behind the IP packet */
	size_t cut;                   /* length of the frame that arrives; 0: whole */
	const struct lb_error *error; /* .proto: what it is about */
	void (*spoil)(struct pkt *p); /* after everything is computed */
};

/* Harness rows call these; `arg` is the case. */
void lb_case_in(struct pkt *p, const void *arg);
void lb_case_out(struct pkt *p, const void *arg); /* forwarded in the mode of the port */

/* A part of a packet of the case, as it has to go out: the outer headers of its mode around it. */
void lb_case_wrap(struct pkt *p, const struct lb_case *c, const void *inner, size_t bytes);

/* One row: the verdict, the drop reason if any, what is counted; `metadata` bytes take up headroom.
 */
void lb_case_run(struct harness *h, const struct lb_case *c, enum xdp_action verdict,
		 enum drop_reason drop, unsigned int metadata);

unsigned int lb_case_ip_bytes(const struct lb_case *c);

#endif
