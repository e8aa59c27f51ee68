// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "lb/lb_fixture.h"
#include "poise/csum.h"

#define ELSEWHERE                                                                                  \
	7777 /* a key of tx_ports: its interface is lo, as is the one frames come from             \
	      */
#define NO_WAY 7778
#define TICKS  8000 /* no flow expires during a test */

const __u8 fixture_next_hop_mac[6] = { 2, 0, 0, 0, 1, 1 };
const __u8 fixture_own_mac[6] = { 2, 0, 0, 0, 1, 2 };

static struct row *service_rows[1 + FIXTURE_SERVICES];

static const struct encapsulation {
	unsigned int port;
	__u8 mode, outer_version;
} encapsulations[] = {
	{ PORT_L2, MODE_L2, 0 },
	{ PORT_IPIP4, MODE_IPIP, 4 },
	{ PORT_IPIP6, MODE_IPIP, 6 },
	{ PORT_GUE4, MODE_GUE, 4 },
	{ PORT_GUE6, MODE_GUE, 6 },
	{ PORT_REDIRECT, MODE_L2, 0 },
	{ PORT_NO_WAY, MODE_L2, 0 },
	{ PORT_MOVES, MODE_L2, 0 },
	{ PORT_MOVES_TOO, MODE_L2, 0 },
	{ PORT_SOURCE, MODE_L2, 0 },
	{ PORT_SMALL_L2, MODE_L2, 0 },
	{ PORT_SMALL_IPIP4, MODE_IPIP, 4 },
	{ PORT_SMALL_IPIP6, MODE_IPIP, 6 },
	{ PORT_SMALL_GUE4, MODE_GUE, 4 },
	{ PORT_SMALL_GUE6, MODE_GUE, 6 },
	{ PORT_SPREAD4, MODE_IPIP, 4 },
	{ PORT_SPREAD6, MODE_IPIP, 6 },
};

static void set_outer_addresses(struct target *target, int inner_version, bool spread)
{
	__u8 protocol = inner_version == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	__be32 source, dest;

	if (target->outer_version == 6) {
		inet_pton(AF_INET6, spread ? SPREAD_SOURCE6 : OUTER_SOURCE6, target->src);
		inet_pton(AF_INET6, OUTER_DEST6, target->dst);
	} else if (target->outer_version == 4) {
		inet_pton(AF_INET, spread ? SPREAD_SOURCE4 : OUTER_SOURCE4, &source);
		inet_pton(AF_INET, OUTER_DEST4, &dest);
		memcpy(target->src, &source, sizeof(source));
		memcpy(target->dst, &dest, sizeof(dest));
		if (target->mode == MODE_GUE)
			protocol = IPPROTO_UDP;
		target->outer_sum = outer_ipv4_sum(source, dest, protocol);
	}
}

static void add_target(struct lb_maps *lb, const struct encapsulation *by, int version, __u8 proto,
		       int backend)
{
	bool spread = by->port == PORT_SPREAD4 || by->port == PORT_SPREAD6;
	struct target target = {
		.mode = by->mode,
		.outer_version = by->outer_version,
		.mtu = by->port >= PORT_SMALL_L2 ? FIXTURE_SMALL_MTU : FIXTURE_MTU,
		.ifindex = by->port == PORT_REDIRECT ? ELSEWHERE
			   : by->port == PORT_NO_WAY ? NO_WAY
						     : HARNESS_LOOPBACK,
		.port = by->mode == MODE_GUE ? htons(POISE_GUE_PORT) : 0,
		.owner = fixture_target(by->port, version, proto) | TARGET_SERVES,
		.new_ticks = TICKS,
		.idle_ticks = TICKS,
		.closing_ticks = TICKS,
	};

	memcpy(target.dst_mac, fixture_next_hop_mac, sizeof(target.dst_mac));
	target.dst_mac[5] += backend;
	memcpy(target.src_mac, fixture_own_mac, sizeof(target.src_mac));
	set_outer_addresses(&target, version, spread);
	if (spread)
		target.spread_bits = by->outer_version == 4 ? SPREAD_BITS4 : SPREAD_BITS6;
	lb->targets[fixture_backend(by->port, version, proto, backend)] = target;
}

static enum poise_mode mode_at(unsigned int port)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(encapsulations) && encapsulations[i].port != port)
		i++;
	return i < ARRAY_SIZE(encapsulations) ? encapsulations[i].mode : MODE_NONE;
}

static int add_service(struct lb_maps *lb, unsigned int port, int version, __u8 proto)
{
	struct service service = {
		.number = fixture_target(port, version, proto),
		.row_count = FIXTURE_ROWS,
		.flags = port == PORT_SOURCE ? SERVICE_HASH_SOURCE : 0,
	};
	struct row *rows = lb_maps_rows(lb, service.number, FIXTURE_ROWS);
	int err;

	if (!rows)
		return -errno;
	service_rows[service.number] = rows;
	for (size_t i = 0; i < FIXTURE_ROWS && port != PORT_EMPTY; i++)
		rows[i].current_target = service.number;
	err = lb_maps_name(lb, service.number, mode_at(port));
	return err ? err : lb_maps_service(lb, version, port, proto, &service);
}

/* Both address families and all protocols of a port, from 0. */
static int version_of(int variant)
{
	return variant / FIXTURE_PROTOCOLS ? 6 : 4;
}

static __u8 proto_of(int variant)
{
	static const __u8 protos[FIXTURE_PROTOCOLS] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

	return protos[variant % FIXTURE_PROTOCOLS];
}

static int fill(struct lb_maps *lb)
{
	int err = lb_maps_tx_port(lb, ELSEWHERE, HARNESS_LOOPBACK);

	for (int i = 0; i < FIXTURE_VARIANTS && !err; i++) {
		for (size_t k = 0; k < ARRAY_SIZE(encapsulations); k++) {
			const struct encapsulation *by = &encapsulations[k];
			int backends = fixture_moves(by->port) ? FIXTURE_BACKENDS : 1;

			for (int backend = 0; backend < backends; backend++)
				add_target(lb, by, version_of(i), proto_of(i), backend);
		}
		for (unsigned int port = PORT_L2; port < PORT_END && !err; port++)
			err = add_service(lb, port, version_of(i), proto_of(i));
	}
	return err;
}

static __u16 row_half(unsigned int port, int variant, int backend)
{
	if (backend == FIXTURE_TRACKED)
		return ROW_TRACKED;
	if (backend == FIXTURE_NOBODY)
		return 0;
	return fixture_backend(port, version_of(variant), proto_of(variant), backend);
}

void lb_fixture_row(unsigned int port, int current, int previous)
{
	for (int i = 0; i < FIXTURE_VARIANTS; i++) {
		struct row row = { row_half(port, i, current), row_half(port, i, previous) };
		struct row *rows = service_rows[fixture_target(port, version_of(i), proto_of(i))];

		for (size_t k = 0; k < FIXTURE_ROWS; k++)
			rows[k] = row;
	}
}

void lb_fixture_serves(struct lb_maps *fixture, unsigned int port, int backend, bool serves)
{
	for (int i = 0; i < FIXTURE_VARIANTS; i++) {
		int version = version_of(i);
		__u8 proto = proto_of(i);

		fixture->targets[fixture_backend(port, version, proto, backend)].owner =
			fixture_target(port, version, proto) | (serves ? TARGET_SERVES : 0);
	}
}

static int open_sized(struct lb_maps *fixture, const struct lb_maps_size *size)
{
	int err = lb_maps_open(fixture, size);

	if (err)
		return err;
	err = fill(fixture);
	if (err) {
		fprintf(stderr, "maps of poise_lb: %s\n", strerror(-err));
		lb_maps_close(fixture);
	}
	return err;
}

int lb_fixture_open_limited(struct lb_maps *fixture, __u64 token_ns)
{
	return open_sized(fixture, &(struct lb_maps_size){ .flows = FIXTURE_FLOWS,
							   .counters = FIXTURE_TARGETS,
							   .answer_source_ns = token_ns,
							   .answer_all_ns = token_ns });
}

int lb_fixture_open_still(struct lb_maps *fixture)
{
	return open_sized(fixture, &(struct lb_maps_size){ .flows = FIXTURE_FLOWS,
							   .counters = FIXTURE_TARGETS,
							   .tick_shift = 31 });
}

int lb_fixture_open(struct lb_maps *fixture)
{
	return lb_fixture_open_limited(fixture, 0);
}
