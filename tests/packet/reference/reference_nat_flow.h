/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second description of what the NAT table must hold. It knows flows by their addresses and
 * ports, without hash, sets or time. Both agree as long as no flow has to make room and no time
 * passes. It does not foretell a flow's port on our side but takes it from the flow's first packet
 * that comes out.
 */
#ifndef POISE_TESTS_REFERENCE_NAT_FLOW_H
#define POISE_TESTS_REFERENCE_NAT_FLOW_H

#include "nat/nat_fixture.h"

/* Addresses are as in packets, IPv4's in the first four bytes. */
struct reference_nat_key {
	__u8 version; /* 0: none */
	__u8 proto;
	__u16 client_port;
	unsigned int service; /* its port */
	__u8 client[16];
};

struct reference_nat_flow {
	struct reference_nat_key key;
	unsigned int source; /* of the family's */
	__u8 hop[12];        /* towards the client */
	__u16 nat_port;      /* 0: not seen yet */
	char backend;
	bool reset, client_fin, backend_fin, syn_again;
	bool replied, assured; /* the backend answered; the client went on then */
};

/* The flow, or where it would be. */
struct reference_nat_flow *reference_nat_find(const struct reference_nat_key *key);
/* Finds a flow by what a backend answers. Returns NULL if there is none. */
struct reference_nat_flow *reference_nat_find_reply(int version, __u8 proto, const __u8 *backend,
						    __u16 backend_port, unsigned int source,
						    __u16 nat_port);
/* The flow has a port: from now on it is found by that. False: another flow has it. */
bool reference_nat_set_port(struct reference_nat_flow *flow, unsigned int source, __u16 nat_port);

/* The rows of a service's port, and whether its backends serve. */
void reference_nat_row(unsigned int service, char backend); /* '0': none */
void reference_nat_lose(unsigned int service, char backend, bool lost);
char reference_nat_current(unsigned int service);
bool reference_nat_serves(unsigned int service, char backend);

/* Address of a backend, source or VIP, as in packets. */
void reference_nat_backend(const struct reference_nat_key *key, char backend, __u8 *addr);
void reference_nat_source(int version, unsigned int source, __u8 *addr);
void reference_nat_vip(int version, unsigned int service, __u8 *addr);

#endif
