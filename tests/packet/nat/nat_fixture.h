/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Services by nat and nat_keep over the maps of poise_lb: one for each of the ports below, IPv4 and
 * IPv6, TCP and UDP, with backends A, B and C each. A target is told by the last byte of its
 * address and of its next hop's. All of it is in a network namespace of the test's own, with two
 * more interfaces to come and go by.
 */
#ifndef POISE_TESTS_NAT_FIXTURE_H
#define POISE_TESTS_NAT_FIXTURE_H

#include "lb/lb_maps.h"
#include "poise/nat.h"

/* A service's port says what it is. */
enum nat_service {
	BY_NAT = 80,
	BY_NAT_FAR,     /* out by another interface */
	BY_NAT_NO_WAY,  /* by one that is none of ours */
	BY_NAT_SMALL,   /* by one with a small MTU */
	BY_NAT_SOURCES, /* NAT_SOURCES addresses of ours */
	BY_NAT_CLIENT,  /* SERVICE_HASH_SOURCE */
	BY_NAT_ROBIN,   /* roundrobin */
	BY_NAT_NOBODY,  /* rows are empty */
	BY_KEEP,
	BY_KEEP_SMALL,
	BY_L2, /* on an address of its own */
	BY_END,
	BY_NOTHING = 9999, /* no service */
};

#define NAT_SERVICES ((BY_END - BY_NAT) * 4)
#define NAT_BACKENDS 3
#define NAT_TARGETS  (1 + NAT_SERVICES * NAT_BACKENDS)
#define NAT_ROWS     31
#define NAT_SOURCES                                                                                \
	2 /* of each family; the first is the one of all services but BY_NAT_SOURCES               \
	   */

#define NAT_FLOWS        (1U << 12)
#define NAT_PORT_FIRST   10240
#define NAT_PORT_COUNT   (32768 - NAT_PORT_FIRST)
#define NAT_BACKEND_PORT 8080
#define NAT_MTU          1500
#define NAT_SMALL_MTU    200

/* How long flows are remembered, in ticks: an entry tells by which of these. */
#define NAT_NEW_TICKS     30
#define NAT_REPLIED_TICKS 15
#define NAT_IDLE_TICKS    108000
#define NAT_CLOSING_TICKS 31
#define NAT_RESET_TICKS   3

#define NAT_CLIENT4  "198.51.100.%u"
#define NAT_CLIENT6  "2001:db8:c::%x"
#define NAT_BACKEND4 "10.0.1.%u"
#define NAT_BACKEND6 "fd00:1::%x"
#define NAT_SOURCE4  "10.0.0.%u"
#define NAT_SOURCE6  "fd00::%x"
#define L2_VIP4      "192.0.2.20"
#define L2_VIP6      "2001:db8::20"

#define NAT_TEXT INET6_ADDRSTRLEN

/* Ethernet addresses of the host and, last byte 0, of the next hop to a backend. */
extern const __u8 nat_own_mac[6], nat_next_hop_mac[6];

/* Interfaces beside lo, where frames come from unless said otherwise. */
extern unsigned int nat_inside, nat_outside;

/* Loads and fills; `flows` and ports 0: as above. Prints why not and returns -errno. */
int nat_fixture_open(struct lb_maps *lb, const struct lb_maps_size *size);

__u32 nat_service_number(int version, __u8 proto, unsigned int port);
__u16 nat_target(int version, __u8 proto, unsigned int port, char backend); /* 'A' to 'C' */

/* All rows of the services of a port: "A0", "BA", "B*"; 0 stands for none, * for ROW_TRACKED. */
void nat_set_rows(unsigned int port, const char *row);
void nat_set_row(unsigned int port, unsigned int index, const char *row);
/* Lets all backends of the services of a port serve except those named. */
void nat_lose(struct lb_maps *lb, unsigned int port, const char *backends);

/* Addresses as texts: which family's, and which one. */
const char *nat_vip(int version, unsigned int port);
void nat_client_text(int version, unsigned int client, char *text);
void nat_source_text(int version, unsigned int source, char *text); /* from 0 in each family */
void nat_backend_text(int version, unsigned int target, char *text);
/* Writes an address as maps have it. */
void nat_addr(const char *text, __u8 addr[16]);
/* Returns the index in nat_sources. */
static inline __u16 nat_source_index(int version, unsigned int source)
{
	return (version == 6) * NAT_SOURCES + source;
}

static inline bool nat_keeps(unsigned int port)
{
	return port == BY_KEEP || port == BY_KEEP_SMALL;
}

#endif
