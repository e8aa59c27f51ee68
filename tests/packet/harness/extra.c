// SPDX-License-Identifier: BSD-2-Clause
#include "harness/extra.h"

#define SEGMENTS_LEFT                                                                              \
	3 /* which byte of a routing header says so: 0 leaves the destination as it is */

#define AUTH_BYTES 32 /* with 20 bytes of check value: not the multiple of 8 that others count */

static void extension(struct pkt *p, __u8 proto, size_t bytes)
{
	__u8 body[1024] = { 0 };

	if (proto != IPPROTO_ROUTING) {
		body[2] = 1; /* PadN over the rest */
		body[3] = (bytes - 4) & 0xff;
	}
	pkt_ext(p, proto, body, bytes);
}

/* RFC 791: type, length, pointer to the next address; 4 is the first one's. */
static void source_route(struct pkt *p, enum extra extra)
{
	static const __u8 loose[8] = { 131, 7, 4, 10, 0, 0, 1, 0 };
	static const __u8 strict[16] = { 1, 0x94, 4, 0, 0, 1, 137, 7, 4, 10, 0, 0, 1, 0, 0, 0 };
	static const __u8 arrived[16] = { 131, 7, 8, 10, 0, 0, 1, 1, 0 };
	static const __u8 bad[12] = { 7, 1, 0, 131, 7, 4, 10, 0, 0, 1, 0, 0 };

	if (extra == EXTRA_ON_ITS_WAY)
		pkt_ip4_options(p, loose, sizeof(loose));
	else if (extra == EXTRA_STRICT)
		pkt_ip4_options(p, strict, sizeof(strict));
	else if (extra == EXTRA_ARRIVED)
		pkt_ip4_options(p, arrived, sizeof(arrived));
	else
		pkt_ip4_options(p, bad, sizeof(bad));
}

void extra_add(struct pkt *p, int version, enum extra extra)
{
	static const __u8 options[8] = { 0x94, 4, 0, 0, 1, 1, 1, 0 }; /* router alert, NOPs, end */
	int i;

	if (version == 4 && extra >= EXTRA_ON_ITS_WAY) {
		source_route(p, extra);
		return;
	}
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
	if (extra == EXTRA_ATOMIC) {
		__u8 whole[8] = { [4] = 0x12, 0x34, 0x56, 0x78 };

		pkt_ext(p, IPPROTO_FRAGMENT, whole, sizeof(whole));
		extension(p, IPPROTO_DSTOPTS, 8);
	}
	if (extra == EXTRA_AUTH) {
		__u8 body[AUTH_BYTES] = { [4] = 1 };

		/* RFC 4302: its length is in words of four bytes, less two. */
		pkt_ext(p, IPPROTO_AH, body, sizeof(body))[1] = sizeof(body) / 4 - 2;
	}
	if (extra == EXTRA_ON_ITS_WAY) {
		__u8 body[24] = { [2] = 4, [SEGMENTS_LEFT] = 1 };

		pkt_ext(p, IPPROTO_ROUTING, body, sizeof(body));
	}
	if (extra == EXTRA_LONGEST || extra == EXTRA_TOO_MANY)
		for (i = 0; i < (extra == EXTRA_TOO_MANY ? 8 : 7); i++)
			extension(p, IPPROTO_DSTOPTS, 8);
	if (extra == EXTRA_TOO_LONG)
		extension(p, IPPROTO_DSTOPTS, 1016);
}
