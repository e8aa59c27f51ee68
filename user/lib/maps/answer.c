// SPDX-License-Identifier: BSD-2-Clause
#include "base/array.h"
#include "maps/answer.h"

static const struct {
	const char *name, *text;
} kinds[] = {
	[ANSWER_RESET] = { "reset", "TCP RST: no backend is there for a new connection." },
	[ANSWER_PORT_UNREACHABLE] = { "port_unreachable",
				      "ICMP port unreachable: no backend is there for a "
				      "datagram." },
	[ANSWER_TOO_BIG] = { "too_big",
			     "ICMP fragmentation needed, packet too big: the sender learns which "
			     "size fits the way." },
	[ANSWER_TIME_EXCEEDED] = { "time_exceeded", "ICMP time exceeded: the packet's TTL or hop "
						    "limit ends at the balancer." },
};

_Static_assert(ARRAY_SIZE(kinds) == ANSWER_MAX, "name every kind");

const char *answer_name(enum answer_kind kind)
{
	return (unsigned int)kind < ANSWER_MAX ? kinds[kind].name : "unknown";
}

const char *answer_text(enum answer_kind kind)
{
	return (unsigned int)kind < ANSWER_MAX ? kinds[kind].text : "Not a known kind.";
}
