// SPDX-License-Identifier: BSD-2-Clause
/* The flow table, as packets and poised see it. */
#include "fixtures/lb_flows_box.h"

#include <sys/mman.h>
#include <time.h>

#define FLOWS 200

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

/* This runs in a child process, whose mount namespace and mounts end with it. */
static int open_with_little_memory(__u32 refused)
{
	const struct lb_options options = { .instance_dir = dir, .flows = 1U << 22 };
	const char *want = "flows: 4M entries take 32 MiB, of which 40 MiB are available: at most "
			   "2M";
	struct lb *lb;
	FILE *file;

	if (unshare(CLONE_NEWNS) || mount("none", "/tmp", "tmpfs", 0, NULL))
		return 1;
	file = fopen("/tmp/meminfo", "w");
	if (!file || fprintf(file, "MemAvailable: 40960 kB\n") < 0 || fclose(file))
		return 2;
	if (mount("/tmp/meminfo", "/proc/meminfo", NULL, MS_BIND, NULL))
		return 3;
	if (lb_open(&options, &lb, &error))
		return !refused || strcmp(error.text, want);
	return refused;
}

static void a_table_larger_than_memory_is_refused(void **state)
{
	(void)state;
	check_child(open_with_little_memory, true);
	/* One that is there already takes no more. */
	lb_close(open_flows(1U << 22));
	check_child(open_with_little_memory, false);
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
		__u32 services = id_of_map(lb_maps(lb)->services);

		lb_close(lb);
		pin_table(cases[i].sets, cases[i].flags);
		lb = open_flows(8192);
		assert_non_null(strstr(said, cases[i].says));
		assert_non_null(strstr(said, "flows are forgotten"));
		/* It alone. */
		assert_true(lb_adopted(lb));
		assert_int_equal(id_of_map(lb_maps(lb)->services), services);
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

/* Returns what a clock computes for the moment at which another one looked. */
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
		TEST(other_sizes_are_refused),
		TEST(a_table_larger_than_memory_is_refused),
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
