/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Frame -> struct packet: the addresses it is looked up by, and what the later steps need. */
#ifndef POISE_BPF_PARSE_H
#define POISE_BPF_PARSE_H

#include "poise/sctp.h"
#include "poise/tcp.h"
#include "lb/chain.h"
#include "lb/mapped.h"
#include "lb/protocols.h"
#include "lb/steps.h"

#define IP_MF_OR_OFFSET 0x3fff
#define NO_TCP          0x100

/* No function call takes this structure's address, so that the compiler keeps it in registers. */
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
	bool fragment;   /* its transport checksum, if it has one, covers other fragments, too */
	__u16 tcp_flags; /* NO_TCP: a datagram; sctp_as_tcp() gives those of SCTP */
};

/* An IP header without options or extension headers. */
static __always_inline __u32 ip_header_bytes(int version)
{
	return version == 4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/*
 * The header's lengths contradict each other or the frame: drop it if it is addressed to a
 * service's address, else leave it to the kernel.
 */
static __always_inline int malformed_to(struct packet *pkt, int reason)
{
	pkt->to.rest = 0;
	return find_service(&pkt->to).service.flags & SERVICE_ADDRESS ? reason : NOT_OURS;
}

/* Reads source and destination port, by which a service is found. */
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
		return FRAGMENT;
	pkt->transport_offset = header_bytes;
	if (ip->protocol == IPPROTO_ICMP)
		return ICMP;
	if (!has_ports(ip->protocol))
		return NOT_OURS;
	pkt->to.low = 0; /* ::ffff:a.b.c.d */
	pkt->to.high = mapped_high(ip->daddr);
	pkt->ip_bytes = bpf_ntohs(ip->tot_len);
	/*
	 * This compares lengths and not pointers: the verifier of Linux 6.1 knows no bounds of what
	 * bpf_ntohs returns.
	 */
	if (pkt->ip_bytes < header_bytes || pkt->ip_bytes > frame_bytes)
		return malformed_to(pkt, DROP_MALFORMED_IP);
	pkt->tos = ip->tos;
	pkt->proto = ip->protocol;
	return parse_ports(pkt, (void *)ip + header_bytes, end);
}

/* Goes to the transport header of a packet that has something in front of it. */
static __always_inline int parse_chain(struct xdp_md *ctx, struct packet *pkt)
{
	union chain chain = { .offset = pkt->transport_offset, .proto = pkt->proto };

	chain.word = walk_chain(ctx, chain.word);
	pkt->proto = chain.proto;
	pkt->transport_offset = chain.offset;
	return chain.step > 0 ? malformed_to(pkt, chain.step) : chain.step;
}

static __always_inline int parse_ipv6(struct xdp_md *ctx, struct packet *pkt,
				      const struct ipv6hdr *ip, const void *end)
{
	__u64 frame_bytes = end - (void *)ip;
	__u32 bytes;
	int err;

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
	if (!has_ports(pkt->proto)) {
		err = parse_chain(ctx, pkt);
		if (err)
			return err;
	}
	return parse_ports(pkt, (void *)ip + (pkt->transport_offset & MAX_TRANSPORT_OFFSET), end);
}

static __always_inline bool tcp_is_syn(__u32 tcp_flags)
{
	return (tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/*
 * Says of the packet's first chunk what a TCP segment would say with flags: INIT begins an
 * association, as SYN does, and is alone in its packet (RFC 9260, 3); ABORT ends one, and so do the
 * last chunks that either side of a shutdown sends (9.2).
 */
static __always_inline __u16 sctp_as_tcp(__u8 chunk_type)
{
	if (chunk_type == SCTP_CHUNK_INIT)
		return TCP_SYN;
	if (chunk_type == SCTP_CHUNK_ABORT || chunk_type == SCTP_CHUNK_SHUTDOWN_ACK ||
	    chunk_type == SCTP_CHUNK_SHUTDOWN_COMPLETE)
		return TCP_FIN | TCP_ACK;
	return TCP_ACK;
}

/* Checks the rest of the transport header, once the packet is known to be for a service. */
static __always_inline int parse_transport(struct packet *pkt, const void *ip, const void *end)
{
	__u32 bytes = pkt->ip_bytes - pkt->transport_offset;
	/* The mask changes nothing; it tells the verifier the bound. */
	const void *transport = ip + (pkt->transport_offset & MAX_TRANSPORT_OFFSET);

	if (pkt->proto == IPPROTO_TCP) {
		const struct tcphdr *tcp = transport;

		if ((void *)(tcp + 1) > end || tcp->doff < 5 || tcp->doff * 4 > bytes)
			return DROP_MALFORMED_TRANSPORT;
		pkt->tcp_flags = ((const __u8 *)tcp)[13];
		pkt->new_flow = tcp_is_syn(pkt->tcp_flags);
	} else if (pkt->proto == IPPROTO_SCTP) {
		const struct sctp_packet *sctp = transport;

		if ((void *)(sctp + 1) > end || bytes < sizeof(*sctp) ||
		    bpf_ntohs(sctp->chunk_bytes) < SCTP_CHUNK_HEADER_BYTES)
			return DROP_MALFORMED_TRANSPORT;
		pkt->tcp_flags = sctp_as_tcp(sctp->chunk_type);
		pkt->new_flow = sctp->chunk_type == SCTP_CHUNK_INIT;
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
