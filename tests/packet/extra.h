/* SPDX-License-Identifier: BSD-2-Clause */
/* What may stand between an IP header and TCP or UDP. */
#ifndef POISE_TESTS_EXTRA_H
#define POISE_TESTS_EXTRA_H

#include "packet.h"

enum extra {
	EXTRA_NONE,
	EXTRA_OPTIONS,    /* IPv4: eight bytes of options; IPv6: hop-by-hop options */
	EXTRA_CHAIN,      /* IPv6: hop-by-hop, destination options, routing, destination options */
	EXTRA_LONGEST,    /* IPv6: six headers, as many as are walked */
	EXTRA_TOO_MANY,   /* IPv6: seven */
	EXTRA_TOO_LONG,   /* IPv6: headers of more bytes than are walked */
	EXTRA_ON_ITS_WAY, /* IPv6: routing, with a segment left */
};

/* After pkt_ip4() or pkt_ip6(). */
void extra_add(struct pkt *p, int version, enum extra extra);

#endif
