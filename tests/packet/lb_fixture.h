/* SPDX-License-Identifier: BSD-2-Clause */
/* poise_lb loaded over maps of its own, nothing pinned, with one service for each case. */
#ifndef POISE_TESTS_LB_FIXTURE_H
#define POISE_TESTS_LB_FIXTURE_H

#include "harness.h"
#include "poise/abi.h"
#include "poise/hash.h"

#define VIP4          "192.0.2.10"
#define VIP6          "2001:db8::10"
#define CLIENT4       "198.51.100.7"
#define CLIENT6       "2001:db8:c::7"
#define OUTER_SOURCE4 "10.0.0.1"
#define OUTER_SOURCE6 "fd00::1"
#define OUTER_DEST4   "10.0.0.11"
#define OUTER_DEST6   "fd00::11"

#define FIXTURE_ROWS      251
#define FIXTURE_MTU       1500
#define FIXTURE_SMALL_MTU 200

/* A service's port says what its one backend is; each on both VIPs, TCP and UDP. */
enum fixture_port {
	PORT_L2 = 80,
	PORT_IPIP4, /* outer IPv4 */
	PORT_IPIP6, /* outer IPv6 */
	PORT_GUE4,
	PORT_GUE6,
	PORT_REDIRECT,  /* l2, by another interface */
	PORT_NO_WAY,    /* l2, by an interface that is none of ours */
	PORT_EMPTY,     /* rows without a backend */
	PORT_NO_TARGET, /* rows that name a target not in use */
	PORT_SMALL_L2,  /* way out with FIXTURE_SMALL_MTU */
	PORT_SMALL_IPIP4,
	PORT_SMALL_IPIP6,
	PORT_SMALL_GUE4,
	PORT_SMALL_GUE6,
	PORT_END,
	PORT_UNKNOWN = 9999, /* no service */
};

extern const __u64 fixture_seed[2];
extern const __u8 fixture_next_hop_mac[6], fixture_own_mac[6];

struct lb_fixture {
	struct lb_bpf *skeleton;
	struct flow_hash_key hash_key; /* of fixture_seed */
	struct harness harness;        /* counter i is target i */
};

/* Loads and fills; prints why not and returns -errno when it cannot. */
int lb_fixture_open(struct lb_fixture *fixture);
void lb_fixture_close(struct lb_fixture *fixture);

/* The number of the target behind a port of VIP4 (version 4) or VIP6 (6). */
static inline unsigned int fixture_target(unsigned int port, int version)
{
	return port - PORT_L2 + 1 + (version == 6 ? PORT_END - PORT_L2 : 0);
}

#endif
