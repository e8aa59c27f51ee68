// SPDX-License-Identifier: BSD-2-Clause
/* The flow table as packets use it, over changes of its size. */
#include "lb_box.h"
#include "caught.h"
#include "poised/lb_impl.h"
#include "poise/flow.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <sys/mman.h>
#include <time.h>

#define FLOWS      200
#define NEW_TICKS  10
#define IDLE_TICKS 200

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct tcphdr tcp;
	__u8 padding[10];
} __attribute__((packed));

static char said[2000];

static struct lb *open_flows(__u32 flows)
{
	/* A seed with which 200 flows fit into the smallest table. */
	const struct lb_options options = {
		.instance_dir = dir, .flows = flows, .seed_set = true, .seed = { 1, 2 }
	};
	struct caught caught;
	struct lb *lb;

	caught_begin(&caught);
	lb = open_with(&options);
	caught_end(&caught, said, sizeof(said));
	return lb;
}

static struct frame frame_of(__u16 source_port, bool syn)
{
	struct frame frame = {
		.eth = { .h_dest = { 2 }, .h_proto = htons(ETH_P_IP) },
		.ip = { .version = 4,
			.ihl = 5,
			.ttl = 64,
			.protocol = IPPROTO_TCP,
			.tot_len = htons(sizeof(struct iphdr) + sizeof(struct tcphdr)),
			.saddr = htonl(0x0a010101),
			.daddr = htonl(0xc000020a) },
		.tcp = { .source = htons(source_port),
			 .dest = htons(80),
			 .doff = 5,
			 .syn = syn,
			 .ack = !syn },
	};
	return frame;
}

/* The target that a packet of a flow is sent to: it is the last byte of the MAC address. */
static int target_met(const struct lb *lb, __u16 source_port, bool syn)
{
	struct frame in = frame_of(source_port, syn), out;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &in, .data_size_in = sizeof(in),
		    .data_out = &out, .data_size_out = sizeof(out), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(lb->prog_fd, &opts), 0);
	assert_int_equal(opts.retval, XDP_TX);
	return out.eth.h_dest[5];
}

static __u64 flow_hash_of(const struct lb *lb, __u16 source_port)
{
	struct frame frame = frame_of(source_port, true);
	struct flow_hash_key key;

	flow_hash_key_expand(lb_seed(lb), &key);
	return flow_hash4(&key, frame.ip.saddr, frame.ip.daddr, frame.tcp.source, frame.tcp.dest,
			  IPPROTO_TCP);
}

static void rows_give(struct lb_rows *rows, __u16 target)
{
	struct row want[251];

	for (int i = 0; i < 251; i++)
		want[i] = (struct row){ target, ROW_TRACKED };
	lb_rows_write(rows, want);
}

/* Service 0 with targets 1 and 2; all new flows are given to 1. */
static struct lb_rows *service_make(struct lb *lb)
{
	const struct service_key key = { .addr = { [10] = 0xff, 0xff, 192, 0, 2, 10 },
					 .port = htons(80),
					 .proto = IPPROTO_TCP };
	const struct service service = { .number = 0, .row_count = 251 };
	const __u32 number = 0, size = 251;
	struct lb_rows *rows;

	assert_int_equal(lb_rows_create(lb, &number, &size, 1, &rows), 0);
	for (__u8 i = 1; i <= 2; i++) {
		const struct target target = { .mode = MODE_L2,
					       .mtu = 1500,
					       .ifindex = 1,
					       .dst_mac = { 2, 0, 0, 0, 0, i },
					       .owner = TARGET_SERVES,
					       .new_ticks = NEW_TICKS,
					       .idle_ticks = IDLE_TICKS };

		assert_int_equal(lb_target_set(lb, i, &target), 0);
	}
	rows_give(rows, 1);
	assert_int_equal(lb_service_set(lb, &key, &service), 0);
	return rows;
}

/* How many entries a flow's set has of it. */
static int entries_of(const struct lb *lb, __u16 source_port, __u64 *entry)
{
	__u64 hash = flow_hash_of(lb, source_port);
	const struct flow_set *sets;
	__u32 count;
	int found = 0;

	sets = lb_flows(lb, &count);
	for (int i = 0; i < FLOWS_PER_SET; i++) {
		__u64 here = sets[flow_set_index(hash, count - 1)].entries[i];

		if (flow_entry_tag(here) != flow_tag(hash))
			continue;
		*entry = here;
		found++;
	}
	return found;
}

static void packets_and_poised_agree_on_set_and_time(void **state)
{
	struct lb *lb = open_flows(4096);
	struct lb_rows *rows = service_make(lb);
	struct flow_counter counter;
	__u64 entry = 0;
	int left;

	(void)state;
	for (__u16 port = 1; port <= FLOWS; port++) {
		assert_int_equal(target_met(lb, port, true), 1);
		assert_int_equal(entries_of(lb, port, &entry), 1);
		left = flow_entry_left(entry, lb_clock_tick(lb_clock(lb)));
		assert_in_range(left, NEW_TICKS - 1, NEW_TICKS + 1);
		assert_int_equal(flow_entry_state(entry), FLOW_NEW);
	}
	assert_int_equal(target_met(lb, FLOWS, false), 1);
	assert_int_equal(entries_of(lb, FLOWS, &entry), 1);
	left = flow_entry_left(entry, lb_clock_tick(lb_clock(lb)));
	assert_in_range(left, IDLE_TICKS - 1, IDLE_TICKS + 1);
	assert_int_equal(flow_counters_read(lb_maps(lb), &counter), 0);
	assert_int_equal(counter.tracked, FLOWS);
	assert_int_equal(counter.evicted, 0);
	lb_rows_close(rows);
	lb_close(lb);
}

static void all_flows_stay(const struct lb *lb)
{
	__u64 entry;

	for (__u16 port = 1; port <= FLOWS; port++) {
		assert_int_equal(entries_of(lb, port, &entry), 1);
		assert_int_equal(target_met(lb, port, false), 1);
	}
	assert_int_equal(target_met(lb, FLOWS + 1, true), 2);
}

static struct lb *reopen(struct lb *lb, __u32 flows)
{
	lb_close(lb);
	return open_flows(flows);
}

static void another_size_keeps_the_flows(void **state)
{
	static const struct {
		__u32 flows;
		const char *says;
	} steps[] = {
		{ 1024, "flow table: 1K entries instead of 8K; 200 flows carried over" },
		{ 1024, NULL },
		{ 0, "flow table: 1M entries instead of 1K; 201 flows carried over" },
	};
	struct lb *lb = open_flows(8192);
	struct lb_rows *rows = service_make(lb);

	(void)state;
	assert_int_equal(maps_flow_sets(lb_maps(lb)), 1024);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	for (__u16 port = 1; port <= FLOWS; port++)
		assert_int_equal(target_met(lb, port, true), 1);
	rows_give(rows, 2);
	lb_rows_close(rows);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		__u32 want = steps[i].flows ? steps[i].flows : POISE_DEFAULT_FLOWS, count;

		lb = reopen(lb, steps[i].flows);
		assert_true(lb_adopted(lb));
		lb_flows(lb, &count);
		assert_int_equal(count, want / FLOWS_PER_SET);
		assert_int_equal(maps_flow_sets(lb_maps(lb)), count);
		assert_int_equal(pinned_link("lbt0").prog_id, lb->prog_id);
		assert_int_equal(access(maps_path("-old"), F_OK), -1);
		if (steps[i].says)
			assert_non_null(strstr(said, steps[i].says));
		else
			assert_string_equal(said, "");
		all_flows_stay(lb);
	}
	lb_close(lb);
}

/* Killed when the new table was pinned and no link used it: what packets did meanwhile is in the
 * one that the links' program reads. */
static void a_crash_before_the_switch_loses_no_flow(void **state)
{
	char links[300], aside[300];
	struct lb *first = open_flows(8192), *lb;
	struct lb_rows *rows = service_make(first);

	(void)state;
	assert_int_equal(lb_attach(first, "lbt0", XDP_MODE_AUTO, &error), 0);
	for (__u16 port = 1; port <= FLOWS / 2; port++)
		target_met(first, port, true);
	snprintf(links, sizeof(links), "%s/links", dir);
	snprintf(aside, sizeof(aside), "%s/aside", dir);
	assert_int_equal(rename(links, aside), 0);
	lb_close(open_flows(4096));
	assert_int_equal(rmdir(links), 0);
	assert_int_equal(rename(aside, links), 0);
	for (__u16 port = FLOWS / 2 + 1; port <= FLOWS; port++)
		assert_int_equal(target_met(first, port, true), 1);
	rows_give(rows, 2);
	lb_rows_close(rows);
	lb_close(first);

	lb = open_flows(4096);
	assert_non_null(strstr(said, "4K entries instead of 8K; 200 flows carried over"));
	assert_int_equal(pinned_link("lbt0").prog_id, lb->prog_id);
	all_flows_stay(lb);
	lb_close(lb);
}

static void targets_and_flows_grow_at_once(void **state)
{
	struct lb_options options = { .instance_dir = dir, .max_targets = 65535, .flows = 65536 };
	struct lb *lb = open_flows(8192);
	struct lb_rows *rows = service_make(lb);

	(void)state;
	for (__u16 port = 1; port <= FLOWS; port++)
		target_met(lb, port, true);
	rows_give(rows, 2);
	lb_rows_close(rows);
	lb_close(lb);
	lb = open_with(&options);
	assert_int_equal(lb_max_targets(lb), 65535);
	all_flows_stay(lb);
	lb_close(lb);
	options.max_targets = 65536;
	assert_int_equal(lb_open(&options, &lb, &error), -EINVAL);
}

static void other_sizes_are_refused(void **state)
{
	static const __u32 bad[] = { 1000, 512, 1025, 1U << 29, 3 << 20, 8 };
	struct lb *lb;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct lb_options options = { .instance_dir = dir, .flows = bad[i] };

		assert_int_equal(lb_open(&options, &lb, &error), -EINVAL);
	}
}

static void pin_table(__u32 sets, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "flows", 4, sizeof(struct flow_set), sets,
				&opts);

	assert_true(fd >= 0);
	assert_int_equal(unlink(maps_path("/flows")), 0);
	assert_int_equal(bpf_obj_pin(fd, maps_path("/flows")), 0);
	close(fd);
}

static void a_table_of_a_wrong_shape_is_made_anew(void **state)
{
	static const struct {
		__u32 sets, flags;
		const char *says;
	} cases[] = {
		{ 1000, BPF_F_MMAPABLE,
		  "flows has 1000 sets, expected a power of two from 128 to 33554432" },
		{ 1024, 0, "flows cannot be mapped into memory" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lb *lb = open_flows(8192);

		lb_close(lb);
		pin_table(cases[i].sets, cases[i].flags);
		lb = open_flows(8192);
		assert_non_null(strstr(said, cases[i].says));
		assert_non_null(strstr(said, "flows are forgotten"));
		assert_false(lb_adopted(lb));
		assert_int_equal(maps_flow_sets(lb_maps(lb)), 1024);
		lb_close(lb);
	}
}

static void another_clock_clears_the_table(void **state)
{
	struct lb *lb = open_flows(8192);
	struct meta meta;
	__u32 zero = 0, count;

	(void)state;
	for (int round = 0; round < 2; round++) {
		const __u32 flows = round ? 8192 : 4096;

		lb_flows(lb, &count)[5].entries[2] =
			flow_entry(9, 1, lb_clock_tick(lb_clock(lb)) + 100, FLOW_ESTABLISHED);
		assert_int_equal(meta_read(lb_maps(lb), &meta), 0);
		assert_memory_equal(&meta.clock, lb_clock(lb), sizeof(meta.clock));
		meta.clock.tick_shift++;
		assert_int_equal(bpf_map_update_elem(lb_maps(lb)->meta, &zero, &meta, 0), 0);
		lb = reopen(lb, flows);
		assert_non_null(strstr(said, "its entries go by another clock"));
		assert_null(strstr(said, "carried over"));
		assert_true(lb_adopted(lb));
		for (__u32 i = 0; i < flows; i++)
			assert_int_equal(lb_flows(lb, &count)[i / 8].entries[i % 8], 0);
		assert_int_equal(meta_read(lb_maps(lb), &meta), 0);
		assert_int_equal(meta.clock.tick_shift, lb_clock(lb)->tick_shift);
	}
	lb_close(lb);
}

static void the_table_can_be_read_beside_it(void **state)
{
	struct lb *lb = open_flows(1024);
	const struct flow_set *sets = maps_flows_map(lb_maps(lb));
	__u64 each[MAPS_COUNT], total;
	__u32 count;

	(void)state;
	assert_non_null(sets);
	lb_flows(lb, &count)[127].entries[7] = 42;
	assert_int_equal(sets[127].entries[7], 42);
	assert_int_equal(munmap((void *)sets, 128 * sizeof(*sets)), 0);
	assert_null(maps_flows_map(&maps_none));
	total = lb_memory_bytes(lb, each);
	lb_close(lb);
	lb = open_flows(1U << 20);
	assert_true(lb_memory_bytes(lb, each) >= total + (8 << 20) - 16384);
	lb_close(lb);
}

/* What a clock computes for the moment at which another one looked. */
static void the_clock_goes_as_packets_see_it(void **state)
{
	const struct timespec wait = { .tv_nsec = 300000000 };
	struct lb *lb = open_flows(0);
	struct flow_clock first = *lb_clock(lb), again;
	__u64 tick_ns = (__u64)first.jiffy_ns << first.tick_shift;
	__s32 ahead;

	(void)state;
	assert_true(tick_ns >= 3000000000ULL && tick_ns < 6000000000ULL);
	for (__u32 i = 0; i < 20000; i += 999)
		assert_int_equal(flow_clock_tick(&first, first.monotonic_ns + i * tick_ns),
				 (flow_clock_tick(&first, first.monotonic_ns) + i) &
					 FLOW_TICK_MASK);
	nanosleep(&wait, NULL);
	lb = reopen(lb, 0);
	again = *lb_clock(lb);
	assert_true(again.monotonic_ns >= first.monotonic_ns + 300000000);
	ahead = first.jiffies + (again.monotonic_ns - first.monotonic_ns) / first.jiffy_ns -
		again.jiffies;
	assert_true(ahead >= -2 && ahead <= 2);
	assert_int_not_equal(again.jiffies, first.jiffies);
	lb_close(lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packets_and_poised_agree_on_set_and_time),
		TEST(another_size_keeps_the_flows),
		TEST(a_crash_before_the_switch_loses_no_flow),
		TEST(targets_and_flows_grow_at_once),
		TEST(other_sizes_are_refused),
		TEST(a_table_of_a_wrong_shape_is_made_anew),
		TEST(another_clock_clears_the_table),
		TEST(the_table_can_be_read_beside_it),
		TEST(the_clock_goes_as_packets_see_it),
	};
	const char *reason = box_enter();

	if (reason) {
		printf("skip - lb_flows: %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
