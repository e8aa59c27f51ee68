/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second description of what poise_lb must do with any frame to the fixture's services. It
 * follows the RFCs byte by byte, so that random packets can be judged.
 */
#ifndef POISE_TESTS_REFERENCE_H
#define POISE_TESTS_REFERENCE_H

#include "harness/answered.h"
#include "reference/reference_flow.h"

struct reference {
	enum xdp_action verdict; /* XDP_TX stands for forwarded, either way */
	enum drop_reason drop;
	int version;       /* of a forwarded packet */
	unsigned int port; /* service */
	int backend;       /* of a port that moves */
	size_t ip_bytes;
	struct answered answer; /* of a packet that is dropped and answered; type 0: none */
	bool checksums_right;   /* IPv4 header's and transport's, pseudo-header included */
};

/* The frames one after the other, as the program gets them: flows are remembered. */
void reference_judge(const struct pkt *in, struct reference *out);

/*
 * Compares a forwarded frame with what the mode of the port asks for. Returns NULL, or what is
 * wrong.
 */
const char *reference_forwarded(const struct reference *judged, const struct pkt *in,
				const struct pkt *out);

#endif
