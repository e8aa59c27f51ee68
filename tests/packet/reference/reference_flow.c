// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference_flow.h"

#define MAX_FLOWS (1U << 17)
#define FIN       1
#define SYN       2
#define RST       4
#define ACK       16

struct known_flow {
	int backend;
	struct reference_flow flow;
	bool one_packet; /* or the same SYN a few times, and it was no end */
};

static struct known_flow known[MAX_FLOWS];

static struct {
	int current, previous;
	bool fails[FIXTURE_BACKENDS];
} ports[PORT_SOURCE - PORT_MOVES + 1] = {
	{ 0, FIXTURE_NOBODY, { false } },
	{ 0, FIXTURE_NOBODY, { false } },
	{ 0, FIXTURE_NOBODY, { false } },
};

void reference_row(unsigned int port, int current, int previous)
{
	ports[port - PORT_MOVES].current = current;
	ports[port - PORT_MOVES].previous = previous;
}

void reference_serves(unsigned int port, int backend, bool serves)
{
	ports[port - PORT_MOVES].fails[backend] = !serves;
}

/* Where the flow is or would be remembered. */
static struct known_flow *look_up(const struct reference_flow *flow)
{
	const __u8 *bytes = (const __u8 *)flow;
	unsigned int at = 2166136261; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*flow); i++)
		at = (at ^ bytes[i]) * 16777619;
	for (unsigned int tries = 0; tries < MAX_FLOWS; tries++, at++) {
		struct known_flow *found = &known[at % MAX_FLOWS];

		if (!found->flow.version || !memcmp(&found->flow, flow, sizeof(*flow)))
			return found;
	}
	fprintf(stderr, "more than %u flows\n", MAX_FLOWS);
	abort();
}

int reference_follow(const struct reference_flow *packet, __u8 tcp_flags)
{
	const bool client = packet->port == PORT_SOURCE, tcp = packet->proto == IPPROTO_TCP;
	const bool syn = tcp && !client && (tcp_flags & SYN) && !(tcp_flags & ACK);
	const bool ends = tcp && !client && (tcp_flags & (FIN | RST));
	const int current = ports[packet->port - PORT_MOVES].current;
	const int previous = ports[packet->port - PORT_MOVES].previous;
	struct reference_flow flow = *packet;
	struct known_flow *entry;
	int backend;

	if (previous == FIXTURE_NOBODY)
		return current;
	if (client)
		flow.source_port = 0;
	entry = look_up(&flow);
	if (entry->flow.version && !ports[packet->port - PORT_MOVES].fails[entry->backend] &&
	    (!syn || entry->one_packet)) {
		entry->one_packet = syn && !ends;
		return entry->backend;
	}
	backend = syn || previous == FIXTURE_TRACKED ? current : previous;
	if (backend != FIXTURE_NOBODY)
		*entry = (struct known_flow){ backend, flow, syn || !ends };
	return backend;
}
