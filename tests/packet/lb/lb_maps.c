// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "maps/drop.h"
#include "lb/lb_maps.h"
#include "poise/nat.h"
#include "maps/service_table.h"

#include "gen/lb.skel.h" /* needs the types above */

#define MAX_CPUS 1024

const __u64 fixture_seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

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
			out[i].reply_packets += values[cpu].reply_packets;
			out[i].reply_bytes += values[cpu].reply_bytes;
			out[i].icmp_errors += values[cpu].icmp_errors;
		}
	}
	return 0;
}

int lb_maps_flow_counters(const struct lb_maps *lb, struct flow_counter *out)
{
	int cpus = libbpf_num_possible_cpus(), err;
	struct flow_counter values[MAX_CPUS];
	__u32 zero = 0;

	err = bpf_map_lookup_elem(bpf_map__fd(lb->skeleton->maps.flow_counters), &zero, values);
	memset(out, 0, sizeof(*out));
	for (int cpu = 0; cpu < cpus && !err; cpu++) {
		out->tracked += values[cpu].tracked;
		out->evicted += values[cpu].evicted;
		out->lost += values[cpu].lost;
	}
	return err;
}

int lb_maps_answers(const struct lb_maps *lb, enum answer_kind kind, struct answer_counter *out)
{
	int cpus = libbpf_num_possible_cpus(), err;
	struct answer_counter values[MAX_CPUS];
	__u32 key = kind;

	err = bpf_map_lookup_elem(bpf_map__fd(lb->skeleton->maps.answers), &key, values);
	memset(out, 0, sizeof(*out));
	for (int cpu = 0; cpu < cpus && !err; cpu++) {
		out->sent += values[cpu].sent;
		out->limited += values[cpu].limited;
	}
	return err;
}

int lb_maps_nat_counters(const struct lb_maps *lb, struct nat_counter *out)
{
	int cpus = libbpf_num_possible_cpus(), err;
	struct nat_counter values[MAX_CPUS];
	__u32 zero = 0;

	err = bpf_map_lookup_elem(bpf_map__fd(lb->skeleton->maps.nat_counters), &zero, values);
	memset(out, 0, sizeof(*out));
	for (int cpu = 0; cpu < cpus && !err; cpu++) {
		out->made += values[cpu].made;
		out->evicted += values[cpu].evicted;
		out->broken += values[cpu].broken;
		out->reused += values[cpu].reused;
	}
	return err;
}

void lb_maps_nat_unscarce(const struct lb_maps *lb)
{
	const struct bpf_map *map = lb->skeleton->maps.nat_scarce;
	const __u64 none[MAX_CPUS] = { 0 };

	for (__u32 i = 0; i < bpf_map__max_entries(map); i++)
		bpf_map_update_elem(bpf_map__fd(map), &i, none, BPF_ANY);
}

void lb_maps_forget_datagrams(const struct lb_maps *lb)
{
	const struct frag_set empty = { 0 };

	for (__u32 i = 0; i < FRAG_SETS; i++)
		bpf_map_update_elem(bpf_map__fd(lb->skeleton->maps.fragments), &i, &empty, BPF_ANY);
}

static __u32 ticks(const struct lb_maps *lb)
{
	__u8 frame[ETH_HLEN] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));
	int err = bpf_prog_test_run_opts(bpf_program__fd(lb->skeleton->progs.poise_jiffies), &opts);

	if (err)
		fprintf(stderr, "poise_jiffies: %s\n", strerror(-err));
	return opts.retval >> lb->skeleton->rodata->flow_tick_shift;
}

__u32 lb_maps_now(const struct lb_maps *lb)
{
	return ticks(lb) & FLOW_TICK_MASK;
}

__u32 lb_maps_nat_now(const struct lb_maps *lb)
{
	return ticks(lb) & NAT_TICK_MASK;
}

void lb_maps_suspect(struct lb_maps *lb, const __u8 addr[16])
{
	static const __u8 mapped[12] = { [10] = 0xff, [11] = 0xff };
	__be32 words[4];
	__u64 hash;

	memcpy(words, addr, sizeof(words));
	hash = memcmp(addr, mapped, sizeof(mapped)) ? flow_hash_source6(&lb->hash_key, words)
						    : flow_hash_source4(&lb->hash_key, words[3]);
	lb->guard->suspects[guard_suspect(hash)] = 1;
}

int lb_maps_service(struct lb_maps *lb, int version, unsigned int port, __u8 proto,
		    const struct service *service)
{
	const struct service address = { .flags = SERVICE_ADDRESS };
	struct service_key key = { .port = htons(port), .proto = proto };
	int err;

	inet_pton(AF_INET6, version == 6 ? VIP6 : "::ffff:" VIP4, key.addr);
	err = service_table_set(lb->services, &key, service);
	if (err)
		return err;
	key.port = 0;
	key.proto = 0;
	lb_maps_suspect(lb, key.addr);
	return service_table_set(lb->services, &key, &address);
}

int lb_maps_name(struct lb_maps *lb, __u32 number, enum poise_mode mode)
{
	const struct service_name name = { .name = "web", .mode = mode };

	return bpf_map_update_elem(bpf_map__fd(lb->skeleton->maps.service_names), &number, &name,
				   BPF_ANY);
}

int lb_maps_own(struct lb_maps *lb, const char *address)
{
	const __u8 there = 1;
	__u8 addr[16] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET, address, addr + 12) != 1 && inet_pton(AF_INET6, address, addr) != 1)
		return -EINVAL;
	lb_maps_suspect(lb, addr);
	return bpf_map_update_elem(bpf_map__fd(lb->skeleton->maps.own_addresses), addr, &there,
				   BPF_ANY);
}

static void *map_memory(int fd, size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

struct row *lb_maps_rows(struct lb_maps *lb, __u32 service, __u32 row_count)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	const __u32 slots = (row_count + POISE_ROWS_PER_SLOT - 1) / POISE_ROWS_PER_SLOT;
	const size_t slot_bytes = sizeof(struct row[POISE_ROWS_PER_SLOT]);
	struct row *rows = NULL;
	int fd;

	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "row_table", sizeof(__u32), slot_bytes, slots,
			    &opts);
	if (fd < 0)
		return NULL;
	if (!bpf_map_update_elem(bpf_map__fd(lb->skeleton->maps.rows), &service, &fd, BPF_ANY))
		rows = map_memory(fd, slots * slot_bytes);
	close(fd);
	return rows;
}

int lb_maps_tx_port(struct lb_maps *lb, __u32 key, __u32 ifindex)
{
	return bpf_map_update_elem(bpf_map__fd(lb->skeleton->maps.tx_ports), &key, &ifindex,
				   BPF_ANY);
}

static int map_all(struct lb_maps *lb)
{
	struct lb_bpf *skel = lb->skeleton;

	lb->services = map_memory(bpf_map__fd(skel->maps.services),
				  SERVICE_BUCKETS * sizeof(*lb->services));
	lb->targets = map_memory(bpf_map__fd(skel->maps.targets),
				 POISE_DEFAULT_BACKENDS * sizeof(*lb->targets));
	lb->loads = map_memory(bpf_map__fd(skel->maps.loads),
			       POISE_DEFAULT_BACKENDS * sizeof(*lb->loads));
	lb->flows = map_memory(bpf_map__fd(skel->maps.flows), lb->flow_sets * sizeof(*lb->flows));
	lb->switches = map_memory(bpf_map__fd(skel->maps.switches), sizeof(*lb->switches));
	lb->guard = &skel->data_guard->guard;
	if (!lb->services || !lb->targets || !lb->loads || !lb->flows || !lb->switches)
		return -errno;
	return 0;
}

/* The table itself, which is also what tells the program its size. */
static int make_nat_table(struct lb_maps *lb, const struct lb_maps_size *size)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);
	struct lb_bpf *skel = lb->skeleton;

	lb->nat_sets = size->nat_flows * 2 / NAT_PER_SET;
	skel->rodata->nat_set_mask = lb->nat_sets - 1;
	skel->rodata->nat_port_first = size->nat_port_first;
	skel->rodata->nat_port_count = size->nat_port_count;
	lb->nat_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "nat_sets", sizeof(__u32),
				    sizeof(struct nat_set), lb->nat_sets, &opts);
	if (lb->nat_fd < 0)
		return -errno;
	lb->nat = map_memory(lb->nat_fd, lb->nat_sets * sizeof(*lb->nat));
	if (!lb->nat)
		return -errno;
	return bpf_map__set_inner_map_fd(skel->maps.nat_table, lb->nat_fd);
}

static int set_nat_table(struct lb_maps *lb)
{
	const __u32 zero = 0;

	return bpf_map_update_elem(bpf_map__fd(lb->skeleton->maps.nat_table), &zero, &lb->nat_fd,
				   BPF_ANY);
}

int lb_maps_open(struct lb_maps *lb, const struct lb_maps_size *size)
{
	struct lb_bpf *skel = lb_bpf__open();
	int err;

	if (!skel)
		return -errno;
	if (libbpf_num_possible_cpus() > MAX_CPUS)
		return -E2BIG;
	*lb = (struct lb_maps){ .skeleton = skel,
				.flow_sets = size->flows / FLOWS_PER_SET,
				.nat_fd = -1 };
	flow_hash_key_expand(fixture_seed, &lb->hash_key);
	memcpy((void *)&skel->rodata->hash_key, &lb->hash_key, sizeof(lb->hash_key));
	skel->rodata->flow_set_mask = lb->flow_sets - 1;
	skel->rodata->answer_source_ns = size->answer_source_ns;
	skel->rodata->answer_all_ns = size->answer_all_ns;
	if (size->tick_shift)
		skel->rodata->flow_tick_shift = size->tick_shift;
	err = bpf_map__set_max_entries(skel->maps.flows, lb->flow_sets);
	if (!err && size->nat_flows)
		err = make_nat_table(lb, size);
	if (!err)
		err = lb_bpf__load(skel);
	if (!err)
		err = map_all(lb);
	if (!err && size->nat_flows)
		err = set_nat_table(lb);
	if (err) {
		fprintf(stderr, "poise_lb: %s\n", strerror(-err));
		lb_maps_close(lb);
		return err;
	}
	lb->harness = (struct harness){
		.program_fd = bpf_program__fd(skel->progs.poise_lb),
		.ctx = skel,
		.drop_count = DROP_MAX,
		.counter_count = size->counters,
		.read_drops = read_drops,
		.drop_name = drop_name,
		.read_counters = read_counters,
	};
	return 0;
}

static void unmap(void *memory, size_t bytes)
{
	if (memory)
		munmap(memory, bytes);
}

void lb_maps_close(struct lb_maps *lb)
{
	unmap(lb->services, SERVICE_BUCKETS * sizeof(*lb->services));
	unmap(lb->targets, POISE_DEFAULT_BACKENDS * sizeof(*lb->targets));
	unmap(lb->loads, POISE_DEFAULT_BACKENDS * sizeof(*lb->loads));
	unmap(lb->flows, lb->flow_sets * sizeof(*lb->flows));
	unmap(lb->switches, sizeof(*lb->switches));
	unmap(lb->nat, lb->nat_sets * sizeof(*lb->nat));
	if (lb->nat_fd >= 0)
		close(lb->nat_fd);
	lb_bpf__destroy(lb->skeleton);
}
