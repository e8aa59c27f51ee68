/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What poise_lb must remember of flows, written down a second time: flows are known by their
 * addresses and ports, no hash, no sets, no time. That is the same as long as nothing has to make
 * room, and nobody clears what has expired.
 */
#ifndef POISE_TESTS_REFERENCE_FLOW_H
#define POISE_TESTS_REFERENCE_FLOW_H

#include "lb_fixture.h"

struct reference_flow {
	__u8 addr[16]; /* the client's */
	__u16 source_port, port;
	__u8 proto;
	__u8 version; /* 0: none */
};

/* As lb_fixture_row() and lb_fixture_serves(), and to be called with them. */
void reference_row(unsigned int port, int current, int previous);
void reference_serves(unsigned int port, int backend, bool serves);

/* A packet to a port that moves, by its flow and TCP flags (0: UDP). Which of the port's backends
 * it goes to; FIXTURE_NOBODY. */
int reference_follow(const struct reference_flow *packet, __u8 tcp_flags);

#endif
