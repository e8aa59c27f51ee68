// SPDX-License-Identifier: BSD-2-Clause
/*
 * Tests what is said about a flow: the decision, and as root the look-ups in real maps. The tests
 * in tests/packet show that the program decides the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "explain/explain.h"
#include "poise/service_hash.h"

#define SCHEDULER(name) (SCHEDULER_##name << SERVICE_SCHEDULER_SHIFT)

enum { NONE, OPEN, ENDED, LOST }; /* the flow's entry: target 9's; LOST: which serves no more */

static const struct choice_row {
	const char *name;
	struct row row;
	__u16 flags;
	int entry;
	bool fresh;
	__u16 scheduled;
	enum explain_why why;
	__u16 target;
} rows[] = {
	{ "an empty row drops", { 0, 0 }, .why = EXPLAIN_NO_BACKEND },
	{ "a stable row asks nobody", { 5, 0 }, .why = EXPLAIN_STABLE, .target = 5 },
	{ "not even an entry", { 5, 0 }, 0, OPEN, false, 0, EXPLAIN_STABLE, 5 },
	{ "nor a scheduler", { 5, 0 }, SCHEDULER(RANDOM), 0, true, 0, EXPLAIN_STABLE, 5 },
	{ "moving: a SYN is new", { 5, 6 }, 0, NONE, true, 0, EXPLAIN_CURRENT, 5 },
	{ "moving: what is not known is older", { 5, 6 }, 0, NONE, false, 0, EXPLAIN_PREVIOUS, 6 },
	{ "moving: an entry is followed", { 5, 6 }, 0, OPEN, false, 0, EXPLAIN_ENTRY, 9 },
	{ "by a SYN, too", { 5, 6 }, 0, OPEN, true, 0, EXPLAIN_ENTRY, 9 },
	{ "moving: the entry of a flow that has ended",
	  { 5, 6 },
	  0,
	  ENDED,
	  false,
	  0,
	  EXPLAIN_ENTRY,
	  9 },
	{ "but not by a SYN", { 5, 6 }, 0, ENDED, true, 0, EXPLAIN_CURRENT, 5 },
	{ "a lost target's is not", { 5, 6 }, 0, LOST, false, 0, EXPLAIN_PREVIOUS, 6 },
	{ "nor by a SYN", { 5, 6 }, 0, LOST, true, 0, EXPLAIN_CURRENT, 5 },
	{ "moving from A to nobody: SYN", { 0, 6 }, 0, NONE, true, 0, EXPLAIN_NO_BACKEND, 0 },
	{ "and others", { 0, 6 }, 0, NONE, false, 0, EXPLAIN_PREVIOUS, 6 },
	{ "tracked: a SYN is new", { 5, ROW_TRACKED }, 0, NONE, true, 0, EXPLAIN_CURRENT, 5 },
	{ "and so is the rest", { 5, ROW_TRACKED }, 0, NONE, false, 0, EXPLAIN_CURRENT, 5 },
	{ "tracked: an entry is followed",
	  { 5, ROW_TRACKED },
	  0,
	  OPEN,
	  false,
	  0,
	  EXPLAIN_ENTRY,
	  9 },
	{ "tracked: a lost one is new", { 5, ROW_TRACKED }, 0, LOST, false, 0, EXPLAIN_CURRENT, 5 },
	{ "tracked: nobody there", { 0, ROW_TRACKED }, 0, NONE, true, 0, EXPLAIN_NO_BACKEND, 0 },
	{ "the scheduler's word",
	  { 5, ROW_TRACKED },
	  SCHEDULER(ROUNDROBIN),
	  NONE,
	  true,
	  7,
	  EXPLAIN_SCHEDULED,
	  7 },
	{ "for the unknown, too",
	  { 5, ROW_TRACKED },
	  SCHEDULER(LEASTCONN),
	  NONE,
	  false,
	  7,
	  EXPLAIN_SCHEDULED,
	  7 },
	{ "not for the older",
	  { 5, 6 },
	  SCHEDULER(LEASTCONN),
	  NONE,
	  false,
	  7,
	  EXPLAIN_PREVIOUS,
	  6 },
	{ "a scheduler without a backend",
	  { 5, ROW_TRACKED },
	  SCHEDULER(LEASTCONN),
	  NONE,
	  true,
	  0,
	  EXPLAIN_NO_BACKEND,
	  0 },
	{ "nobody knows what random says",
	  { 5, ROW_TRACKED },
	  SCHEDULER(RANDOM),
	  NONE,
	  true,
	  0,
	  EXPLAIN_SCHEDULED,
	  0 },
	{ "but from nothing it is nothing",
	  { 0, ROW_TRACKED },
	  SCHEDULER(RANDOM),
	  NONE,
	  true,
	  0,
	  EXPLAIN_NO_BACKEND,
	  0 },
};

static void every_choice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct choice_row *row = &rows[i];
		struct explanation flow = { .row = row->row, .service.flags = row->flags };
		struct explain_choice choice;

		if (row->entry)
			flow.entry = flow_entry(1, 9, 100, FLOW_NEW);
		flow.entry_serves = row->entry && row->entry != LOST;
		flow.entry_takes_syn = row->entry == OPEN;
		choice = explain_choose(&flow, row->fresh, row->scheduled);
		if (choice.why != row->why || choice.target != row->target)
			fail_msg("%s: why %d, target %u", row->name, choice.why, choice.target);
	}
}

/* ---- with maps */

enum { SERVICE = 7, ROWS = 251, TARGETS = 16, SETS = 4 };

static struct maps maps;
static int table_fd;
static const __u64 seed[2] = { 0x0123456789abcdef, 0xfedcba9876543210 };
static struct addr client4, client6, vip4, vip6;

static int map_make(enum bpf_map_type type, __u32 value_size, __u32 entries)
{
	int fd = bpf_map_create(type, NULL, sizeof(__u32), value_size, entries, NULL);

	assert_true(fd >= 0);
	return fd;
}

static void put(int fd, __u32 key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(fd, &key, value, BPF_ANY), 0);
}

static void rows_make(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, inner, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	LIBBPF_OPTS(bpf_map_create_opts, outer);

	table_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(__u32),
			       POISE_ROWS_PER_SLOT * sizeof(struct row), rows_slots(ROWS), &inner);
	assert_true(table_fd >= 0);
	outer.inner_map_fd = table_fd;
	maps.rows = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, NULL, sizeof(__u32), sizeof(__u32),
				   POISE_MAX_SERVICES, &outer);
	assert_true(maps.rows >= 0);
	put(maps.rows, SERVICE, &table_fd);
}

/* Every row is {current, previous}, but row i of a scheduler's test, whose current is `other`. */
static void rows_fill(struct row row, __u32 index, __u16 other)
{
	for (__u32 slot = 0; slot < rows_slots(ROWS); slot++) {
		struct row pair[POISE_ROWS_PER_SLOT];

		for (__u32 i = 0; i < POISE_ROWS_PER_SLOT; i++) {
			pair[i] = row;
			if (slot * POISE_ROWS_PER_SLOT + i == index)
				pair[i].current_target = other;
		}
		put(table_fd, slot, pair);
	}
}

/* The second bucket of a key, so that both are looked at. */
static void service_put(const struct addr *addr, __u16 flags, int choice)
{
	struct service_bucket bucket = { 0 };
	struct service_slot *slot = &bucket.slots[SERVICE_SLOTS - 1];
	struct service_words words;

	memcpy(slot->key.addr, addr->b, sizeof(slot->key.addr));
	slot->key.port = htons(80);
	slot->key.proto = IPPROTO_TCP;
	slot->service = (struct service){ .row_count = ROWS, .number = SERVICE, .flags = flags };
	/* One that was taken away leaves its key. */
	bucket.slots[0].key = slot->key;
	memcpy(&words.low, slot->key.addr, 8);
	memcpy(&words.high, slot->key.addr + 8, 8);
	memcpy(&words.rest, &slot->key.port, 4);
	put(maps.services, service_bucket_index(service_hash(&words), choice), &bucket);
}

static int setup(void **state)
{
	struct meta meta = { .abi_version = POISE_ABI_VERSION,
			     .seed = { seed[0], seed[1] },
			     .clock = { .jiffy_ns = 4000000, .tick_shift = 10 } };
	struct service_name name = { .name = "web" };

	(void)state;
	if (geteuid())
		return 0;
	maps = (struct maps){
		.services = map_make(BPF_MAP_TYPE_ARRAY, sizeof(struct service_bucket),
				     SERVICE_BUCKETS),
		.targets = map_make(BPF_MAP_TYPE_ARRAY, sizeof(struct target), TARGETS),
		.flows = map_make(BPF_MAP_TYPE_ARRAY, sizeof(struct flow_set), SETS),
		.loads = map_make(BPF_MAP_TYPE_ARRAY, sizeof(struct load), TARGETS),
		.rotations =
			map_make(BPF_MAP_TYPE_ARRAY, sizeof(struct rotation), POISE_MAX_SERVICES),
		.service_names = map_make(BPF_MAP_TYPE_ARRAY, sizeof(name), POISE_MAX_SERVICES),
		.target_names = map_make(BPF_MAP_TYPE_ARRAY, sizeof(struct target_name), TARGETS),
		.meta = map_make(BPF_MAP_TYPE_ARRAY, sizeof(meta), 1),
	};
	rows_make();
	meta.clock.monotonic_ns = now_ns();
	put(maps.meta, 0, &meta);
	put(maps.service_names, SERVICE, &name);
	addr_parse("198.51.100.7", &client4);
	addr_parse("2001:db8:1::7", &client6);
	addr_parse("192.0.2.10", &vip4);
	addr_parse("2001:db8::10", &vip6);
	return 0;
}

static void need_root(void)
{
	if (geteuid())
		skip();
}

static struct explanation explain(__u16 port)
{
	struct explanation flow;

	assert_int_equal(explain_flow(&maps, &client4, port, &vip4, 80, IPPROTO_TCP, &flow), 0);
	return flow;
}

static void the_service_is_found_in_either_bucket(void **state)
{
	struct explanation flow;

	(void)state;
	need_root();
	rows_fill((struct row){ 5, 0 }, 0, 5);
	service_put(&vip4, 0, 1);
	service_put(&vip6, 0, 0);
	flow = explain(40000);
	assert_int_equal(flow.service_number, SERVICE);
	assert_string_equal(flow.name.name, "web");
	assert_int_equal(flow.first.why, EXPLAIN_STABLE);
	assert_int_equal(explain_flow(&maps, &client6, 40000, &vip6, 80, IPPROTO_TCP, &flow), 0);
	assert_int_equal(flow.others.target, 5);
	assert_int_equal(explain_flow(&maps, &client4, 1, &vip4, 81, IPPROTO_TCP, &flow), -ENOENT);
	assert_int_equal(explain_flow(&maps, &client4, 1, &vip4, 80, IPPROTO_UDP, &flow), -ENOENT);
	assert_int_equal(explain_flow(&maps, &client4, 1, &vip4, 80, IPPROTO_ICMP, &flow), -EINVAL);
	assert_int_equal(explain_flow(&maps, &client6, 1, &vip4, 80, IPPROTO_TCP, &flow), -EINVAL);
}

static void hash_and_row_are_the_packet_path_s(void **state)
{
	struct flow_hash_key key;
	struct explanation flow;
	__be32 from, to;
	__u64 hash;

	(void)state;
	need_root();
	memcpy(&from, addr_v4(&client4), sizeof(from));
	memcpy(&to, addr_v4(&vip4), sizeof(to));
	flow_hash_key_expand(seed, &key);
	service_put(&vip4, 0, 0);
	hash = flow_hash4(&key, from, to, htons(40000), htons(80), IPPROTO_TCP);
	rows_fill((struct row){ 5, 0 }, flow_row(flow_tag(hash), ROWS), 8);
	flow = explain(40000);
	assert_true(flow.hash == hash);
	assert_int_equal(flow.row_index, flow_row(flow_tag(hash), ROWS));
	assert_int_equal(flow.first.target, 8);
	/* The port is no part of the hash when a service says `hash: source`. */
	service_put(&vip4, SERVICE_HASH_SOURCE, 0);
	assert_true(explain(40000).hash == explain(40001).hash);
	assert_true(explain(40000).hash == flow_hash4(&key, from, to, 0, htons(80), IPPROTO_TCP));
}

static void an_entry_is_looked_up_and_judged(void **state)
{
	struct target target = { .owner = SERVICE | TARGET_SERVES };
	struct flow_set set = { 0 };
	struct explanation flow;

	(void)state;
	need_root();
	service_put(&vip4, 0, 0);
	rows_fill((struct row){ 5, 6 }, ROWS, 0);
	flow = explain(40000);
	assert_int_equal(flow.entry, 0);
	assert_int_equal(flow.first.target, 5);
	assert_int_equal(flow.others.target, 6);
	set.entries[FLOWS_PER_SET - 1] = flow_entry(flow_tag(flow.hash), 9, 10, FLOW_ESTABLISHED);
	put(maps.flows, flow_set_index(flow.hash, SETS - 1), &set);
	flow = explain(40000);
	assert_false(flow.entry_serves); /* nobody's target yet */
	assert_int_equal(flow.others.why, EXPLAIN_PREVIOUS);
	put(maps.targets, 9, &target);
	flow = explain(40000);
	assert_int_equal(flow.entry_left_ticks, 10);
	assert_int_equal(flow.others.why, EXPLAIN_ENTRY);
	assert_int_equal(flow.others.target, 9);
	assert_int_equal(flow.first.why, EXPLAIN_ENTRY);
	set.entries[FLOWS_PER_SET - 1] = flow_entry(flow_tag(flow.hash), 9, 10, FLOW_CLOSING);
	put(maps.flows, flow_set_index(flow.hash, SETS - 1), &set);
	flow = explain(40000);
	assert_int_equal(flow.others.why, EXPLAIN_ENTRY);
	assert_int_equal(flow.first.why, EXPLAIN_CURRENT);
	/* A client as a whole has no new flows. */
	service_put(&vip4, SERVICE_HASH_SOURCE, 0);
	assert_int_equal(explain(40000).first.why, EXPLAIN_PREVIOUS);
	service_put(&vip4, 0, 0);
	/* Another service's number, as once a target changed hands. */
	target.owner = (SERVICE + 1) | TARGET_SERVES;
	put(maps.targets, 9, &target);
	assert_int_equal(explain(40000).others.why, EXPLAIN_PREVIOUS);
	set.entries[FLOWS_PER_SET - 1] = flow_entry(flow_tag(flow.hash), TARGETS, 10, FLOW_NEW);
	put(maps.flows, flow_set_index(flow.hash, SETS - 1), &set);
	assert_int_equal(explain(40000).others.why, EXPLAIN_PREVIOUS);
	memset(&set, 0, sizeof(set));
	put(maps.flows, flow_set_index(flow.hash, SETS - 1), &set);
}

static void schedulers_are_asked_without_being_told(void **state)
{
	struct rotation rotation = { .position = ROWS * 1000ULL + 13 };
	struct load light = { .base = 3, .assigned = 1, .weight = 2 };
	struct load heavy = { .base = -10U, .assigned = 15, .weight = 2 };
	struct explanation flow;
	__u32 first, second;

	(void)state;
	need_root();
	service_put(&vip4, SCHEDULER(ROUNDROBIN), 0);
	put(maps.rotations, SERVICE, &rotation);
	rows_fill((struct row){ 5, ROW_TRACKED }, 13, 8);
	for (int i = 0; i < 2; i++) {
		flow = explain(40000);
		assert_int_equal(flow.first.why, EXPLAIN_SCHEDULED);
		assert_int_equal(flow.first.target, 8);
	}
	service_put(&vip4, SCHEDULER(LEASTCONN), 0);
	first = flow.row_index;
	second = flow_row(flow.hash, ROWS);
	assert_int_not_equal(first, second);
	rows_fill((struct row){ 5, ROW_TRACKED }, second, 8);
	put(maps.loads, 5, &light); /* 4 of weight 2 */
	put(maps.loads, 8, &heavy); /* 5 of weight 2 */
	assert_int_equal(explain(40000).first.target, 5);
	heavy.weight = 3;
	put(maps.loads, 8, &heavy);
	assert_int_equal(explain(40000).first.target, 8);
	service_put(&vip4, SCHEDULER(RANDOM), 0);
	flow = explain(40000);
	assert_int_equal(flow.first.why, EXPLAIN_SCHEDULED);
	assert_int_equal(flow.first.target, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_choice),
		cmocka_unit_test(the_service_is_found_in_either_bucket),
		cmocka_unit_test(hash_and_row_are_the_packet_path_s),
		cmocka_unit_test(an_entry_is_looked_up_and_judged),
		cmocka_unit_test(schedulers_are_asked_without_being_told),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
