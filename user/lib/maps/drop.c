// SPDX-License-Identifier: BSD-2-Clause
#include "drop.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name, *text;
} reasons[] = {
	[DROP_NONE] = { "none", "Not dropped." },
	[DROP_MALFORMED_IP] = { "malformed_ip",
				"The IP header is cut short, or its lengths contradict the frame." },
	[DROP_MALFORMED_TRANSPORT] = { "malformed_transport",
				       "The TCP or UDP header of a packet to a service is cut "
				       "short or contradicts the packet's length." },
	[DROP_NO_BACKEND] = { "no_backend",
			      "No backend of the service is up, or none has a weight." },
	[DROP_NO_TARGET] = { "no_target", "The chosen backend has no usable next hop yet: see its "
					  "next hop in `poise service show`." },
	[DROP_TOO_BIG] = { "too_big", "With the outer headers the packet is longer than the MTU "
				      "towards the backend: raise that MTU or lower the "
				      "clients' MSS." },
	[DROP_NO_ROOM] = { "no_room",
			   "The network driver left no room in front of the packet for the "
			   "outer headers: attach in generic mode." },
	[DROP_MALFORMED_ICMP] = { "malformed_icmp",
				  "An ICMP error about a translated packet is cut short, or what "
				  "it quotes contradicts it." },
	[DROP_TTL] = { "ttl", "Its TTL or hop limit was used up: mode nat is a hop on the way." },
	[DROP_NO_PORT] = { "no_port", "No free source port towards the backend was found for a new "
				      "flow: add addresses to `nat_sources`, widen `nat_ports` or "
				      "add backends." },
	[DROP_NAT_FULL] = { "nat_full", "No room was made in the NAT table for a new flow: raise "
					"`nat_flows`." },
	[DROP_MARTIAN] = { "martian",
			   "A new flow by mode nat came from an address that no client has: "
			   "of loopback, multicast, or a service." },
};

_Static_assert(ARRAY_SIZE(reasons) == DROP_MAX, "name every drop");

const char *drop_name(enum drop_reason reason)
{
	return (unsigned int)reason < DROP_MAX ? reasons[reason].name : "unknown";
}

const char *drop_text(enum drop_reason reason)
{
	return (unsigned int)reason < DROP_MAX ? reasons[reason].text : "Not a known reason.";
}
