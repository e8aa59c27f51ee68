// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rows/maglev.h"
#include "maps/maps.h"
#include "poise/csum.h"
#include "poise/guard.h"
#include "poise/hash.h"
#include "maps/service_table.h"
#include "bench/keep.h"
#include "bench/subject.h"

#include "gen/lb.skel.h" /* needs the types above */

#define LOOPBACK   1 /* interface that BPF_PROG_TEST_RUN lets packets come in by */
#define MTU        1500
#define FIRST_PORT 80
#define PLACES     (2 * (MODE_NAT_KEEP - MODE_L2 + 1) * ROWS_KINDS) /* address, port */
#define SERVICES   (2 * PLACES)                                     /* TCP, UDP */
#define TICKS      100                               /* no entry expires while it is measured */
#define REPLIES    (SERVICES * SUBJECT_BACKENDS + 1) /* first of their targets; 0 is not used */
#define TARGETS    (REPLIES + 2 * NAT_REPLY_TARGETS)
#define VIP4       "192.0.2.10"
#define VIP6       "2001:db8::10"

static __u32 place_number(enum poise_mode mode, int family, enum subject_rows rows)
{
	return (2 * (mode - MODE_L2) + (family == 6)) * ROWS_KINDS + rows;
}

static __u32 service_number(enum poise_mode mode, int family, enum subject_rows rows, __u8 proto)
{
	return 2 * place_number(mode, family, rows) + (proto == IPPROTO_UDP);
}

void subject_service(enum poise_mode mode, int family, enum subject_rows rows, struct addr *addr,
		     __u16 *port)
{
	addr_parse(family == 4 ? VIP4 : VIP6, addr);
	*port = FIRST_PORT + place_number(mode, family, rows);
}

struct target subject_target(enum poise_mode mode, int family, unsigned int backend)
{
	struct target target = { .mode = mode,
				 .mtu = MTU,
				 .ifindex = LOOPBACK,
				 .dst_mac = { 2, 0, 0, 0, 2, backend },
				 .src_mac = { 2, 0, 0, 0, 1, 2 } };
	const __u8 source4[4] = { 10, 0, 0, 1 }, dest4[4] = { 10, 0, 1, backend };
	__be32 source, dest;

	if (mode == MODE_L2)
		return target;
	target.outer_version = family;
	if (mode == MODE_GUE)
		target.port = htons(POISE_GUE_PORT);
	if (mode == MODE_NAT_KEEP)
		target.port = htons(NAT_PORT);
	if (mode == MODE_NAT)
		nat_target(&target, family);
	if (family == 6) {
		if (mode != MODE_NAT)
			inet_pton(AF_INET6, "fd00::1", target.src);
		inet_pton(AF_INET6, "fd00::100", target.dst);
		target.dst[15] = backend;
		return target;
	}
	if (mode != MODE_NAT)
		memcpy(target.src, source4, sizeof(source4));
	memcpy(target.dst, dest4, sizeof(dest4));
	memcpy(&source, source4, sizeof(source));
	memcpy(&dest, dest4, sizeof(dest));
	target.outer_sum =
		outer_ipv4_sum(source, dest, mode == MODE_GUE ? IPPROTO_UDP : IPPROTO_IPIP);
	return target;
}

struct measured_service {
	enum poise_mode mode;
	int family;
	enum subject_rows rows;
	__u8 proto;
};

/* A row of a target; moving: its older flows are the next target's. */
static struct row row_of(__u16 target, __u16 first, enum subject_rows rows)
{
	struct row row = { .current_target = target };

	if (rows == ROWS_MOVING)
		row.previous_target = first + (target - first + 1) % SUBJECT_BACKENDS;
	return row;
}

/* An inner map with the rows of targets first .. first + 99. Its descriptor or -errno. */
static int make_rows(__u16 first, enum subject_rows rows, __u32 row_count)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	struct maglev_backend backends[SUBJECT_BACKENDS];
	static __u16 owners[POISE_DEFAULT_ROWS + POISE_ROWS_PER_SLOT];
	struct row slot[POISE_ROWS_PER_SLOT];
	int fd, err;

	for (__u16 i = 0; i < SUBJECT_BACKENDS; i++)
		backends[i] = (struct maglev_backend){ .id = first + i,
						       .weight = 1,
						       .target = first + i };
	err = maglev_build(backends, SUBJECT_BACKENDS, row_count, owners);
	if (err)
		return err;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "bench_rows", sizeof(__u32), sizeof(slot),
			    rows_slots(row_count), &opts);
	for (__u32 i = 0; fd >= 0 && i < rows_slots(row_count); i++) {
		for (__u32 j = 0; j < POISE_ROWS_PER_SLOT; j++)
			slot[j] = row_of(owners[i * POISE_ROWS_PER_SLOT + j], first, rows);
		err = bpf_map_update_elem(fd, &i, slot, BPF_ANY);
		if (err) {
			close(fd);
			return err;
		}
	}
	return fd;
}

static __u16 service_flags(enum poise_mode mode)
{
	return mode == MODE_NAT ? SERVICE_NAT : mode == MODE_NAT_KEEP ? SERVICE_NAT_KEEP : 0;
}

static int add_service(const struct lb_bpf *skel, struct service_bucket *table,
		       const struct measured_service *of, __u32 row_count)
{
	__u32 number = service_number(of->mode, of->family, of->rows, of->proto);
	struct service service = { .number = number,
				   .row_count = row_count,
				   .flags = service_flags(of->mode) };
	struct service_key key = { .proto = of->proto };
	__u32 first = 1 + number * SUBJECT_BACKENDS;
	struct service_name name = { .row_count = row_count };
	struct addr addr;
	__u16 port;
	int rows_fd, err = 0;

	for (__u32 i = 0; i < SUBJECT_BACKENDS && !err; i++) {
		struct target target = subject_target(of->mode, of->family, i);
		__u32 target_number = first + i;

		target.owner = number | TARGET_SERVES;
		target.new_ticks = target.idle_ticks = target.closing_ticks = TICKS;
		err = bpf_map_update_elem(bpf_map__fd(skel->maps.targets), &target_number, &target,
					  BPF_ANY);
	}
	if (err)
		return err;
	rows_fd = make_rows(first, of->rows, row_count);
	if (rows_fd < 0)
		return rows_fd;
	err = bpf_map_update_elem(bpf_map__fd(skel->maps.rows), &number, &rows_fd, BPF_ANY);
	close(rows_fd);
	if (err)
		return err;
	subject_service(of->mode, of->family, of->rows, &addr, &port);
	memcpy(key.addr, addr.b, sizeof(key.addr));
	key.port = htons(port);
	memcpy(name.name, "bench", sizeof("bench"));
	name.key = key;
	err = bpf_map_update_elem(bpf_map__fd(skel->maps.service_names), &number, &name, BPF_ANY);
	return err ? err : service_table_set(table, &key, &service);
}

static int add_services(const struct lb_bpf *skel, struct service_bucket *table, __u32 row_count)
{
	int err = 0;

	for (__u32 number = 0; number < SERVICES && !err; number++) {
		__u32 place = number / 2;
		struct measured_service of = { .proto = number % 2 ? IPPROTO_UDP : IPPROTO_TCP,
					       .rows = place % ROWS_KINDS,
					       .family = place / ROWS_KINDS % 2 ? 6 : 4,
					       .mode = MODE_L2 + place / ROWS_KINDS / 2 };

		err = add_service(skel, table, &of, row_count);
	}
	return err;
}

/* Backends of mode nat with `source: keep` that answer: where the harness's replies are from. */
static int add_kept(const struct lb_bpf *skel, struct service_bucket *table)
{
	int err = 0;

	for (int family = 4; family <= 6 && !err; family += 2) {
		__u32 number = service_number(MODE_NAT_KEEP, family, ROWS_STABLE, IPPROTO_TCP);

		err = keep_reply(skel, table, family, number, 1 + number * SUBJECT_BACKENDS);
	}
	return err;
}

static int fill(const struct lb_bpf *skel, struct subject *subject)
{
	const size_t bytes = SERVICE_BUCKETS * sizeof(struct service_bucket);
	struct service_bucket *table;
	int err;

	table = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(skel->maps.services), 0);
	if (table == MAP_FAILED)
		return -errno;
	err = add_services(skel, table, subject->size.rows);
	if (!err)
		err = add_kept(skel, table);
	if (!err)
		err = nat_make(skel, table, &subject->nat);
	munmap(table, bytes);
	return err ? err : nat_reply_targets(skel, REPLIES);
}

static size_t flows_bytes(const struct subject *subject)
{
	return subject->size.flows * sizeof(__u64);
}

static int map_flows(const struct lb_bpf *skel, struct subject *subject)
{
	void *flows = mmap(NULL, flows_bytes(subject), PROT_READ | PROT_WRITE, MAP_SHARED,
			   bpf_map__fd(skel->maps.flows), 0);

	if (flows == MAP_FAILED)
		return -errno;
	subject->flows = flows;
	return 0;
}

int subject_open(struct subject *subject, const struct subject_size *size)
{
	const __u64 seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 }; /* the same every time */
	struct lb_bpf *skel = lb_bpf__open();
	struct flow_hash_key hash_key;
	int err;

	*subject = (struct subject){ .size = *size, .program_fd = -1 };
	if (!skel) {
		err = -errno;
		goto out;
	}
	flow_hash_key_expand(seed, &hash_key);
	memcpy((void *)&skel->rodata->hash_key, &hash_key, sizeof(hash_key));
	skel->rodata->flow_set_mask = size->flows / FLOWS_PER_SET - 1;
	err = bpf_map__set_max_entries(skel->maps.flows, size->flows / FLOWS_PER_SET);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.targets, TARGETS);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.counters, TARGETS);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.nat_scarce, TARGETS);
	if (!err)
		err = nat_open(skel, size->nat_flows, &subject->nat);
	if (!err)
		err = lb_bpf__load(skel);
	if (!err)
		err = fill(skel, subject);
	if (!err)
		err = map_flows(skel, subject);
out:
	if (err) {
		fprintf(stderr, "poise-bench: poise_lb: %s\n", strerror(-err));
		lb_bpf__destroy(skel);
		return err;
	}
	subject->skeleton = skel;
	subject->program_fd = bpf_program__fd(skel->progs.poise_lb);
	return 0;
}

void subject_close(struct subject *subject)
{
	munmap(subject->flows, flows_bytes(subject));
	nat_close(&subject->nat);
	lb_bpf__destroy(subject->skeleton);
	*subject = (struct subject){ .program_fd = -1 };
}

int subject_forwarded(const struct subject *subject, __u64 *packets)
{
	struct maps maps = { .counters = bpf_map__fd(subject->skeleton->maps.counters) };
	struct counter counters[TARGETS];
	int err = counters_read(&maps, counters, TARGETS);

	*packets = 0;
	for (int i = 0; i < TARGETS && !err; i++)
		*packets += counters[i].packets + counters[i].reply_packets;
	return err;
}

void subject_forget_flows(struct subject *subject)
{
	memset(subject->flows, 0, flows_bytes(subject));
	nat_forget(&subject->nat);
}

void subject_enter_replies(struct subject *subject, int family, __u32 flows)
{
	nat_enter_replies(subject->skeleton, &subject->nat, family, flows, REPLIES,
			  service_number(MODE_NAT, family, ROWS_STABLE, IPPROTO_TCP));
}

size_t subject_flows(const struct subject *subject)
{
	size_t count = 0;

	for (size_t i = 0; i < subject->size.flows; i++)
		count += subject->flows[i / FLOWS_PER_SET].entries[i % FLOWS_PER_SET] != 0;
	return count;
}

int subject_first_set(const struct subject *subject)
{
	for (size_t i = 0; i < subject->size.flows; i++)
		if (subject->flows[i / FLOWS_PER_SET].entries[i % FLOWS_PER_SET])
			return i / FLOWS_PER_SET;
	return -1;
}

int subject_flows_fd(const struct subject *subject)
{
	return bpf_map__fd(subject->skeleton->maps.flows);
}

int subject_tracked(const struct subject *subject, __u64 *entries)
{
	struct maps maps = { .flow_counters = bpf_map__fd(subject->skeleton->maps.flow_counters) };
	struct flow_counter counter;
	int err = flow_counters_read(&maps, &counter);

	*entries = counter.tracked;
	return err;
}
