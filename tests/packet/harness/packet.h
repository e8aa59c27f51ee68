/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets for tests, header by header from the outside in:
 *
 *	pkt_eth(p);
 *	pkt_ip4(p, "198.51.100.7", "192.0.2.1")->tos = 0x2e << 2;
 *	pkt_tcp(p, 40000, 80)->syn = 1;
 *	pkt_payload(p, 100);
 *	pkt_finish(p);
 *
 * pkt_finish() fills in what can be computed: the type and next-protocol fields where the next
 * header is one that was built here, lengths, checksums. Every other field can be set through the
 * returned pointer before; whatever is set after it stays, so that is how a malformed packet is
 * made. Pointers stay good for as long as the packet does. Headers may be nested at will.
 */
#ifndef POISE_TESTS_PACKET_H
#define POISE_TESTS_PACKET_H

#include <netinet/in.h>
#include <linux/icmp.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <stddef.h>

#define PKT_MAX_BYTES  2048
#define PKT_MAX_LAYERS 16

/* Flags and fragment offset of IPv4, host order. */
#define PKT_IP4_DF 0x4000
#define PKT_IP4_MF 0x2000

enum pkt_kind {
	PKT_ETH,
	PKT_VLAN,
	PKT_IP4,
	PKT_IP6,
	PKT_EXT, /* an IPv6 extension header */
	PKT_TCP,
	PKT_UDP,
	PKT_SCTP,
	PKT_ICMP,
	PKT_ICMP6,
	PKT_GUE,
	PKT_BYTES, /* anything else: payload */
};

struct pkt_layer {
	enum pkt_kind kind;
	__u8 proto;    /* of PKT_EXT: its own number, that the header before must name */
	size_t offset; /* bytes from the start of the frame */
};

struct pkt {
	size_t length; /* bytes of frame */
	size_t layer_count;
	struct pkt_layer layers[PKT_MAX_LAYERS];
	__u8 bytes[PKT_MAX_BYTES] __attribute__((aligned(8)));
};

/* draft-ietf-intarea-gue-09, variant 0 */
struct pkt_gue {
	__u8 flags; /* version:2, C:1, hlen:5 (32-bit words after the first) */
	__u8 proto;
	__be16 options;
};

/* RFC 9260, 3 */
struct pkt_sctp {
	__be16 source, dest;
	__be32 tag, crc;
	__u8 chunk, flags;
	__be16 chunk_length;
};

void pkt_clear(struct pkt *p);

/* 02:00:00:00:00:02 (dst) and 02:00:00:00:00:01 (src); to be changed through the pointer. */
struct ethhdr *pkt_eth(struct pkt *p);
void pkt_vlan(struct pkt *p, __u16 tpid, __u16 tci); /* tpid: ETH_P_8021Q or ETH_P_8021AD */
/* TTL 64, no flags, identification 0. Without a known next header protocol is 253. */
struct iphdr *pkt_ip4(struct pkt *p, const char *src, const char *dst);
void pkt_ip4_options(struct pkt *p, const void *options, size_t length); /* right after pkt_ip4() */
/* Hop limit 64. Without a known next header nexthdr is 253. */
struct ipv6hdr *pkt_ip6(struct pkt *p, const char *src, const char *dst);
/* Extension header `proto` of `length` bytes (for most a multiple of 8), whose first byte, the next
 * header, and, other than for a fragment header, second byte, the length, are filled in. */
__u8 *pkt_ext(struct pkt *p, __u8 proto, const void *body, size_t length);
struct tcphdr *pkt_tcp(struct pkt *p, __u16 source, __u16 dest); /* no flags, window 0 */
struct udphdr *pkt_udp(struct pkt *p, __u16 source, __u16 dest);
/* The common header and one chunk's: whatever follows is the chunk's value. The CRC stays 0. */
struct pkt_sctp *pkt_sctp(struct pkt *p, __u16 source, __u16 dest, __u8 chunk);
struct icmphdr *pkt_icmp(struct pkt *p, __u8 type, __u8 code);
struct icmphdr *pkt_icmp6(struct pkt *p, __u8 type, __u8 code);
struct pkt_gue *pkt_gue(struct pkt *p); /* version 0, four bytes, proto from the next header */
void pkt_payload(struct pkt *p, size_t length); /* bytes counting up from 0 */
void *pkt_bytes(struct pkt *p, const void *bytes, size_t length);

void pkt_finish(struct pkt *p);
void pkt_pad(struct pkt *p, size_t length);    /* after pkt_finish(): Ethernet padding, 0xee */
void pkt_pad_to(struct pkt *p, size_t length); /* the same up to a frame length, 60 say */
void pkt_cut(struct pkt *p, size_t length);    /* after pkt_finish(): the frame ends at length */

/*
 * Finds the n-th header (from 0) of a kind: as a pointer, as a header's fields, or to cut the
 * packet there.
 */
void *pkt_find(struct pkt *p, enum pkt_kind kind, unsigned int n);
size_t pkt_offset(const struct pkt *p, enum pkt_kind kind, unsigned int n);

/* Anew after fields were changed behind pkt_finish()'s back. */
void pkt_ip4_checksum(struct iphdr *ip);

#endif
