// SPDX-License-Identifier: BSD-2-Clause
/* Explanations in words and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "explanation/explain_view.h"
#include "print/json.h"

#define SCHEDULER(name) (SCHEDULER_##name << SERVICE_SCHEDULER_SHIFT)

enum { TARGETS = 8 };

static struct target_name target_names[TARGETS];
static struct target targets[TARGETS];
static const struct names names = { .targets = target_names, .target_count = TARGETS };

static int setup(void **state)
{
	(void)state;
	for (int i = 1; i < TARGETS - 1; i++) {
		strcpy(target_names[i].service, "web");
		memcpy(target_names[i].addr, (__u8[16]){ [10] = 0xff, [11] = 0xff, 10, 0, 0, i },
		       16);
		target_names[i].health = HEALTH_UP;
	}
	target_names[2].port = htons(8080);
	target_names[2].admin = ADMIN_DRAIN;
	targets[1] = (struct target){ .mode = MODE_GUE,
				      .outer_version = 4,
				      .mtu = 1500,
				      .ifindex = 1,
				      .dst_mac = { 2, 0, 0, 0, 0, 0xab },
				      .port = htons(6080),
				      .src = { 10, 9, 9, 9 },
				      .dst = { 10, 0, 0, 1 } };
	return 0;
}

static struct explain_report report(const struct explanation *flow)
{
	return (struct explain_report){ .flow = flow,
					.names = &names,
					.targets = targets,
					.source = "198.51.100.7:40000",
					.dest = "192.0.2.10:80/tcp",
					.connects = true,
					.tick_ms = 4096 };
}

static void rows_in_words(void **state)
{
	static const struct {
		struct row row;
		__u16 flags;
		const char *text;
	} rows[] = {
		{ { 0, 0 }, 0, "empty: no backend is there for it" },
		{ { 1, 0 }, 0, "stable: all its flows are 10.0.0.1's" },
		{ { 1, 2 },
		  0,
		  "moving away from 10.0.0.2:8080: new flows go to 10.0.0.1, those not in the flow "
		  "table are older and stay" },
		{ { 0, 1 },
		  0,
		  "moving away from 10.0.0.1: new flows find no backend, those not in the flow table "
		  "are older and stay" },
		{ { 1, ROW_TRACKED },
		  0,
		  "tracked: new flows go to 10.0.0.1, all others are in the flow table" },
		{ { 1, ROW_TRACKED },
		  SCHEDULER(LEASTCONN),
		  "tracked: new flows go where leastconn says, all others are in the flow table" },
		{ { 7, 0 }, 0, "stable: all its flows are target 7 (nameless)'s" },
		{ { 99, 0 }, 0, "stable: all its flows are target 99 (nameless)'s" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct explanation flow = { .row = rows[i].row, .service.flags = rows[i].flags };
		struct explain_report asked = report(&flow);

		assert_string_equal(explain_row_text(&asked, text, sizeof(text)), rows[i].text);
	}
}

static const struct reason_row {
	const char *text;
	__u64 entry;
	struct explain_choice choice;
	int left;
	__u16 flags;
	bool fresh, serves;
} reasons[] = {
	{ .choice = { EXPLAIN_PREVIOUS, 1 },
	  .text = "the flow table knows nothing of this flow: it is older than the row's "
		  "last change and stays where it was" },
	{ .choice = { EXPLAIN_PREVIOUS, 1 },
	  .flags = SERVICE_HASH_SOURCE,
	  .text = "the flow table knows nothing of this client: it is older than the row's "
		  "last change and stays where it was" },
	{ .choice = { EXPLAIN_CURRENT, 1 },
	  .fresh = true,
	  .text = "a SYN begins a new flow: the row's current backend takes it" },
	{ .choice = { EXPLAIN_CURRENT, 1 },
	  .entry = 3 << 16,
	  .text = "the flow table names 10.0.0.3, which serves no more: it counts as new, "
		  "and the row's current backend takes it" },
	{ .choice = { EXPLAIN_ENTRY, 3 },
	  .entry = 3 << 16,
	  .serves = true,
	  .text = "the flow table says so" },
	{ .choice = { EXPLAIN_ENTRY, 3 },
	  .entry = 3 << 16,
	  .serves = true,
	  .fresh = true,
	  .text = "the flow table says so: it is the same SYN again" },
	{ .choice = { EXPLAIN_ENTRY, 3 },
	  .entry = 3 << 16 | FLOW_ESTABLISHED,
	  .serves = true,
	  .fresh = true,
	  .text = "the flow table says so: the flow has not ended, and its backend answers the "
		  "SYN" },
	{ .choice = { EXPLAIN_ENTRY, 3 },
	  .entry = 3 << 16,
	  .serves = true,
	  .left = -1,
	  .text = "the flow table says so: the entry has expired, but nobody took its "
		  "place yet" },
	{ .choice = { EXPLAIN_SCHEDULED, 2 },
	  .flags = SCHEDULER(ROUNDROBIN),
	  .fresh = true,
	  .text = "a SYN begins a new flow: round robin has come to 10.0.0.2:8080" },
	{ .choice = { EXPLAIN_SCHEDULED, 0 },
	  .flags = SCHEDULER(RANDOM),
	  .fresh = true,
	  .text = "a SYN begins a new flow: any backend, by its weight, at random" },
	{ .choice = { EXPLAIN_NO_BACKEND, 0 },
	  .fresh = true,
	  .text = "a SYN begins a new flow, and no backend takes new flows: dropped as "
		  "no_backend" },
};

static void reasons_in_words(void **state)
{
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		struct explanation flow = { .row = { 1, 2 },
					    .service.flags = reasons[i].flags,
					    .entry = reasons[i].entry,
					    .entry_left_ticks = reasons[i].left,
					    .entry_serves = reasons[i].serves };
		struct explain_report asked = report(&flow);

		assert_string_equal(explain_reason(&asked, &reasons[i].choice, reasons[i].fresh,
						   text, sizeof(text)),
				    reasons[i].text);
	}
}

static const json_t *at(const json_t *tree, const char *path)
{
	char parts[128], *rest = parts, *part;

	strcpy(parts, path);
	while ((part = strsep(&rest, ".")))
		tree = json_object_get(tree, part);
	return tree;
}

static void all_of_it_as_json(void **state)
{
	struct explanation flow = { .service = { .row_count = 251, .number = 3 },
				    .name = { .name = "web", .mode = MODE_GUE },
				    .hash = 0x1234,
				    .row_index = 17,
				    .row = { 1, 2 },
				    .entry = flow_entry(0, 2, 5, FLOW_ESTABLISHED),
				    .entry_left_ticks = 5,
				    .entry_serves = true,
				    .first = { EXPLAIN_CURRENT, 1 },
				    .others = { EXPLAIN_ENTRY, 2 } };
	struct explain_report asked = report(&flow);
	json_t *service = json_pack("{s:[{s:s, s:s}], s:[]}", "backends", "id", "10.0.0.1",
				    "next_hop", "via 10.9.9.1 dev lo", "leaving");
	json_t *tree;

	(void)state;
	asked.service = service;
	tree = explain_encode(&asked);
	assert_non_null(tree);
	assert_string_equal(member_text(tree, "flow_hash"), "0000000000001234");
	assert_string_equal(member_text(at(tree, "row"), "kind"), "moving");
	assert_int_equal(member_number(at(tree, "row.previous"), "target"), 2);
	assert_string_equal(member_text(at(tree, "entry"), "state"), "established");
	assert_int_equal(member_number(at(tree, "entry"), "expires_s"), 20);
	assert_string_equal(member_text(at(tree, "first"), "why"), "current");
	assert_string_equal(member_text(at(tree, "first.backend"), "id"), "10.0.0.1");
	assert_string_equal(member_text(at(tree, "first.backend"), "mode"), "gue");
	assert_string_equal(member_text(at(tree, "first.backend"), "route"), "via 10.9.9.1 dev lo");
	assert_string_equal(member_text(at(tree, "first.backend.next_hop"), "interface"), "lo");
	assert_string_equal(member_text(at(tree, "first.backend.next_hop"), "mac"),
			    "02:00:00:00:00:ab");
	assert_string_equal(member_text(at(tree, "first.backend.next_hop"), "outer_destination"),
			    "10.0.0.1");
	assert_int_equal(member_number(at(tree, "first.backend.next_hop"), "outer_port"), 6080);
	assert_string_equal(member_text(at(tree, "others.backend"), "state"), "drain");
	/* Its target is not filled: packets are dropped. */
	assert_true(json_is_null(at(tree, "others.backend.next_hop")));
	json_decref(tree);
	json_decref(service);
	flow.row = (struct row){ 1, 0 };
	flow.first = flow.others = (struct explain_choice){ EXPLAIN_STABLE, 1 };
	asked.service = NULL;
	tree = explain_encode(&asked);
	assert_true(json_is_null(at(tree, "entry")));
	assert_true(json_is_null(at(tree, "row.previous")));
	assert_true(json_equal(at(tree, "first"), at(tree, "others")));
	json_decref(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_in_words),
		cmocka_unit_test(reasons_in_words),
		cmocka_unit_test(all_of_it_as_json),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
