// SPDX-License-Identifier: BSD-2-Clause
#include "base/clock.h"
#include "fixtures/lb_box.h"
#include "fixtures/caught.h"
#include "kernel/lb_impl.h"
#include "maps/service_table.h"

#include <bpf/libbpf.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void rows_are_made_written_and_found_again(void **state)
{
	const __u32 numbers[] = { 0, 7 }, sizes[] = { 251, 65537 };
	struct row *want = calloc(65537, sizeof(*want)), *read = calloc(65537, sizeof(*read));
	struct lb_rows *rows[2], *again;
	struct lb *lb = open_sized(0);

	(void)state;
	assert_int_equal(lb_rows_create(lb, numbers, sizes, 2, rows), 0);
	assert_int_equal(lb_rows_write(rows[1], want), 0);
	for (int i = 0; i < 65537; i++)
		want[i] = (struct row){ .current_target = i % 100 + 1, .previous_target = i % 3 };
	assert_int_equal(lb_rows_write(rows[1], want), 65537);
	want[65536].current_target = 4095;
	assert_int_equal(lb_rows_write(rows[1], want), 1);
	assert_int_equal(lb_rows_write(rows[1], want), 0);
	assert_memory_equal(lb_rows_get(rows[1]), want, 65537 * sizeof(*want));
	assert_int_equal(rows_read(lb_maps(lb), 7, read, 65537), 0);
	assert_memory_equal(read, want, 65537 * sizeof(*want));
	lb_rows_close(rows[0]);
	lb_rows_close(rows[1]);
	lb_close(lb);

	lb = open_sized(0);
	assert_true(lb_adopted(lb));
	assert_int_equal(lb_rows_open(lb, 7, 65537, &again), 0);
	assert_memory_equal(lb_rows_get(again), want, 65537 * sizeof(*want));
	lb_rows_close(again);
	assert_int_equal(lb_rows_open(lb, 7, 251, &again), -EPROTO);
	assert_int_equal(lb_rows_open(lb, 8, 251, &again), -ENOENT);
	assert_int_equal(lb_rows_delete(lb, numbers, 2), 0);
	assert_int_equal(lb_rows_open(lb, 7, 65537, &again), -ENOENT);
	assert_int_equal(rows_read(lb_maps(lb), 0, read, 251), -ENOENT);
	lb_close(lb);
	free(want);
	free(read);
}

static void a_held_table_is_closed_by_the_last(void **state)
{
	const __u32 number = 3, size = 251;
	struct row want[251] = { { .current_target = 5 } };
	struct lb *lb = open_sized(0);
	struct lb_rows *rows;

	(void)state;
	assert_int_equal(lb_rows_create(lb, &number, &size, 1, &rows), 0);
	assert_ptr_equal(lb_rows_hold(rows), rows);
	lb_rows_close(rows);
	assert_int_equal(lb_rows_write(rows, want), 1);
	assert_int_equal(lb_rows_get(rows)->current_target, 5);
	lb_rows_close(rows);
	lb_rows_close(NULL);
	lb_close(lb);
}

static void a_bad_table_leaves_none_of_them(void **state)
{
	const __u32 numbers[] = { 1, POISE_MAX_SERVICES }, sizes[] = { 251, 251 };
	struct lb_rows *rows[2], *again;
	struct lb *lb = open_sized(0);

	(void)state;
	assert_int_equal(lb_rows_create(lb, numbers, sizes, 2, rows), -EINVAL);
	assert_null(rows[0]);
	assert_int_equal(lb_rows_open(lb, 1, 251, &again), -ENOENT);
	lb_close(lb);
}

static void all_services_fit_in_few_descriptors(void **state)
{
	static __u32 numbers[POISE_MAX_SERVICES], sizes[POISE_MAX_SERVICES];
	static struct lb_rows *rows[POISE_MAX_SERVICES];
	struct rlimit before, few = { 400, 400 };
	struct lb *lb = open_sized(0);
	__u64 each[MAPS_COUNT], empty;
	__u64 start_ns;

	(void)state;
	empty = lb_memory_bytes(lb, each);
	assert_true(empty > 0 && empty < 20 << 20);
	for (__u32 i = 0; i < POISE_MAX_SERVICES; i++) {
		numbers[i] = i;
		sizes[i] = 1021;
	}
	getrlimit(RLIMIT_NOFILE, &before);
	few.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	start_ns = now_ns();
	assert_int_equal(lb_rows_create(lb, numbers, sizes, POISE_MAX_SERVICES, rows), 0);
	print_message("%u row tables made in %llu us\n", POISE_MAX_SERVICES,
		      (now_ns() - start_ns) / 1000ULL);
	setrlimit(RLIMIT_NOFILE, &before);
	assert_true(lb_memory_bytes(lb, each) >= empty + POISE_MAX_SERVICES * 1021ULL * 4);
	for (__u32 i = 0; i < POISE_MAX_SERVICES; i++)
		lb_rows_close(rows[i]);
	start_ns = now_ns();
	assert_int_equal(lb_rows_delete(lb, numbers, POISE_MAX_SERVICES), 0);
	print_message("and deleted in %llu us\n", (now_ns() - start_ns) / 1000ULL);
	assert_int_equal(lb_memory_bytes(lb, each), empty);
	lb_close(lb);
}

static void set_counter(const struct lb *lb, __u32 target, __u64 packets)
{
	int cpus = libbpf_num_possible_cpus();
	struct counter *values = calloc(cpus, sizeof(*values));

	for (int i = 0; i < cpus; i++)
		values[i].packets = packets;
	assert_int_equal(bpf_map_update_elem(lb_maps(lb)->counters, &target, values, 0), 0);
	free(values);
}

static void check_adopted_entries(const struct lb *lb, const struct target *target)
{
	static struct counter counters[4096];
	static struct target_name names[4096];
	const struct load load = { .base = 7, .assigned = 8, .weight = 9 };
	struct target found;
	__u32 number = 4095;

	assert_memory_equal(&lb_loads(lb)[4095], &load, sizeof(load));
	assert_int_equal(bpf_map_lookup_elem(lb_maps(lb)->targets, &number, &found), 0);
	assert_memory_equal(&found, target, sizeof(found));
	assert_int_equal(counters_read(lb_maps(lb), counters, 4096), 0);
	assert_int_equal(counters[4095].packets, 11 * libbpf_num_possible_cpus());
	assert_int_equal(counters[4094].packets, 0);
	assert_int_equal(target_names_read(lb_maps(lb), names, 4096), 0);
	assert_string_equal(names[4095].service, "web");
}

static void a_second_daemon_adopts(void **state)
{
	const struct target target = { .mode = MODE_IPIP, .outer_version = 4, .mtu = 1500 };
	const struct target_name name = { .service = "web", .weight = 100 };
	struct lb *lb = open_sized(4096);
	__u32 services = id_of_map(lb_maps(lb)->services), rows = id_of_map(lb_maps(lb)->rows);
	__u32 targets = id_of_map(lb_maps(lb)->targets);
	__u64 seed[2], drops[DROP_MAX];

	(void)state;
	assert_false(lb_adopted(lb));
	assert_int_equal(lb_max_targets(lb), 4096);
	memcpy(seed, lb_seed(lb), sizeof(seed));
	assert_true(seed[0] || seed[1]);
	assert_int_equal(lb_target_set(lb, 4095, &target), 0);
	assert_int_equal(lb_target_name_set(lb, 4095, &name), 0);
	lb_loads(lb)[4095] = (struct load){ .base = 7, .assigned = 8, .weight = 9 };
	set_counter(lb, 4095, 11);
	lb_close(lb);

	lb = open_sized(4096);
	assert_true(lb_adopted(lb));
	assert_memory_equal(lb_seed(lb), seed, sizeof(seed));
	assert_int_equal(id_of_map(lb_maps(lb)->services), services);
	assert_int_equal(id_of_map(lb_maps(lb)->targets), targets);
	check_adopted_entries(lb, &target);
	lb_close(lb);

	lb = open_sized(10000);
	assert_true(lb_adopted(lb));
	assert_int_equal(lb_max_targets(lb), 10000);
	assert_int_equal(id_of_map(lb_maps(lb)->services), services);
	assert_int_equal(id_of_map(lb_maps(lb)->rows), rows);
	check_adopted_entries(lb, &target);
	lb_close(lb);

	lb = open_sized(4096);
	assert_int_equal(lb_max_targets(lb), 10000);
	check_adopted_entries(lb, &target);
	assert_int_equal(lb_counter_zero(lb, 4095), 0);
	assert_int_equal(drops_read(lb_maps(lb), drops), 0);
	lb_close(lb);
}

static void targets_are_written_where_they_differ(void **state)
{
	struct target target = { .mode = MODE_L2,
				 .mtu = 1500,
				 .ifindex = 3,
				 .dst_mac = { 2, 3, 4, 5, 6, 7 },
				 .owner = 17 | TARGET_SERVES,
				 .idle_ticks = 200 };
	const struct target none = { 0 };
	struct lb *lb = open_sized(16);
	struct target found;
	__u32 number = 15;

	(void)state;
	assert_int_equal(lb_target_set(lb, 15, &target), 0);
	assert_int_equal(bpf_map_lookup_elem(lb_maps(lb)->targets, &number, &found), 0);
	assert_memory_equal(&found, &target, sizeof(found));
	/* Read only: what is the same already is not stored. */
	assert_int_equal(mprotect(lb->targets, 16 * sizeof(target), PROT_READ), 0);
	assert_int_equal(lb_target_set(lb, 15, &target), 0);
	assert_int_equal(mprotect(lb->targets, 16 * sizeof(target), PROT_READ | PROT_WRITE), 0);
	target.src[15] = 9;
	target.owner = 17;
	assert_int_equal(lb_target_set(lb, 15, &target), 0);
	assert_int_equal(bpf_map_lookup_elem(lb_maps(lb)->targets, &number, &found), 0);
	assert_memory_equal(&found, &target, sizeof(found));
	assert_int_equal(lb_target_set(lb, 15, &none), 0);
	assert_int_equal(bpf_map_lookup_elem(lb_maps(lb)->targets, &number, &found), 0);
	assert_memory_equal(&found, &none, sizeof(found));
	assert_int_equal(lb_target_set(lb, 16, &target), -ENOENT);
	lb_close(lb);
}

static int without_net_admin(__u32 unused)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	struct lb_options options = { .instance_dir = dir };
	struct lb *lb;

	(void)unused;
	if (syscall(SYS_capget, &header, data))
		return 1;
	data[0].effective &= ~(1U << CAP_NET_ADMIN);
	if (syscall(SYS_capset, &header, data))
		return 2;
	if (lb_open(&options, &lb, &error) != -EPERM)
		return 3;
	return strstr(error.text, "CAP_NET_ADMIN is missing") ? 0 : 4;
}

static void a_missing_capability_is_named(void **state)
{
	(void)state;
	check_child(without_net_admin, 0);
}

static void services_are_set_and_pruned(void **state)
{
	const struct service_key keys[] = { { .addr = { 1 }, .port = 80, .proto = 6 },
					    { .addr = { 2 }, .port = 80, .proto = 6 },
					    { .addr = { 3 }, .port = 80, .proto = 6 } };
	const struct service value = { .number = 1, .row_count = 251 };
	struct lb *lb = open_sized(0);
	struct service_bucket *table = mmap(NULL, SERVICE_BUCKETS * sizeof(*table), PROT_READ,
					    MAP_SHARED, lb_maps(lb)->services, 0);
	struct service found;

	(void)state;
	assert_ptr_not_equal(table, MAP_FAILED);
	for (int i = 0; i < 3; i++)
		assert_int_equal(lb_service_set(lb, &keys[i], &value), 0);
	assert_int_equal(lb_services_prune(lb, &keys[1], 1), 0);
	assert_int_equal(service_table_get(table, &keys[0], &found), -ENOENT);
	assert_int_equal(service_table_get(table, &keys[1], &found), 0);
	assert_int_equal(service_table_get(table, &keys[2], &found), -ENOENT);
	assert_int_equal(lb_service_del(lb, &keys[1]), 0);
	assert_int_equal(lb_service_del(lb, &keys[1]), 0);
	munmap(table, SERVICE_BUCKETS * sizeof(*table));
	lb_close(lb);
}

static void other_versions_go_after_the_switch(void **state)
{
	char path[400], said[1000], want[200];
	struct lb *lb = open_sized(0);
	struct bpf_link_info first;
	struct caught caught;

	(void)state;
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	first = pinned_link("lbt0");
	lb_close(lb);
	snprintf(path, sizeof(path), "%s/maps-v1", dir);
	assert_int_equal(rename(maps_path(""), path), 0);
	caught_begin(&caught);
	lb = open_sized(0);
	caught_end(&caught, said, sizeof(said));
	snprintf(want, sizeof(want), "the pinned maps are of ABI version 1, this program's of %d",
		 POISE_ABI_VERSION);
	assert_non_null(strstr(said, want));
	assert_false(lb_adopted(lb));
	assert_int_equal(pinned_link("lbt0").prog_id, first.prog_id);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(lb_attach(lb, "lbt0", XDP_MODE_AUTO, &error), 0);
	assert_int_equal(pinned_link("lbt0").id, first.id);
	assert_int_not_equal(pinned_link("lbt0").prog_id, first.prog_id);
	assert_int_equal(access(path, F_OK), -1);
	lb_close(lb);
}

static void a_crash_while_maps_are_replaced_is_recovered(void **state)
{
	char current[400], other[400];
	struct lb *lb = open_sized(0);
	__u32 id = id_of_map(lb_maps(lb)->services);

	(void)state;
	lb_close(lb);
	snprintf(current, sizeof(current), "%s", maps_path(""));
	for (int i = 0; i < 2; i++) {
		snprintf(other, sizeof(other), "%s", maps_path(i ? "-old" : "-new"));
		assert_int_equal(rename(current, other), 0);
		lb = open_sized(0);
		assert_true(lb_adopted(lb));
		assert_int_equal(id_of_map(lb_maps(lb)->services), id);
		assert_int_equal(access(other, F_OK), -1);
		lb_close(lb);
	}
}

static void seeds_are_configurable(void **state)
{
	struct lb_options options = { .instance_dir = dir, .seed_set = true, .seed = { 1, 2 } };
	struct lb *lb;

	(void)state;
	assert_int_equal(lb_open(&options, &lb, &error), 0);
	assert_int_equal(lb_seed(lb)[0], 1);
	lb_close(lb);
	lb = open_sized(0);
	assert_int_equal(lb_seed(lb)[1], 2);
	lb_close(lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_are_made_written_and_found_again),
		TEST(a_held_table_is_closed_by_the_last),
		TEST(a_bad_table_leaves_none_of_them),
		TEST(all_services_fit_in_few_descriptors),
		TEST(a_second_daemon_adopts),
		TEST(targets_are_written_where_they_differ),
		TEST(a_missing_capability_is_named),
		TEST(services_are_set_and_pruned),
		TEST(other_versions_go_after_the_switch),
		TEST(a_crash_while_maps_are_replaced_is_recovered),
		TEST(seeds_are_configurable),
	};
	const char *reason = box_enter();

	if (reason) {
		printf("skip - lb: %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
