// SPDX-License-Identifier: BSD-2-Clause
/* The NAT table: made, found again, of another size or shape, and removed. */
#include "fixtures/lb_nat_box.h"

#include <sys/mman.h>

static void there_is_none_until_it_is_made(void **state)
{
	struct lb *lb = open_nat(0);
	__u32 count = 7, sets;

	(void)state;
	assert_null(lb_nat_table(lb, &count));
	assert_int_equal(count, 0);
	assert_int_equal(nat_map_open(lb_maps(lb), &sets), -ENOENT);
	errno = 0;
	assert_null(maps_nat_map(lb_maps(lb), false, &sets));
	assert_int_equal(errno, ENOENT);
	make(lb, POISE_DEFAULT_NAT_FLOWS);
	make(lb, POISE_DEFAULT_NAT_FLOWS);
	lb_close(lb);
}

static void the_table_can_be_read_beside_it(void **state)
{
	struct lb *lb = open_nat(4096);
	struct nat_set *sets = make(lb, 4096), *again;
	struct maps maps;
	__u32 count;

	(void)state;
	sets[1023].words[7] = 42;
	sets[1023].entries[7].target = 9;
	assert_int_equal(maps_open(maps_path(""), &maps), 0);
	again = maps_nat_map(&maps, false, &count);
	assert_non_null(again);
	assert_int_equal(count, 1024);
	assert_int_equal(again[1023].words[7], 42);
	assert_int_equal(again[1023].entries[7].target, 9);
	munmap(again, count * sizeof(*again));
	again = maps_nat_map(&maps, true, &count);
	assert_non_null(again);
	again[0].words[0] = 43;
	assert_int_equal(sets[0].words[0], 43);
	munmap(again, count * sizeof(*again));
	maps_close(&maps);
	lb_close(lb);
}

static void a_second_daemon_adopts_it(void **state)
{
	struct lb *lb = open_nat(4096);
	__u32 outer = id_of_map(lb_maps(lb)->nat_table), inner;

	(void)state;
	make(lb, 4096)[5].words[3] = 42;
	inner = table_id(lb);
	assert_int_not_equal(inner, 0);
	lb_close(lb);
	for (int round = 0; round < 2; round++) {
		/* In the second round the table's size differs from the configured one. */
		lb = open_nat(round ? 8192 : 4096);
		assert_true(lb_adopted(lb));
		assert_int_equal(id_of_map(lb_maps(lb)->nat_table), outer);
		assert_int_equal(table_id(lb), inner);
		assert_int_equal(make(lb, 4096)[5].words[3], 42);
		assert_int_equal(table_id(lb), inner);
		if (round)
			assert_non_null(strstr(said, "nat_flows: the NAT table was made for 4K "
						     "flows and stays, as they are in it: 8K"));
		else
			assert_string_equal(said, "");
		lb_close(lb);
	}
}

/* Returns the mask that the program was loaded with. */
static __u32 set_mask_of(const struct lb *lb)
{
	return lb->nat_sets - 1;
}

static void no_table_takes_another_size_at_once(void **state)
{
	static const __u32 sizes[] = { 4096, 4096, 1024, POISE_DEFAULT_NAT_FLOWS, 2048 };
	__u32 outer = 0, services = 0;
	struct lb *lb;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		lb = open_nat(sizes[i]);
		assert_string_equal(said, "");
		assert_int_equal(set_mask_of(lb), sizes[i] / 4 - 1);
		if (i) {
			assert_true(lb_adopted(lb));
			assert_int_equal(id_of_map(lb_maps(lb)->services), services);
			assert_int_equal(id_of_map(lb_maps(lb)->nat_table) == outer,
					 sizes[i] == sizes[i - 1]);
			assert_int_equal(access(maps_path("-old"), F_OK), -1);
		}
		services = id_of_map(lb_maps(lb)->services);
		outer = id_of_map(lb_maps(lb)->nat_table);
		lb_close(lb);
	}
	lb = open_nat(2048);
	make(lb, 2048);
	lb_close(lb);
}

/* This is what a crash before the new maps were pinned leaves. */
static void a_table_of_unknown_size_is_made_anew(void **state)
{
	struct lb *lb = open_nat(4096);
	__u32 zero = 0, outer = id_of_map(lb_maps(lb)->nat_table);
	struct meta meta;

	(void)state;
	assert_int_equal(meta_read(lb_maps(lb), &meta), 0);
	assert_int_equal(meta.nat_sets, 1024);
	meta.nat_sets = 0;
	assert_int_equal(bpf_map_update_elem(lb_maps(lb)->meta, &zero, &meta, 0), 0);
	lb_close(lb);
	lb = open_nat(4096);
	assert_int_not_equal(id_of_map(lb_maps(lb)->nat_table), outer);
	make(lb, 4096);
	assert_int_equal(meta_read(lb_maps(lb), &meta), 0);
	assert_int_equal(meta.nat_sets, 1024);
	lb_close(lb);
}

static void a_larger_set_of_targets_keeps_it(void **state)
{
	struct lb_options options = { .instance_dir = dir, .max_targets = 100, .nat_flows = 1024 };
	struct lb *lb = open_with(&options);
	__u32 inner;

	(void)state;
	make(lb, 1024)[2].words[2] = 42;
	inner = table_id(lb);
	lb_close(lb);
	options.max_targets = 200;
	lb = open_with(&options);
	assert_int_equal(lb_max_targets(lb), 200);
	assert_int_equal(table_id(lb), inner);
	assert_int_equal(make(lb, 1024)[2].words[2], 42);
	lb_close(lb);
}

/*
 * Pins a table as an earlier version might have left it. It has an outer map of its own, which
 * accepts it.
 */
static void pin_table(__u32 sets, __u32 value_size, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "sets", 4, value_size, sets, &opts), outer;
	__u32 zero = 0;

	assert_true(inner >= 0);
	opts.map_flags = 0;
	opts.inner_map_fd = inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "nat_table", 4, 4, 1, &opts);
	assert_true(outer >= 0);
	assert_int_equal(bpf_map_update_elem(outer, &zero, &inner, 0), 0);
	assert_int_equal(unlink(maps_path("/nat_table")), 0);
	assert_int_equal(bpf_obj_pin(outer, maps_path("/nat_table")), 0);
	close(outer);
	close(inner);
}

static void a_table_of_a_wrong_shape_is_made_anew(void **state)
{
	static const struct {
		__u32 sets, value_size, flags;
	} cases[] = {
		{ 300, sizeof(struct nat_set), BPF_F_MMAPABLE },
		{ 128, sizeof(struct nat_set), BPF_F_MMAPABLE },
		{ 256, sizeof(struct nat_set) - 8, BPF_F_MMAPABLE },
		{ 256, sizeof(struct nat_set), 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lb *lb = open_nat(1024);

		lb_close(lb);
		pin_table(cases[i].sets, cases[i].value_size, cases[i].flags);
		lb = open_nat(1024);
		assert_non_null(strstr(said, "nat_table is not made of 256 to 8388608 sets of 576 "
					     "bytes: made anew: connections of services in mode "
					     "nat are forgotten"));
		assert_true(lb_adopted(lb));
		make(lb, 1024);
		lb_close(lb);
	}
}

static void nothing_is_left_once_removed(void **state)
{
	struct lb *lb = open_nat(1024);
	__u32 inner, outer = id_of_map(lb_maps(lb)->nat_table);
	int fd = -1;

	(void)state;
	make(lb, 1024);
	inner = table_id(lb);
	lb_close(lb);
	assert_int_equal(lb_remove(dir), 0);
	/* The kernel frees maps a moment later. */
	for (int i = 0; i < 300; i++) {
		fd = bpf_map_get_fd_by_id(inner);
		if (fd < 0)
			break;
		close(fd);
		usleep(10000);
	}
	assert_true(fd < 0);
	assert_true(bpf_map_get_fd_by_id(outer) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_is_none_until_it_is_made),
		TEST(the_table_can_be_read_beside_it),
		TEST(a_second_daemon_adopts_it),
		TEST(no_table_takes_another_size_at_once),
		TEST(a_table_of_unknown_size_is_made_anew),
		TEST(a_larger_set_of_targets_keeps_it),
		TEST(a_table_of_a_wrong_shape_is_made_anew),
		TEST(nothing_is_left_once_removed),
	};
	const char *reason = box_enter();

	if (reason) {
		printf("skip - lb_nat: %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
