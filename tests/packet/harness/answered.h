/* SPDX-License-Identifier: BSD-2-Clause */
/* The ICMP error that the balancer answers a frame with, byte by byte. */
#ifndef POISE_TESTS_ANSWERED_H
#define POISE_TESTS_ANSWERED_H

#include "harness/packet.h"

struct answered {
	__u8 type, code;
	__u32 rest; /* the second word of the ICMP header */
};

/* These say that a packet is longer than its way takes, and that its TTL has ended. */
struct answered answered_too_big(int version, __u32 mtu);
struct answered answered_time_exceeded(int version);

/*
 * Builds the answer to a frame whose IP packet has so many bytes: to its sender, from where it was
 * sent to, by the neighbour that it came from, as long as RFC 1812 and RFC 4443 allow.
 */
void answered_error(struct pkt *p, const struct pkt *in, size_t ip_bytes,
		    const struct answered *answer);

#endif
