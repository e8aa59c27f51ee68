// SPDX-License-Identifier: BSD-2-Clause
/*
 * Tests the options of mode nat at the start, the memory that it takes, and its maps beside the
 * table.
 */
#include "fixtures/lb_nat_box.h"

#include <bpf/libbpf.h>

static void bad_options_are_refused(void **state)
{
	static const struct lb_options bad[] = {
		{ .nat_flows = 1000 },
		{ .nat_flows = 512 },
		{ .nat_flows = 1025 },
		{ .nat_flows = 3 << 20 },
		{ .nat_flows = POISE_MAX_NAT_FLOWS * 2 },
		{ .nat_port_first = 2000, .nat_port_last = 1999 },
		{ .nat_port_last = 1999 },
		{ .nat_port_first = 2000 },
	};
	struct lb *lb;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct lb_options options = bad[i];

		options.instance_dir = dir;
		assert_int_equal(lb_open(&options, &lb, &error), -EINVAL);
	}
}

static void ports_are_as_configured(void **state)
{
	struct lb_options options = { .instance_dir = dir };
	struct lb *lb = open_with(&options);

	(void)state;
	assert_int_equal(lb->nat_port_first, 10240);
	assert_int_equal(lb->nat_port_count, 22528);
	lb_close(lb);
	options.nat_port_first = 1024;
	options.nat_port_last = 65535;
	lb = open_with(&options);
	assert_int_equal(lb->nat_port_first, 1024);
	assert_int_equal(lb->nat_port_count, 64512);
	lb_close(lb);
}

static int available(const char *text)
{
	FILE *file = fopen("/tmp/meminfo", "w");

	return !file || fprintf(file, "MemAvailable: %s kB\n", text) < 0 || fclose(file);
}

/* This runs in a child process, whose mount namespace and mounts end with it. */
static int with_little_memory(__u32 unused)
{
	const struct lb_options options = { .instance_dir = dir };
	struct lb *lb;

	(void)unused;
	if (unshare(CLONE_NEWNS) || mount("none", "/tmp", "tmpfs", 0, NULL))
		return 1;
	if (available("40960") || mount("/tmp/meminfo", "/proc/meminfo", NULL, MS_BIND, NULL))
		return 2;
	/* Whoever has no service by NAT is not to be kept from starting. */
	if (lb_open(&options, &lb, &error))
		return 3;
	if (lb_nat_make(lb, &error) != -ENOMEM ||
	    strcmp(error.text, "nat_flows: 256K flows take 36 MiB, of which 40 MiB are available: "
			       "at most 128K"))
		return 4;
	if (available("409600"))
		return 5;
	if (lb_nat_make(lb, &error) != -ENOMEM ||
	    strcmp(error.text, "nat_flows: when poised started there was no memory for 256K "
			       "flows, now there is: start it again"))
		return 6;
	lb_close(lb);
	if (lb_open(&options, &lb, &error) || lb_nat_make(lb, &error))
		return 7;
	lb_close(lb);
	/* One that is there already takes no more. */
	if (available("1000"))
		return 8;
	return lb_open(&options, &lb, &error) || lb_nat_make(lb, &error) ? 9 : 0;
}

static void memory_is_asked_for_first(void **state)
{
	(void)state;
	check_child(with_little_memory, 0);
}

static void memory_is_accounted_for(void **state)
{
	struct lb *lb = open_nat(65536);
	__u64 each[MAPS_COUNT], without, with;
	const size_t bytes = 65536 / 4 * sizeof(struct nat_set);

	(void)state;
	without = lb_memory_bytes(lb, each);
	make(lb, 65536);
	with = lb_memory_bytes(lb, each);
	assert_true(with >= without + bytes && with <= without + bytes + 65536);
	lb_close(lb);
	lb = open_nat(65536);
	assert_int_equal(lb_memory_bytes(lb, each), with);
	lb_close(lb);
}

static void sources_switches_and_counters(void **state)
{
	static struct nat_source all[POISE_MAX_NAT_SOURCES];
	const struct nat_source source = { { [10] = 0xff, 0xff, 192, 0, 2, 1 } }, none = { { 0 } };
	struct switches switches = { .nat_keep = 3 };
	struct lb *lb = open_nat(0);
	int cpus = libbpf_num_possible_cpus();
	struct nat_counter *values = calloc(cpus, sizeof(*values)), sum;
	__u32 zero = 0;

	(void)state;
	assert_int_equal(lb_nat_source_set(lb, POISE_MAX_NAT_SOURCES - 1, &source), 0);
	assert_true(lb_nat_source_set(lb, POISE_MAX_NAT_SOURCES, &source) < 0);
	lb_switches_set(lb, &switches);
	for (int i = 0; i < cpus; i++)
		values[i] = (struct nat_counter){ 1, 2, 3, 4 };
	assert_int_equal(bpf_map_update_elem(lb_maps(lb)->nat_counters, &zero, values, 0), 0);
	free(values);
	lb_close(lb);

	lb = open_nat(0);
	assert_int_equal(lb_nat_source_get(lb, POISE_MAX_NAT_SOURCES - 1, &all[0]), 0);
	assert_memory_equal(&all[0], &source, sizeof(source));
	assert_int_equal(lb_nat_source_get(lb, 0, &all[0]), 0);
	assert_memory_equal(&all[0], &none, sizeof(none));
	assert_true(lb_nat_source_get(lb, POISE_MAX_NAT_SOURCES, &all[0]) < 0);
	assert_int_equal(nat_sources_read(lb_maps(lb), all), 0);
	assert_memory_equal(&all[POISE_MAX_NAT_SOURCES - 1], &source, sizeof(source));
	assert_memory_equal(&all[1], &none, sizeof(none));
	memset(&switches, 0, sizeof(switches));
	assert_int_equal(bpf_map_lookup_elem(lb_maps(lb)->switches, &zero, &switches), 0);
	assert_int_equal(switches.nat_keep, 3);
	assert_int_equal(nat_counters_read(lb_maps(lb), &sum), 0);
	assert_int_equal(sum.made, cpus);
	assert_int_equal(sum.evicted, 2 * cpus);
	assert_int_equal(sum.broken, 3 * cpus);
	assert_int_equal(sum.reused, 4 * cpus);
	lb_close(lb);
}

/* Both directions are summed. */
static void counters_have_replies(void **state)
{
	struct lb *lb = open_nat(0);
	int cpus = libbpf_num_possible_cpus();
	struct counter *values = calloc(cpus, sizeof(*values)), sum[2];
	__u32 one = 1;

	(void)state;
	for (int i = 0; i < cpus; i++)
		values[i] = (struct counter){ 1, 2, 3, 4, 5 };
	assert_int_equal(bpf_map_update_elem(lb_maps(lb)->counters, &one, values, 0), 0);
	free(values);
	assert_int_equal(counters_read(lb_maps(lb), sum, 2), 0);
	assert_int_equal(sum[0].reply_packets, 0);
	assert_int_equal(sum[1].packets, cpus);
	assert_int_equal(sum[1].reply_packets, 4 * cpus);
	assert_int_equal(sum[1].reply_bytes, 5 * cpus);
	lb_close(lb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_options_are_refused),       TEST(ports_are_as_configured),
		TEST(memory_is_asked_for_first),     TEST(memory_is_accounted_for),
		TEST(sources_switches_and_counters), TEST(counters_have_replies),
	};
	const char *reason = box_enter();

	if (reason) {
		printf("skip - lb_nat_options: %s\n", reason);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
