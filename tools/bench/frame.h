/* SPDX-License-Identifier: BSD-2-Clause */
/* The packets that the harness makes: TCP with SYN, ACK or RST, or UDP, to one address and port. */
#ifndef POISE_BENCH_FRAME_H
#define POISE_BENCH_FRAME_H

#include <stdbool.h>

#include "base/addr.h"
#include "bench/bench_abi.h"

struct frame_kind {
	struct addr to;
	__u16 port;
	__u8 proto; /* IPPROTO_TCP or IPPROTO_UDP */
	bool syn;   /* of TCP: SYN, else ACK, or RST */
	bool rst;
	__u8 client; /* the last byte of the first flow's source address */
	bool reply;  /* the port is where it comes from; each flow has a port that it is sent to */
};

unsigned int frame_bytes(const struct frame_kind *kind);
void frame_template(const struct frame_kind *kind, struct frame_template *out);

/*
 * True if a frame that the harness made is of that kind and has right checksums; otherwise it
 * prints why not.
 */
bool frame_check(const struct frame_kind *kind, const __u8 *frame, unsigned int bytes,
		 const char **why);

#endif
