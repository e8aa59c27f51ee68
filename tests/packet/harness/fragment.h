/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of a packet, as a router or a sender cuts it. */
#ifndef POISE_TESTS_FRAGMENT_H
#define POISE_TESTS_FRAGMENT_H

#include <stdbool.h>

#include "harness/packet.h"

struct fragment {
	__u32 id; /* IPv4: 16 bits */
	/* Bytes of what follows the IP header: a multiple of 8, and where the part ends. */
	size_t from, to;
	bool last;
};

/*
 * *out becomes a part of `whole`, a finished frame with an IP header of no options. An IPv6
 * fragment header comes right behind the IP header.
 */
void fragment_cut(const struct pkt *whole, const struct fragment *part, struct pkt *out);

#endif
