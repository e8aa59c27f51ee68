/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second description of what poise_lb must remember about flows. It knows flows by their
 * addresses and ports, without hash or sets. Both agree as long as no entry expires or has to make
 * room.
 */
#ifndef POISE_TESTS_REFERENCE_FLOW_H
#define POISE_TESTS_REFERENCE_FLOW_H

#include "lb/lb_fixture.h"

struct reference_flow {
	__u8 addr[16]; /* the client's */
	__u16 source_port, port;
	__u8 proto;
	__u8 version; /* 0: none */
};

/* These do the same as lb_fixture_row() and lb_fixture_serves(), and must be called with them. */
void reference_row(unsigned int port, int current, int previous);
void reference_serves(unsigned int port, int backend, bool serves);
void reference_time(__u32 tick); /* of the packets that follow */

/* A packet to a port that moves, by its flow and TCP flags (0: UDP). Which of the port's backends
 * it goes to; FIXTURE_NOBODY. */
int reference_follow(const struct reference_flow *packet, __u8 tcp_flags);

/*
 * The same for an error about the flow: which backend gets it. Nothing is remembered.
 */
int reference_peek(const struct reference_flow *about);

#endif
