// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "maps/layout.h"

static const struct layout *layout_of(const char *name)
{
	for (size_t i = 0; i < LAYOUTS; i++) {
		if (!strcmp(layouts[i].name, name))
			return &layouts[i];
	}
	fail_msg("no layout of %s", name);
	return NULL;
}

/* Reads bytes as a map dump shows them. Returns how many there were. */
static size_t bytes_of(const char *hex, __u8 *out)
{
	size_t count = strlen(hex) / 2;
	unsigned int byte;

	for (size_t i = 0; i < count; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		out[i] = byte;
	}
	return count;
}

/* Converts an entry as ABI version 3 wrote it. */
static void from_abi3(const char *name, const char *hex, void *value)
{
	const struct layout *layout = layout_of(name);
	__u8 found[128];

	assert_int_equal(layout->older[0].version, 1);
	assert_int_equal(bytes_of(hex, found), layout->older[0].value_size);
	memset(value, 0xff, layout->value_size);
	layout_convert(layout, 1, found, value);
}

#define ZEROS_8 "0000000000000000"

static void targets_of_abi3_keep_their_meaning(void **state)
{
	/* Dumped from a poised of ABI version 3. */
	static const struct {
		const char *hex;
		enum poise_mode mode;
		__u16 owner;
	} cases[] = {
		{ "0100dc05020000004e39f93b82358287d814d0a9" ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8
		  "00000000"
		  "00800f00dc001e00",
		  MODE_L2, TARGET_SERVES },
		{ "0604dc05020000004e39f93b82358287d814d0a900510000" ZEROS_8 ZEROS_8
		  "0a00000b" ZEROS_8 "00000000"
		  "01800f00dc001e00",
		  MODE_NAT_KEEP, 1 | TARGET_SERVES },
		{ "0404dc050200000056a6901591e88287d814d0a91f900000ff030100fd9b01000f00030000000000"
		  "0a00000c" ZEROS_8 "00000000"
		  "02801e00dc001e00",
		  MODE_NAT, 2 | TARGET_SERVES },
		{ "0306dc05020000009eebeb31c50d8287d814d0a917c00000"
		  "20010db8000200000000000000000002"
		  "20010db8000200000000000000000013"
		  "03800f00dc001e00",
		  MODE_GUE, 3 | TARGET_SERVES },
		{ "0500000000000000" ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8
		  "04800f00dc001e00",
		  MODE_LOCAL, 4 | TARGET_SERVES },
		{ ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8, MODE_NONE, 0 },
	};
	struct target target;
	__u8 found[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		from_abi3("targets", cases[i].hex, &target);
		assert_int_equal(target.mode, cases[i].mode);
		assert_int_equal(target.owner, cases[i].owner);
		bytes_of(cases[i].hex, found);
		/* All but the mode's number. */
		assert_memory_equal((__u8 *)&target + 1, found + 1, sizeof(found) - 1);
	}
}

static void names_of_abi3_keep_their_meaning(void **state)
{
#define ZEROS_48 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8
#define ZEROS_36 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 "00000000"
	struct service_name name;
	struct target_name target;
	const __u8 none[41] = { 0 };

	(void)state;
	from_abi3("service_names",
		  "6b65657000000000" ZEROS_48 ZEROS_8 "00000000000000000000ffffc000020a00510600"
		  "0100010006004000" ZEROS_36,
		  &name);
	assert_string_equal(name.name, "keep");
	assert_int_equal(name.key.port, htons(81));
	assert_int_equal(name.key.proto, IPPROTO_TCP);
	assert_int_equal(name.row_count, 65537);
	assert_int_equal(name.mode, MODE_NAT_KEEP);
	assert_int_equal(name.flags, SERVICE_NAT_KEEP);
	from_abi3("service_names",
		  "6f776e0000000000" ZEROS_48 ZEROS_8 "00000000000000000000ffff000000001f940602"
		  "0100010005000000" ZEROS_36,
		  &name);
	assert_string_equal(name.name, "own");
	assert_int_equal(name.key.kind, KEY_LOCAL);
	assert_int_equal(name.mode, MODE_LOCAL);
	assert_int_equal(name.flags, 0);

	from_abi3("target_names",
		  "66756c6c00000000" ZEROS_48 ZEROS_8 "00000000000000000000ffff0a00000c1f906400"
		  "030001" ZEROS_8 "00",
		  &target);
	assert_string_equal(target.service, "full");
	assert_int_equal(target.port, htons(8080));
	assert_int_equal(target.weight, 100);
	assert_int_equal(target.health, HEALTH_UNCHECKED);
	assert_int_equal(target.admin, ADMIN_READY);
	assert_int_equal(target.flags, TARGET_NAME_LEAVING);
	assert_memory_equal(target.reserved, none, sizeof(none));
}

static void counters_and_switches_of_abi3_grow_at_their_end(void **state)
{
	static const struct {
		const char *name;
		size_t words; /* that there were */
	} cases[] = { { "counters", 6 },
		      { "flow_counters", 4 },
		      { "nat_counters", 4 },
		      { "switches", 1 },
		      { "drops", 1 } };
	const __u64 found[6] = { 1, 2, 3, 4, 5, 0 };
	__u64 value[8];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct layout *layout = layout_of(cases[i].name);
		size_t words = layout->value_size / sizeof(__u64);

		memset(value, 0xff, sizeof(value));
		layout_convert(layout, 1, found, value);
		for (size_t word = 0; word < words; word++)
			assert_int_equal(value[word], word < cases[i].words ? found[word] : 0);
	}
}

static void meta_of_abi3_says_version_1_of_what_it_had(void **state)
{
	struct meta_abi3 found;
	struct meta meta;

	(void)state;
	assert_int_equal(sizeof(found), 48);
	bytes_of(
		"0300000000000100a4e7b33df6bad696973d78d2dc15c5eef80494f27f020000f656090000093d000a"
		"00000000000000",
		(__u8 *)&found);
	layout_meta_from_abi3(&found, &meta);
	assert_int_equal(meta.nat_sets, 65536);
	assert_true(meta.seed[0] == 0x96d6baf63db3e7a4 && meta.seed[1] == 0xeec515dcd2783d97);
	assert_int_equal(meta.clock.jiffy_ns, 4000000);
	assert_int_equal(meta.clock.tick_shift, 10);
	for (size_t i = 0; i < LAYOUTS; i++) {
		bool newer = !strcmp(layouts[i].name, "answers") ||
			     !strcmp(layouts[i].name, "fragments");

		assert_int_equal(layout_version(&layouts[i], &meta), !newer);
	}
}

static void meta_names_the_layout_of_each_map(void **state)
{
	const struct layout other = { "weather", 1 };
	struct meta meta = { .abi_version = POISE_ABI_VERSION };

	(void)state;
	assert_int_equal(layout_version(&layouts[0], &meta), 0);
	layout_versions_set(&meta);
	for (size_t i = 0; i < LAYOUTS; i++) {
		assert_true(strlen(layouts[i].name) < sizeof(meta.layouts[i].map));
		assert_int_equal(layout_version(&layouts[i], &meta), layouts[i].version);
	}
	assert_int_equal(layout_version(&other, &meta), 0);
}

/* Connections and counters outlive every change of layouts; no version in between is left out. */
static void every_older_layout_is_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < LAYOUTS; i++) {
		const struct layout *layout = &layouts[i];
		__u32 known = 0;

		if (!strcmp(layout->name, "meta"))
			continue;
		for (const struct layout_older *older = layout->older; older && older->version;
		     older++) {
			assert_in_range(older->version, 1, layout->version - 1);
			assert_true(older->convert || older->value_size <= layout->value_size);
			known++;
		}
		if (known != layout->version - 1)
			fail_msg("%s has layout %u, and %u older ones are known", layout->name,
				 layout->version, known);
	}
}

static const struct {
	const char *map;
	__u32 version;
	struct bpf_map_info info;
	const char *why; /* NULL: it is what its version says */
} checks[] = {
	{ "drops",
	  2,
	  { .type = BPF_MAP_TYPE_PERCPU_ARRAY,
	    .key_size = 4,
	    .value_size = 8,
	    .max_entries = 64 } },
	{ "drops",
	  1,
	  { .type = BPF_MAP_TYPE_PERCPU_ARRAY,
	    .key_size = 4,
	    .value_size = 8,
	    .max_entries = 12 } },
	{ "drops",
	  1,
	  { .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 64 },
	  "drops has 64 entries, expected 12" },
	{ "drops",
	  3,
	  { .type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 64 },
	  "drops has layout 3, expected 2 or an older one" },
	{ "flows",
	  2,
	  { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64 },
	  "flows has layout 2, expected 1" },
	{ "flows",
	  0,
	  { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64 },
	  "meta names no layout of flows" },
	{ "flows",
	  1,
	  { .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64 },
	  "flows cannot be mapped into memory" },
	{ "flows",
	  1,
	  { .type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 64 },
	  "flows is not a map of the expected type" },
	{ "targets",
	  1,
	  { .type = BPF_MAP_TYPE_ARRAY,
	    .key_size = 4,
	    .value_size = 128,
	    .map_flags = BPF_F_MMAPABLE },
	  "targets has keys of 4 and values of 128 bytes, expected 4 and 64" },
	{ "targets",
	  1,
	  { .type = BPF_MAP_TYPE_ARRAY,
	    .key_size = 4,
	    .value_size = 64,
	    .max_entries = 17,
	    .map_flags = BPF_F_MMAPABLE } },
};

static void a_map_is_checked_against_its_version(void **state)
{
	char why[128];

	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		int err = layout_check(layout_of(checks[i].map), checks[i].version, &checks[i].info,
				       why, sizeof(why));

		assert_int_equal(err, checks[i].why ? -EPROTO : 0);
		if (err)
			assert_string_equal(why, checks[i].why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_of_abi3_keep_their_meaning),
		cmocka_unit_test(names_of_abi3_keep_their_meaning),
		cmocka_unit_test(counters_and_switches_of_abi3_grow_at_their_end),
		cmocka_unit_test(meta_of_abi3_says_version_1_of_what_it_had),
		cmocka_unit_test(meta_names_the_layout_of_each_map),
		cmocka_unit_test(every_older_layout_is_known),
		cmocka_unit_test(a_map_is_checked_against_its_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
