/* SPDX-License-Identifier: BSD-2-Clause */
/* One service for each case over the maps of poise_lb. */
#ifndef POISE_TESTS_LB_FIXTURE_H
#define POISE_TESTS_LB_FIXTURE_H

#include "lb/lb_maps.h"

#define CLIENT4        "198.51.100.7"
#define CLIENT6        "2001:db8:c::7"
#define OUTER_SOURCE4  "10.0.0.1"
#define OUTER_SOURCE6  "fd00::1"
#define SPREAD_SOURCE4 "10.9.16.0"
#define SPREAD_BITS4   12
#define SPREAD_SOURCE6 "fd00:9::"
#define SPREAD_BITS6   32
#define OUTER_DEST4    "10.0.0.11"
#define OUTER_DEST6    "fd00::11"

#define FIXTURE_ROWS      251
#define FIXTURE_FLOWS     (1U << 18) /* so many that no fuzzed flow has to make room */
#define FIXTURE_MTU       1500
#define FIXTURE_SMALL_MTU 200

/*
 * A service's port says what its one backend is; each on both VIPs, of TCP, UDP and SCTP. Those
 * that move have FIXTURE_BACKENDS, by l2, and rows that tests set.
 */
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
	PORT_MOVES,
	PORT_MOVES_TOO,
	PORT_SOURCE,   /* moves, flows are clients */
	PORT_SPREAD4,  /* ipip over IPv4, sources from SPREAD_SOURCE4/20 */
	PORT_SPREAD6,  /* ipip over IPv6, sources from SPREAD_SOURCE6/64, of which 32 bits vary */
	PORT_SMALL_L2, /* way out with FIXTURE_SMALL_MTU */
	PORT_SMALL_IPIP4,
	PORT_SMALL_IPIP6,
	PORT_SMALL_GUE4,
	PORT_SMALL_GUE6,
	PORT_END,
	PORT_UNKNOWN = 9999, /* no service */
};

#define FIXTURE_BACKENDS  3
#define FIXTURE_PROTOCOLS 3
#define FIXTURE_VARIANTS  (2 * FIXTURE_PROTOCOLS) /* of a port: both families */
#define FIXTURE_SERVICES  ((PORT_END - PORT_L2) * FIXTURE_VARIANTS)
#define FIXTURE_TARGETS                                                                            \
	(1 + FIXTURE_SERVICES +                                                                    \
	 (PORT_SOURCE - PORT_MOVES + 1) * FIXTURE_VARIANTS * (FIXTURE_BACKENDS - 1))

extern const __u8 fixture_next_hop_mac[6], fixture_own_mac[6]; /* l2: plus backend in byte 5 */

/* Loads and fills; prints why not and returns -errno when it cannot. */
int lb_fixture_open(struct lb_maps *fixture);
/* The same, where tokens for answers take so long to come back. */
int lb_fixture_open_limited(struct lb_maps *fixture, __u64 token_ns);
/* The same, where time stands still for all that expires after ticks. */
int lb_fixture_open_still(struct lb_maps *fixture);

/*
 * Sets the row of the services of a port that moves: backends are numbered from 0; FIXTURE_NOBODY,
 * FIXTURE_TRACKED.
 */
#define FIXTURE_NOBODY  (-1)
#define FIXTURE_TRACKED (-2)
void lb_fixture_row(unsigned int port, int current, int previous);
void lb_fixture_serves(struct lb_maps *fixture, unsigned int port, int backend, bool serves);

static inline bool fixture_moves(unsigned int port)
{
	return port >= PORT_MOVES && port <= PORT_SOURCE;
}

/* The number of the service, and of its target, at a port of VIP4 (version 4) or VIP6 (6). */
static inline unsigned int fixture_target(unsigned int port, int version, __u8 proto)
{
	unsigned int place = proto == IPPROTO_TCP ? 0 : proto == IPPROTO_UDP ? 1 : 2;

	return 1 + (port - PORT_L2) * FIXTURE_VARIANTS + (version == 6) * FIXTURE_PROTOCOLS + place;
}

/* The same of one of the backends of a service that moves. */
static inline unsigned int fixture_backend(unsigned int port, int version, __u8 proto, int backend)
{
	unsigned int first = fixture_target(port, version, proto);

	if (!backend)
		return first;
	return 1 + FIXTURE_SERVICES +
	       (first - fixture_target(PORT_MOVES, 4, IPPROTO_TCP)) * (FIXTURE_BACKENDS - 1) +
	       backend - 1;
}

#endif
