/* SPDX-License-Identifier: BSD-2-Clause */
/* ICMP errors about packets of flows by nat: as they come in, and as they have to go out
 * (RFC 5508, RFC 7915's section 4.2 does not apply: families do not change). */
#ifndef POISE_TESTS_NAT_ERROR_H
#define POISE_TESTS_NAT_ERROR_H

#include "nat/nat_packet.h"

#define ERROR_FROM4 "203.0.113.9"
#define ERROR_FROM6 "2001:db8:f::9"

struct nat_error {
	struct nat_packet
		about; /* .reply: it went to the client, so the error goes to the backend */
	__u8 type, code;
	__u32 rest;       /* of the ICMP header: an MTU, a pointer */
	size_t told;      /* bytes of the packet's IP header and transport; 0: all */
	size_t after;     /* bytes behind what is told: RFC 4884's extensions */
	const char *from; /* NULL: a router's address */
	__u8 ttl;         /* of the error; 0: 64 */
	enum extra extra; /* of the error's own IP header */
	size_t padding;   /* bytes behind the error */
	void (*spoil)(struct pkt *p, __u8 *told); /* of the error that comes in, once finished */
};

/* Harness rows call these; `arg` is the error. */
void nat_error_in(struct pkt *p, const void *arg);
void nat_error_out(struct pkt *p, const void *arg);

unsigned int nat_error_bytes(const struct nat_error *error); /* of IP */

/* One row, of a service by nat. */
void nat_error_run(struct lb_maps *lb, const struct nat_error *error, enum xdp_action verdict,
		   enum drop_reason drop, const char *name);

#endif
