/* SPDX-License-Identifier: BSD-2-Clause */
/* Tunnel packets for poise_decap, described in a few words, and the program to run them through. */
#ifndef POISE_TESTS_DECAP_PACKETS_H
#define POISE_TESTS_DECAP_PACKETS_H

#include "harness/harness.h"

#define VIP4   "192.0.2.10"
#define VIP6   "2001:db8:a::10"
#define OTHER4 "192.0.2.99"
#define OTHER6 "2001:db8:a::99"

enum decap_vip { DECAP_VIP4, DECAP_VIP6, DECAP_VIP_COUNT }; /* harness counters */

enum decap_outer { OUTER_IP4, OUTER_IP6, OUTER_IP6_LIMIT, OUTER_COUNT };
enum decap_inner { INNER_IP4, INNER_IP6, INNER_COUNT };

/* A field set once the packet is finished, IPv4's checksum following; width 0: none. */
struct decap_poke {
	enum pkt_kind kind;
	unsigned int n; /* of that kind, from 0 */
	size_t offset, width;
	__u16 value;
};

struct decap_case {
	enum decap_outer outer;
	enum decap_inner inner;
	const char *outer_to;   /* NULL: the backend's address of its family */
	const char *outer_from; /* NULL: a balancer's */
	const char *to;         /* inner destination; NULL: the VIP of its family */
	bool gue;
	__u16 gue_port;               /* 0: the default */
	__u8 gue_words;               /* of private data */
	__u8 outer_tos, inner_tos;    /* DSCP and ECN */
	__u8 want_ecn;                /* of the packet that comes out */
	bool udp;                     /* inside, else TCP */
	size_t payload;               /* bytes */
	size_t padding;               /* bytes behind the outer packet */
	size_t frame;                 /* pad up to this many bytes of frame, 0: no */
	void (*build)(struct pkt *p); /* what follows the inner IP header, instead of TCP or UDP */
	void (*inner_ip)(void *ip); /* fields of the inner IP header, as it goes in and comes out */
	struct decap_poke poke;
	void (*spoil)(struct pkt *p); /* of the packet that goes in, once finished */
};

/* The frame with the outer headers and without, for harness_row: arg is a struct decap_case. */
void decap_in(struct pkt *p, const void *arg);
void decap_out(struct pkt *p, const void *arg);
size_t decap_inner_bytes(const struct decap_case *c); /* of the inner IP packet */

/* Loads the program with both VIPs; tunnels end at the backend's address of each family, and with
 * `check_source` come from 10.0.0.0/24, fd00::/64 and 192.0.2.77 alone. Exits with a message where
 * it does not load. */
void decap_load(struct harness *h, bool check_source);
__u64 decap_not_local(struct harness *h); /* packets that passed as their tunnel ends elsewhere */
void decap_unload(struct harness *h);

#endif
