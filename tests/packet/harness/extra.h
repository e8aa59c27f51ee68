/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPv4 options and IPv6 extension headers: all that may stand between an IP header and TCP or UDP.
 */
#ifndef POISE_TESTS_EXTRA_H
#define POISE_TESTS_EXTRA_H

#include "harness/packet.h"

enum extra {
	EXTRA_NONE,
	EXTRA_OPTIONS,    /* IPv4: eight bytes of options; IPv6: hop-by-hop options */
	EXTRA_CHAIN,      /* IPv6: hop-by-hop, destination options, routing, destination options */
	EXTRA_ATOMIC,     /* IPv6: fragment header of a whole packet, destination options */
	EXTRA_AUTH,       /* IPv6: authentication header */
	EXTRA_LONGEST,    /* IPv6: eight headers, as many as are walked */
	EXTRA_TOO_MANY,   /* IPv6: nine */
	EXTRA_TOO_LONG,   /* IPv6: headers of more bytes than are walked */
	EXTRA_ON_ITS_WAY, /* IPv6: routing, with a segment left; IPv4: a loose source route */
	EXTRA_END,        /* of those that IPv6 has */
	EXTRA_STRICT = EXTRA_END, /* IPv4: a strict source route behind other options */
	EXTRA_ARRIVED,            /* IPv4: a source route that is used up */
	EXTRA_BAD_OPTION,         /* IPv4: an option of no length, and a source route behind it */
	EXTRA_END4,
};

/* After pkt_ip4() or pkt_ip6(). */
void extra_add(struct pkt *p, int version, enum extra extra);

#endif
