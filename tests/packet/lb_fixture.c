// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "drop.h"
#include "lb_fixture.h"
#include "poise/csum.h"
#include "poise/hash.h"
#include "service_table.h"

#include "lb.skel.h" /* needs the types above */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ELSEWHERE                                                                                  \
	7777 /* a key of tx_ports: its interface is lo, as is the one frames come from             \
	      */
#define NO_WAY   7778
#define MAX_CPUS 1024

const __u64 fixture_seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
const __u8 fixture_next_hop_mac[6] = { 2, 0, 0, 0, 1, 1 };
const __u8 fixture_own_mac[6] = { 2, 0, 0, 0, 1, 2 };

static const struct {
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
	{ PORT_SMALL_L2, MODE_L2, 0 },
	{ PORT_SMALL_IPIP4, MODE_IPIP, 4 },
	{ PORT_SMALL_IPIP6, MODE_IPIP, 6 },
	{ PORT_SMALL_GUE4, MODE_GUE, 4 },
	{ PORT_SMALL_GUE6, MODE_GUE, 6 },
};

static void set_outer_addresses(struct target *target, int inner_version)
{
	__u8 protocol = inner_version == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	__be32 source, dest;

	if (target->outer_version == 6) {
		inet_pton(AF_INET6, OUTER_SOURCE6, target->src);
		inet_pton(AF_INET6, OUTER_DEST6, target->dst);
	} else if (target->outer_version == 4) {
		inet_pton(AF_INET, OUTER_SOURCE4, &source);
		inet_pton(AF_INET, OUTER_DEST4, &dest);
		memcpy(target->src, &source, sizeof(source));
		memcpy(target->dst, &dest, sizeof(dest));
		if (target->mode == MODE_GUE)
			protocol = IPPROTO_UDP;
		target->outer_sum = outer_ipv4_sum(source, dest, protocol);
	}
}

static int add_target(int fd, unsigned int port, __u8 mode, __u8 outer_version, int inner_version)
{
	struct target target = { .mode = mode, .outer_version = outer_version };
	__u32 key = fixture_target(port, inner_version);

	target.mtu = port >= PORT_SMALL_L2 ? FIXTURE_SMALL_MTU : FIXTURE_MTU;
	target.ifindex = port == PORT_REDIRECT ? ELSEWHERE
			 : port == PORT_NO_WAY ? NO_WAY
					       : HARNESS_LOOPBACK;
	memcpy(target.dst_mac, fixture_next_hop_mac, sizeof(target.dst_mac));
	memcpy(target.src_mac, fixture_own_mac, sizeof(target.src_mac));
	target.port = htons(POISE_GUE_PORT);
	set_outer_addresses(&target, inner_version);
	return bpf_map_update_elem(fd, &key, &target, BPF_ANY);
}

static int add_rows(int rows_fd, __u32 number, __u16 target)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	struct row slot[POISE_ROWS_PER_SLOT] = { { .current_target = target },
						 { .current_target = target } };
	__u32 slots = (FIXTURE_ROWS + POISE_ROWS_PER_SLOT - 1) / POISE_ROWS_PER_SLOT, i;
	int fd, err = 0;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "row_table", sizeof(i), sizeof(slot), slots, &opts);
	if (fd < 0)
		return fd;
	for (i = 0; i < slots && !err; i++)
		err = bpf_map_update_elem(fd, &i, slot, BPF_ANY);
	if (!err)
		err = bpf_map_update_elem(rows_fd, &number, &fd, BPF_ANY);
	close(fd);
	return err;
}

static int add_service(struct lb_bpf *skel, struct service_bucket *table, unsigned int port,
		       __u8 proto, int version)
{
	struct service value = { .number =
					 fixture_target(port, version) * 2 + (proto == IPPROTO_UDP),
				 .row_count = FIXTURE_ROWS };
	struct service_key key = { .port = htons(port), .proto = proto };
	int err;

	if (version == 6)
		inet_pton(AF_INET6, VIP6, key.addr);
	else
		inet_pton(AF_INET6, "::ffff:" VIP4, key.addr);
	err = service_table_set(table, &key, &value);
	if (err)
		return err;
	err = add_rows(bpf_map__fd(skel->maps.rows), value.number,
		       port == PORT_EMPTY ? 0 : fixture_target(port, version));
	if (err)
		return err;
	key.port = 0;
	key.proto = 0;
	value = (struct service){ .flags = SERVICE_ADDRESS };
	return service_table_set(table, &key, &value);
}

static int fill(struct lb_bpf *skel)
{
	const size_t bytes = SERVICE_BUCKETS * sizeof(struct service_bucket);
	__u32 key = ELSEWHERE, ifindex = HARNESS_LOOPBACK;
	struct service_bucket *table;
	int err;

	table = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(skel->maps.services), 0);
	if (table == MAP_FAILED)
		return -errno;
	err = bpf_map_update_elem(bpf_map__fd(skel->maps.tx_ports), &key, &ifindex, BPF_ANY);
	for (int version = 4; version <= 6 && !err; version += 2) {
		for (size_t i = 0; i < ARRAY_SIZE(encapsulations) && !err; i++)
			err = add_target(bpf_map__fd(skel->maps.targets), encapsulations[i].port,
					 encapsulations[i].mode, encapsulations[i].outer_version,
					 version);
		for (unsigned int port = PORT_L2; port < PORT_END && !err; port++) {
			err = add_service(skel, table, port, IPPROTO_TCP, version);
			if (!err)
				err = add_service(skel, table, port, IPPROTO_UDP, version);
		}
	}
	munmap(table, bytes);
	return err;
}

static int read_drops(void *ctx, __u64 *out, size_t count)
{
	struct lb_bpf *skel = ctx;
	int cpus = libbpf_num_possible_cpus(), err;
	__u64 values[MAX_CPUS];

	for (__u32 i = 0; i < count; i++) {
		err = bpf_map_lookup_elem(bpf_map__fd(skel->maps.drops), &i, values);
		if (err)
			return err;
		for (int cpu = 0; cpu < cpus; cpu++)
			out[i] += values[cpu];
	}
	return 0;
}

static int read_counters(void *ctx, struct harness_counter *out, size_t count)
{
	struct lb_bpf *skel = ctx;
	int cpus = libbpf_num_possible_cpus(), err;
	struct counter values[MAX_CPUS];

	for (__u32 i = 0; i < count; i++) {
		err = bpf_map_lookup_elem(bpf_map__fd(skel->maps.counters), &i, values);
		if (err)
			return err;
		for (int cpu = 0; cpu < cpus; cpu++) {
			out[i].packets += values[cpu].packets;
			out[i].bytes += values[cpu].bytes;
			out[i].new_flows += values[cpu].new_flows;
		}
	}
	return 0;
}

int lb_fixture_open(struct lb_fixture *fixture)
{
	struct lb_bpf *skel = lb_bpf__open();
	int err;

	if (!skel)
		return -errno;
	if (libbpf_num_possible_cpus() > MAX_CPUS)
		return -E2BIG;
	memset(fixture, 0, sizeof(*fixture));
	flow_hash_key_expand(fixture_seed, &fixture->hash_key);
	memcpy((void *)&skel->rodata->hash_key, &fixture->hash_key, sizeof(fixture->hash_key));
	err = lb_bpf__load(skel);
	if (!err)
		err = fill(skel);
	if (err) {
		fprintf(stderr, "poise_lb: %s\n", strerror(-err));
		lb_bpf__destroy(skel);
		return err;
	}
	fixture->skeleton = skel;
	fixture->harness = (struct harness){
		.program_fd = bpf_program__fd(skel->progs.poise_lb),
		.ctx = skel,
		.drop_count = DROP_MAX,
		.counter_count = fixture_target(PORT_END, 6),
		.read_drops = read_drops,
		.drop_name = drop_name,
		.read_counters = read_counters,
	};
	return 0;
}

void lb_fixture_close(struct lb_fixture *fixture)
{
	lb_bpf__destroy(fixture->skeleton);
}
