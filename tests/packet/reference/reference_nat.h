/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second description of what poise_lb must do with any frame that comes in by lo to the services
 * of nat_fixture.h. It follows the RFCs byte by byte, so that random packets can be judged. Replies
 * to services with `source: keep` are not part of it.
 */
#ifndef POISE_TESTS_REFERENCE_NAT_H
#define POISE_TESTS_REFERENCE_NAT_H

#include "harness/answered.h"
#include "reference/reference_nat_flow.h"

#define REFERENCE_CHECKS 5

struct reference_nat {
	enum xdp_action verdict; /* XDP_TX stands for forwarded, either way */
	enum drop_reason drop;
	const char *wrong;      /* about a new flow's port; NULL: nothing */
	struct answered answer; /* of a packet that is dropped and answered; type 0: none */
	struct pkt want;        /* what comes out, unless it is dropped */
	/* A flow that began with a packet that is dropped on its way: its port is to be told by
	 * reference_nat_set_port(). NULL: none. */
	struct reference_nat_flow *unseen;
	/* Offsets of checksums, for which 0 and 0xffff are the same; the UDP ones among them must
	 * not be 0. */
	size_t checks[REFERENCE_CHECKS], check_count;
	size_t udp_checks[REFERENCE_CHECKS], udp_check_count;
};

/* The frames one after the other, as the program gets them; out: what it made of it, for ports of
 * flows that begin. */
void reference_nat_judge(const struct pkt *in, const struct pkt *out, struct reference_nat *want);

/* Compares a frame with the wanted one. Returns NULL, or what is wrong. */
const char *reference_nat_compare(const struct reference_nat *want, const struct pkt *out);

/* ---- between the files of the reference */

/* The offsets of an IP packet's parts in a frame. */
struct reference_packet {
	int version;
	__u8 proto;
	size_t ip, transport; /* offsets in the frame */
	size_t ip_bytes;
	size_t frame; /* bytes of frame */
};

struct reference_ends {
	__u8 from[16], to[16];
	__u16 source_port, dest_port;
};

static inline unsigned int reference_be16(const __u8 *at)
{
	return at[0] << 8 | at[1];
}

void reference_ends_of(const __u8 *ip, int version, const __u8 *ports, struct reference_ends *out);

/* Other addresses and ports in want->want, one hop further, checksums as RFC 1624 has them. */
void reference_nat_rewrite(struct reference_nat *want, const struct reference_packet *packet,
			   const struct reference_ends *ends);
/* The same in an ICMP error: its own addresses, and what it tells of, `told` from its start in the
 * frame. */
void reference_nat_rewrite_error(struct reference_nat *want, const struct reference_packet *packet,
				 const struct reference_packet *told,
				 const struct reference_ends *outer,
				 const struct reference_ends *inner);
/* The kernel is to forward the rewritten packet: it takes one off the TTL itself. */
void reference_nat_give_back(struct reference_nat *want, const struct reference_packet *packet);
void reference_nat_eth(struct reference_nat *want, const __u8 *addresses); /* 12 bytes */
void reference_nat_trim(struct reference_nat *want, const struct reference_packet *packet);

/* An ICMP packet. */
void reference_nat_icmp(const struct pkt *in, const struct reference_packet *packet,
			struct reference_nat *want);

void reference_nat_drop(struct reference_nat *want, enum drop_reason reason);
/* Which of our sources; -1: none. */
int reference_nat_which_source(int version, const __u8 *addr);
/* Returns the Ethernet addresses of the service's backend. */
void reference_nat_target_eth(const struct reference_nat_key *key, char backend, __u8 *addresses);
/* The port of the service at an address; 0: none. */
unsigned int reference_nat_service(int version, const __u8 *addr, unsigned int port);

#endif
