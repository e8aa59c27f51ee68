/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets of flows by nat and nat_keep: as they come in, and as they have to go out. */
#ifndef POISE_TESTS_NAT_PACKET_H
#define POISE_TESTS_NAT_PACKET_H

#include "harness/answered.h"
#include "harness/extra.h"
#include "nat/nat_flow.h"

/* TCP flags; a datagram's are none. */
#define SYN     TCP_SYN
#define SYN_ACK (TCP_SYN | TCP_ACK)
#define ACK     TCP_ACK
#define FIN     (TCP_FIN | TCP_ACK)
#define RST     (TCP_RST | TCP_ACK)

/* Addresses and ports of a packet. */
struct nat_ends {
	char from[NAT_TEXT], to[NAT_TEXT];
	__u16 source_port, dest_port;
};

struct nat_packet {
	const struct lb_maps *lb; /* set by what runs it */
	struct nat_flow *flow;
	bool reply; /* from the backend; else from the client */
	__u8 tcp;   /* flags */
	__u8 ttl;   /* 0: 64 */
	__u8 tos;
	bool df;              /* IPv4: not to be fragmented */
	unsigned int payload; /* bytes */
	__u16 payload_word;   /* added to the first two of them */
	enum extra extra;
	bool no_udp_checksum;
	__u16 spoil;          /* added to the transport checksum, to no end: a sender's mistake */
	__u8 claims;          /* the protocol that the IP header names instead */
	size_t padding;       /* bytes behind the IP packet */
	__u8 hop;             /* added to the last byte of the client's next hop */
	__u8 way;             /* of a reply: which hop it leaves by */
	unsigned int ifindex; /* it came by; 0: lo */
};

/*
 * The two ends of a flow's packets: between client and host, and between host and backend. `reply`
 * turns them round.
 */
void nat_outside_ends(const struct nat_flow *flow, bool reply, struct nat_ends *out);
void nat_inside_ends(const struct nat_flow *flow, bool reply, struct nat_ends *out);

/*
 * Harness rows call these; `arg` is the packet. The packet that comes out follows from what the
 * table then holds.
 */
void nat_packet_in(struct pkt *p, const void *arg);
void nat_packet_out(struct pkt *p, const void *arg);

unsigned int nat_packet_bytes(const struct nat_packet *packet); /* of IP */

/* From the IP header on, finished: for a frame or for what an ICMP error tells of. */
void nat_packet_ip(struct pkt *p, const struct nat_packet *packet, const struct nat_ends *ends,
		   __u8 ttl);

/* Ethernet addresses between the host and a client (of the packet's hop) or a backend. */
void nat_eth(struct pkt *p, const struct nat_packet *packet, bool inside, bool to_host);

/* One row. begun: counted as a new flow, too. */
void nat_packet_run(struct lb_maps *lb, const struct nat_packet *packet, enum xdp_action verdict,
		    enum drop_reason drop, bool begun, const char *name);

/* One row: the packet is dropped and answered with an ICMP error. */
void nat_packet_answered(struct lb_maps *lb, const struct nat_packet *packet, enum drop_reason drop,
			 const struct answered *answer, const char *name);

/* No row: the verdict alone. */
enum xdp_action nat_send(struct lb_maps *lb, const struct nat_packet *packet);
/* A SYN or datagram, and what the table has of it; false: not forwarded. */
bool nat_begin(struct lb_maps *lb, struct nat_flow *flow);
/* The same up to established. */
bool nat_establish(struct lb_maps *lb, struct nat_flow *flow);

#endif
