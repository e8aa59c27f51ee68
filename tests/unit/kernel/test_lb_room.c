// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/lb_room.h"

#define MIB (1ULL << 20)

static char root[] = "/tmp/poise-room-XXXXXX";

static void file_write(const char *path, const char *text)
{
	char full[300], command[400];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	snprintf(command, sizeof(command), "mkdir -p $(dirname %s)", full);
	assert_int_equal(system(command), 0);
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int setup(void **state)
{
	(void)state;
	strcpy(strrchr(root, '-'), "-XXXXXX");
	return !mkdtemp(root);
}

static int teardown(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void meminfo_write(void)
{
	file_write("proc/meminfo", "MemTotal:       24680000 kB\nMemFree:        100 kB\n"
				   "MemAvailable:    2097152 kB\n");
}

static void what_cannot_be_read_limits_nothing(void **state)
{
	struct lb_error error;

	(void)state;
	assert_true(lb_room_bytes(root) == LB_ROOM_UNKNOWN);
	assert_int_equal(lb_room_check(&lb_room_flows, POISE_MAX_FLOWS, LB_ROOM_UNKNOWN, &error),
			 0);
	assert_true(lb_room_bytes("") > 0);
}

static void the_machine_limits(void **state)
{
	(void)state;
	meminfo_write();
	assert_int_equal(lb_room_bytes(root), 2048 * MIB);
	file_write("proc/self/cgroup", "4:memory:/a/b\n0::/\n");
	assert_int_equal(lb_room_bytes(root), 2048 * MIB);
}

static void each_cgroup_above_limits(void **state)
{
	(void)state;
	meminfo_write();
	file_write("proc/self/cgroup", "1:cpu:/x\n0::/system.slice/poised.service\n");
	file_write("sys/fs/cgroup/system.slice/poised.service/memory.max", "max\n");
	assert_int_equal(lb_room_bytes(root), 2048 * MIB);
	file_write("sys/fs/cgroup/system.slice/poised.service/memory.max", "1073741824\n");
	file_write("sys/fs/cgroup/system.slice/poised.service/memory.current", "104857600\n");
	assert_int_equal(lb_room_bytes(root), 924 * MIB);
	file_write("sys/fs/cgroup/system.slice/poised.service/memory.stat",
		   "anon 1\ninactive_file 52428800\nactive_file 7\n");
	assert_int_equal(lb_room_bytes(root), 974 * MIB);
	file_write("sys/fs/cgroup/system.slice/memory.max", "536870912\n");
	assert_int_equal(lb_room_bytes(root), 512 * MIB);
	/* A container's own. */
	file_write("sys/fs/cgroup/memory.max", "104857600\n");
	file_write("sys/fs/cgroup/memory.current", "104857601\n");
	assert_int_equal(lb_room_bytes(root), 0);
}

static void the_largest_that_would_do_is_named(void **state)
{
	static const struct {
		const struct lb_room_table *table;
		__u32 flows;
		__u64 room_bytes;
		const char *says; /* NULL: there is room */
	} cases[] = {
		{ &lb_room_flows, POISE_MAX_FLOWS, 4096 * MIB, NULL },
		{ &lb_room_flows, POISE_MAX_FLOWS, 4096 * MIB - 1,
		  "flows: 256M entries take 2048 MiB, of which 4095 MiB are available: at most "
		  "128M" },
		{ &lb_room_flows, POISE_MAX_FLOWS, 1100 * MIB,
		  "flows: 256M entries take 2048 MiB, of which 1100 MiB are available: at most "
		  "64M" },
		{ &lb_room_flows, POISE_DEFAULT_FLOWS, 16 * MIB, NULL },
		{ &lb_room_flows, POISE_DEFAULT_FLOWS, 15 * MIB,
		  "flows: 1M entries take 8 MiB, of which 15 MiB are available: at most 512K" },
		{ &lb_room_flows, 2 * POISE_MIN_FLOWS, 16384,
		  "flows: 2K entries take 16 KiB, of which 16 KiB are available: at most 1K" },
		{ &lb_room_flows, POISE_MIN_FLOWS, 0, NULL },
		{ &lb_room_nat, POISE_DEFAULT_NAT_FLOWS, 72 * MIB, NULL },
		{ &lb_room_nat, POISE_DEFAULT_NAT_FLOWS, 71 * MIB,
		  "nat_flows: 256K flows take 36 MiB, of which 71 MiB are available: at most "
		  "128K" },
		{ &lb_room_nat, POISE_MAX_NAT_FLOWS, 1024 * MIB,
		  "nat_flows: 32M flows take 4608 MiB, of which 1024 MiB are available: at most "
		  "2M" },
		{ &lb_room_nat, POISE_MIN_NAT_FLOWS, 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lb_error error = { "" };
		int err =
			lb_room_check(cases[i].table, cases[i].flows, cases[i].room_bytes, &error);

		assert_int_equal(err, cases[i].says ? -ENOMEM : 0);
		assert_string_equal(error.text, cases[i].says ? cases[i].says : "");
	}
}

static void the_kernel_may_know_better(void **state)
{
	struct lb_error error;

	(void)state;
	lb_room_refused(&lb_room_flows, 1U << 24, LB_ROOM_UNKNOWN, &error);
	assert_string_equal(
		error.text,
		"flows: 16M entries take 128 MiB, which the kernel does not give: at most 8M");
	lb_room_refused(&lb_room_flows, 1U << 24, 64 * MIB, &error);
	assert_string_equal(
		error.text,
		"flows: 16M entries take 128 MiB, which the kernel does not give: at most 4M");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_read_limits_nothing), TEST(the_machine_limits),
		TEST(each_cgroup_above_limits),           TEST(the_largest_that_would_do_is_named),
		TEST(the_kernel_may_know_better),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
