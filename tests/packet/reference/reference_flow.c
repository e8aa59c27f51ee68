// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference_flow.h"

#define MAX_FLOWS (1U << 17)
#define FIN       1
#define SYN       2
#define RST       4
#define ACK       16

#define DOUBT_TICKS 2 /* an RST's flow may still go on */

struct known_flow {
	int backend;
	struct reference_flow flow;
	__u8 closed;     /* FIN or RST: the client's last word */
	__u32 closed_at; /* tick */
};

static struct known_flow known[MAX_FLOWS];
static __u32 now;

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

void reference_time(__u32 tick)
{
	now = tick;
}

/* Returns the place where the flow is remembered or would be. */
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

/* True if a packet goes where the flow's earlier ones went. */
static bool goes_there(const struct known_flow *entry, bool syn)
{
	if (!syn || !entry->closed)
		return true;
	return entry->closed == RST && now - entry->closed_at <= DOUBT_TICKS;
}

/* Notes a packet that went there. */
static void note(struct known_flow *entry, bool syn, __u8 end)
{
	if (end) {
		entry->closed |= end;
		entry->closed_at = now;
	} else if (syn || now - entry->closed_at > DOUBT_TICKS) {
		entry->closed = 0;
	}
	if (entry->closed & FIN)
		entry->closed = FIN;
}

int reference_follow(const struct reference_flow *packet, __u8 tcp_flags)
{
	const bool client = packet->port == PORT_SOURCE, tcp = packet->proto != IPPROTO_UDP;
	const bool syn = tcp && !client && (tcp_flags & SYN) && !(tcp_flags & ACK);
	const __u8 end = tcp && !client ? tcp_flags & (FIN | RST) : 0;
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
	    goes_there(entry, syn)) {
		note(entry, syn, end);
		return entry->backend;
	}
	backend = syn || previous == FIXTURE_TRACKED ? current : previous;
	if (backend != FIXTURE_NOBODY) {
		*entry = (struct known_flow){ backend, flow, 0, now };
		if (!syn)
			note(entry, syn, end);
	}
	return backend;
}

int reference_peek(const struct reference_flow *about)
{
	const int current = ports[about->port - PORT_MOVES].current;
	const int previous = ports[about->port - PORT_MOVES].previous;
	struct reference_flow flow = *about;
	const struct known_flow *entry;

	if (previous == FIXTURE_NOBODY)
		return current;
	if (about->port == PORT_SOURCE)
		flow.source_port = 0;
	entry = look_up(&flow);
	if (entry->flow.version && !ports[about->port - PORT_MOVES].fails[entry->backend])
		return entry->backend;
	return previous == FIXTURE_TRACKED ? current : previous;
}
