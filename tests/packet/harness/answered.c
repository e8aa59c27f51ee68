// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <string.h>

#include "harness/answered.h"

#define ERROR_MAX4 576  /* RFC 1812, 4.3.2.3 */
#define ERROR_MAX6 1280 /* RFC 4443, 2.4 */
#define ERROR_TOS  0xc0 /* RFC 1812, 4.3.2.5 */

struct answered answered_too_big(int version, __u32 mtu)
{
	return (struct answered){ version == 4 ? 3 : 2, version == 4 ? 4 : 0, mtu };
}

struct answered answered_time_exceeded(int version)
{
	return (struct answered){ version == 4 ? 11 : 3, 0, 0 };
}

void answered_error(struct pkt *p, const struct pkt *in, size_t ip_bytes,
		    const struct answered *answer)
{
	const int version = in->bytes[12] == 0x08 ? 4 : 6;
	const __u8 *ip = in->bytes + ETH_HLEN;
	const size_t most = version == 4 ? ERROR_MAX4 - 20 - 8 : ERROR_MAX6 - 40 - 8;
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	struct ethhdr *eth = pkt_eth(p);
	struct icmphdr *icmp;

	memcpy(eth->h_dest, in->bytes + ETH_ALEN, ETH_ALEN);
	memcpy(eth->h_source, in->bytes, ETH_ALEN);
	if (version == 4) {
		struct iphdr *ip4;

		inet_ntop(AF_INET, ip + 16, from, sizeof(from));
		inet_ntop(AF_INET, ip + 12, to, sizeof(to));
		ip4 = pkt_ip4(p, from, to);
		ip4->tos = ERROR_TOS;
		ip4->frag_off = htons(PKT_IP4_DF);
		icmp = pkt_icmp(p, answer->type, answer->code);
	} else {
		inet_ntop(AF_INET6, ip + 24, from, sizeof(from));
		inet_ntop(AF_INET6, ip + 8, to, sizeof(to));
		pkt_ip6(p, from, to)->priority = ERROR_TOS >> 4;
		icmp = pkt_icmp6(p, answer->type, answer->code);
	}
	icmp->un.gateway = htonl(answer->rest);
	pkt_bytes(p, ip, ip_bytes < most ? ip_bytes : most);
	pkt_finish(p);
}
