// SPDX-License-Identifier: BSD-2-Clause
#include "extra.h"

#define SEGMENTS_LEFT                                                                              \
	3 /* which byte of a routing header says so: 0 leaves the destination as it is */

static void extension(struct pkt *p, __u8 proto, size_t bytes)
{
	__u8 body[1024] = { 0 };

	if (proto != IPPROTO_ROUTING) {
		body[2] = 1; /* PadN over the rest */
		body[3] = (bytes - 4) & 0xff;
	}
	pkt_ext(p, proto, body, bytes);
}

void extra_add(struct pkt *p, int version, enum extra extra)
{
	static const __u8 options[8] = { 0x94, 4, 0, 0, 1, 1, 1, 0 }; /* router alert, NOPs, end */
	int i;

	if (extra == EXTRA_OPTIONS && version == 4) {
		pkt_ip4_options(p, options, sizeof(options));
		return;
	}
	if (extra != EXTRA_NONE)
		extension(p, IPPROTO_HOPOPTS, 8);
	if (extra == EXTRA_CHAIN) {
		extension(p, IPPROTO_DSTOPTS, 16);
		extension(p, IPPROTO_ROUTING, 8);
		extension(p, IPPROTO_DSTOPTS, 24);
	}
	if (extra == EXTRA_ON_ITS_WAY) {
		__u8 body[24] = { [2] = 4, [SEGMENTS_LEFT] = 1 };

		pkt_ext(p, IPPROTO_ROUTING, body, sizeof(body));
	}
	if (extra == EXTRA_LONGEST || extra == EXTRA_TOO_MANY)
		for (i = 0; i < (extra == EXTRA_TOO_MANY ? 6 : 5); i++)
			extension(p, IPPROTO_DSTOPTS, 8);
	if (extra == EXTRA_TOO_LONG)
		extension(p, IPPROTO_DSTOPTS, 1016);
}
