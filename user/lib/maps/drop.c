// SPDX-License-Identifier: BSD-2-Clause
#include "base/array.h"
#include "maps/drop.h"

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
	[DROP_TOO_BIG] = { "too_big", "With its outer headers the packet is longer than the MTU of "
				      "its way, and its sender was told (`poise answers`): raise "
				      "that MTU, or lower the clients' MSS." },
	[DROP_NO_ROOM] = { "no_room",
			   "The network driver left no room in front of the packet for the "
			   "outer headers: attach in generic mode." },
	[DROP_MALFORMED_ICMP] = { "malformed_icmp",
				  "An ICMP error to a service's address or to one of nat's is "
				  "cut short, or what it quotes contradicts it." },
	[DROP_TTL] = { "ttl",
		       "Its TTL or hop limit was used up, as mode nat is a hop on the way; its "
		       "sender was told (`poise answers`)." },
	[DROP_NO_PORT] = { "no_port", "No free source port towards the backend was found for a new "
				      "flow: add addresses to `nat_sources`, widen `nat_ports` or "
				      "add backends." },
	[DROP_NAT_FULL] = { "nat_full", "No room was made in the NAT table for a new flow: raise "
					"`nat_flows`." },
	[DROP_MARTIAN] = { "martian",
			   "A packet to a service came from an address that no client has: "
			   "loopback, multicast, a service's, the balancer's own, or from "
			   "another link's link-local one." },
	[DROP_NO_FLOW] = { "no_flow",
			   "By mode nat a TCP packet came that belongs to no connection and begins "
			   "none: RST, SYN with ACK, or without SYN and ACK. A few are normal; many "
			   "may be answers to SYNs that were forged in the service's name." },
	[DROP_FRAGMENT_EARLY] = { "fragment_early",
				  "A fragment came before its datagram's first one, or that one was "
				  "lost, dropped or forgotten: the network reorders or loses, or one "
				  "source sends very many fragmented datagrams at once." },
	[DROP_FRAGMENT_BAD] = { "fragment_bad",
				"A fragment to a service overlaps another one, is too short to hold "
				"the header that it must, or has a length that no fragment has." },
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
