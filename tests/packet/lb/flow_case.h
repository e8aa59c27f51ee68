/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets of flows to services with three backends each, A, B and C, whose rows a test sets: all of
 * a service alike, written "BA" for {B, A}; 0 stands for none, * for ROW_TRACKED.
 */
#ifndef POISE_TESTS_FLOW_CASE_H
#define POISE_TESTS_FLOW_CASE_H

#include "lb/lb_maps.h"

#define FLOW_ROWS     251
#define FLOW_BACKENDS 3
#define FLOW_SERVICES 8
#define FLOW_TARGETS  (1 + FLOW_SERVICES * FLOW_BACKENDS)

/* How long flows are remembered, in ticks: an entry tells by which of these. */
#define FLOW_NEW_TICKS     15
#define FLOW_IDLE_TICKS    220
#define FLOW_CLOSING_TICKS 30

/* A target is told by the last byte: IPv4 goes by ipip to an outer address, IPv6 by l2 to a MAC. */
#define FLOW_OUTER_SOURCE "10.0.0.1"
#define FLOW_OUTER_DEST   "10.0.1.%u"
extern const __u8 flow_own_mac[6], flow_next_hop_mac[6];

/* A flow to one of the services: there is one for each combination. */
struct flow {
	int version;
	__u8 proto;
	bool by_client; /* SERVICE_HASH_SOURCE */
	__u8 client;    /* last byte of its address */
	__u16 source_port;
};

enum flow_act {
	SYN,
	SYN_ACK,
	SYN_FIN,
	ACK,
	FIN, /* with ACK, as RST */
	RST,
	DATAGRAM,
	ICMP_ERROR, /* from a router, about what the backend sent to the client */
};

int flow_case_open(struct lb_maps *lb, __u32 flows);

void flow_set_rows(const struct flow *flow, const char *row);
/* The rows themselves, FLOW_ROWS of them, and the service's flags, for what is not alike. */
struct row *flow_rows(const struct flow *flow);
int flow_set_scheduler(struct lb_maps *lb, const struct flow *flow,
		       enum poise_scheduler scheduler); /* 0 or -errno */
/*
 * Lets all backends of the flow's service serve except those named. A small letter names a backend
 * that has become another service's.
 */
void flow_lose(struct lb_maps *lb, const struct flow *flow, const char *backends);

__u32 flow_service(const struct flow *flow);
unsigned int flow_port(const struct flow *flow);
void flow_client(const struct flow *flow, char *buf, size_t size); /* its address */
__u16 flow_target(const struct flow *flow, char backend);          /* 'A' to 'C' */
__u64 flow_hash(const struct lb_maps *lb, const struct flow *flow);
struct flow_set *flow_set(const struct lb_maps *lb, const struct flow *flow);
__u64 *flow_find(const struct lb_maps *lb, const struct flow *flow); /* its entry or NULL */

/* The packet, and what is to become of it. */
void flow_packet_in(struct pkt *p, const struct flow *flow, enum flow_act act);
void flow_packet_out(struct pkt *p, const struct flow *flow, enum flow_act act, char to);
/* One packet: which backend it went to; 0: none; '?': elsewhere. */
char flow_send(struct lb_maps *lb, const struct flow *flow, enum flow_act act);

/* How much these rose since they were last asked for. */
struct flow_counter flow_counted(struct lb_maps *lb);

#endif
