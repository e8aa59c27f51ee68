/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frame -> struct packet: whose it is and what the later steps need to know of it. */
#ifndef POISE_BPF_PARSE_H
#define POISE_BPF_PARSE_H

#define ETH_P_IP              0x0800
#define ETH_P_IPV6            0x86dd
#define IP_MF_OR_OFFSET       0x3fff
#define MAX_EXTENSION_HEADERS 6
#define MAX_TRANSPORT_OFFSET                                                                       \
	1023 /* a mask: extension headers beyond that are left to the kernel                       \
	      */

#define IPPROTO_HOPOPTS 0
#define IPPROTO_ICMP    1
#define IPPROTO_ICMPV6  58
#define IPPROTO_ROUTING 43
#define IPPROTO_DSTOPTS 60

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define NO_TCP  0x100

/* What a step of the packet path says: go on, let the kernel have it, or drop it (a drop_reason).
 */
#define GO_ON    0
#define NOT_OURS (-1)
#define ICMP     (-2) /* may be about a packet that nat has translated */

/* Never has its address taken by a call, so that it lives in registers. */
struct packet {
	struct service_words to; /* destination address, port, protocol */
	__be16 source_port;
	__be16 dest_port;
	__u16 ip_bytes;         /* by the IP header: padding is not counted */
	__u16 transport_offset; /* from the IP header's start */
	__u8 version;
	__u8 proto;
	__u8 tos; /* IPv4 TOS or IPv6 traffic class */
	bool new_flow;
	__u16 tcp_flags; /* NO_TCP: a datagram */
};

/* An IP header without options or extension headers. */
static __always_inline __u32 ip_header_bytes(int version)
{
	return version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* A header whose lengths lie: ours to drop only if it is addressed to one of our services. */
static __always_inline int malformed_to(struct packet *pkt, int reason)
{
	pkt->to.rest = 0;
	return find_service(&pkt->to).service.flags & SERVICE_ADDRESS ? reason : NOT_OURS;
}

/* Source and destination port: all that TCP and UDP have in common and a service is found by. */
static __always_inline int parse_ports(struct packet *pkt, const void *transport, const void *end)
{
	const __be16 *ports = transport;

	if (pkt->transport_offset + 4 > pkt->ip_bytes || (void *)(ports + 2) > end)
		return malformed_to(pkt, DROP_MALFORMED_TRANSPORT);
	pkt->source_port = ports[0];
	pkt->dest_port = ports[1];
	pkt->to.rest = wire16(pkt->dest_port) | (__u32)pkt->proto << 16;
	return GO_ON;
}

static __always_inline int parse_ipv4(struct packet *pkt, const struct iphdr *ip, const void *end)
{
	__u64 frame_bytes = end - (void *)ip;
	__u32 header_bytes;

	if ((void *)(ip + 1) > end)
		return DROP_MALFORMED_IP;
	header_bytes = ip->ihl * 4;
	if (ip->version != 4 || header_bytes < sizeof(*ip))
		return DROP_MALFORMED_IP;
	if (ip->frag_off & bpf_htons(IP_MF_OR_OFFSET))
		return NOT_OURS;
	pkt->transport_offset = header_bytes;
	if (ip->protocol == IPPROTO_ICMP)
		return ICMP;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return NOT_OURS;
	pkt->to.low = 0; /* ::ffff:a.b.c.d */
	pkt->to.high = wire32(bpf_htonl(0xffff)) | (__u64)wire32(ip->daddr) << 32;
	pkt->ip_bytes = bpf_ntohs(ip->tot_len);
	/* Lengths are compared, not pointers: to Linux 6.1 what bpf_ntohs gives has no bounds. */
	if (pkt->ip_bytes < header_bytes || pkt->ip_bytes > frame_bytes)
		return malformed_to(pkt, DROP_MALFORMED_IP);
	pkt->tos = ip->tos;
	pkt->proto = ip->protocol;
	return parse_ports(pkt, (void *)ip + header_bytes, end);
}

/* Steps over one extension header that may stand before TCP or UDP. With segments left in a routing
 * header the packet is on its way to somewhere else yet (RFC 8200, 4.4). */
static __always_inline int skip_extension(struct packet *pkt, const struct ipv6hdr *ip,
					  const void *end)
{
	const struct ipv6_rt_hdr *extension =
		(void *)ip + (pkt->transport_offset & MAX_TRANSPORT_OFFSET);

	if ((void *)(extension + 1) > end)
		return malformed_to(pkt, DROP_MALFORMED_IP);
	if (pkt->proto == IPPROTO_ROUTING && extension->segments_left)
		return NOT_OURS;
	pkt->proto = extension->nexthdr;
	pkt->transport_offset += (extension->hdrlen + 1) * 8;
	return GO_ON;
}

static __always_inline int parse_ipv6(struct packet *pkt, const struct ipv6hdr *ip, const void *end)
{
	__u64 frame_bytes = end - (void *)ip;
	__u32 bytes;
	int i, err;

	if ((void *)(ip + 1) > end)
		return DROP_MALFORMED_IP;
	if (ip->version != 6)
		return DROP_MALFORMED_IP;
	pkt->to.low = ((const __u64 *)&ip->daddr)[0];
	pkt->to.high = ((const __u64 *)&ip->daddr)[1];
	bytes = sizeof(*ip) + bpf_ntohs(ip->payload_len);
	if (bytes > frame_bytes || bytes > 0xffff)
		return malformed_to(pkt, DROP_MALFORMED_IP);
	pkt->ip_bytes = bytes;
	pkt->tos = ip->priority << 4 | ip->flow_lbl[0] >> 4;
	pkt->proto = ip->nexthdr;
	pkt->transport_offset = sizeof(*ip);
	for (i = 0; i <= MAX_EXTENSION_HEADERS; i++) {
		if (pkt->proto == IPPROTO_TCP || pkt->proto == IPPROTO_UDP)
			return parse_ports(
				pkt, (void *)ip + (pkt->transport_offset & MAX_TRANSPORT_OFFSET),
				end);
		if (pkt->proto == IPPROTO_ICMPV6)
			return ICMP;
		if (pkt->proto != IPPROTO_HOPOPTS && pkt->proto != IPPROTO_ROUTING &&
		    pkt->proto != IPPROTO_DSTOPTS)
			return NOT_OURS;
		err = skip_extension(pkt, ip, end);
		if (err)
			return err;
		if (pkt->transport_offset > MAX_TRANSPORT_OFFSET)
			return NOT_OURS;
	}
	return NOT_OURS;
}

static __always_inline bool tcp_is_syn(__u32 tcp_flags)
{
	return (tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* The rest of the transport header, checked once the packet is known to be for a service. */
static __always_inline int parse_transport(struct packet *pkt, const void *ip, const void *end)
{
	__u32 bytes = pkt->ip_bytes - pkt->transport_offset;
	/* The mask changes nothing: it reminds the verifier of the bound. */
	const void *transport = ip + (pkt->transport_offset & MAX_TRANSPORT_OFFSET);

	if (pkt->proto == IPPROTO_TCP) {
		const struct tcphdr *tcp = transport;

		if ((void *)(tcp + 1) > end || tcp->doff < 5 || tcp->doff * 4 > bytes)
			return DROP_MALFORMED_TRANSPORT;
		pkt->tcp_flags = ((const __u8 *)tcp)[13];
		pkt->new_flow = tcp_is_syn(pkt->tcp_flags);
	} else {
		const struct udphdr *udp = transport;

		if ((void *)(udp + 1) > end || bpf_ntohs(udp->len) < sizeof(*udp) ||
		    bpf_ntohs(udp->len) > bytes)
			return DROP_MALFORMED_TRANSPORT;
		pkt->tcp_flags = NO_TCP;
		pkt->new_flow = false;
	}
	return GO_ON;
}

#endif
