/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets that somebody has spoiled. */
#ifndef POISE_TESTS_MUTATE_H
#define POISE_TESTS_MUTATE_H

#include <linux/if_ether.h>
#include <string.h>

#include "harness/packet.h"
#include "harness/random.h"

/* One change where it hurts: in the first `head` bytes mostly, which are headers. */
static void mutate(struct pkt *p, size_t head)
{
	size_t at = below(p->length < head ? p->length : head);

	switch (below(6)) {
	case 0:
		p->bytes[at] ^= 1 << below(8);
		break;
	case 1:
		p->bytes[at] = random64();
		break;
	case 2:
		p->bytes[at] = below(2) ? 0xff : 0;
		break;
	case 3:
		p->length = ETH_HLEN + below(p->length - ETH_HLEN + 1);
		break;
	case 4: /* the length fields of IPv4, IPv6, UDP behind either */
		at = (const size_t[]){ 16, 18, 38, 58 }[below(4)];
		p->bytes[at] = below(4) ? 0 : random64();
		p->bytes[at + 1] = random64();
		break;
	case 5: /* bytes taken out of the middle */
		if (p->length > at + 40) {
			memmove(p->bytes + at, p->bytes + at + 8, p->length - at - 8);
			p->length -= 8;
		}
		break;
	}
}

#endif
