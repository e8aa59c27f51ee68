// SPDX-License-Identifier: BSD-2-Clause
/* When a backend that drains is empty. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "drain/drain_judge.h"

#define S 1000ULL

static const struct judge_row {
	const char *name;
	struct drain_seen seen;
	__u64 elapsed_ms, silent_ms, timeout_ms; /* 0: no limit */
	enum drain_verdict verdict;
} rows[] = {
	{ "who is gone has no connections", { .there = false }, 0, 0, 0, DRAIN_DONE },
	{ "made ready again", { .there = true, .undone = true }, 0, 0, 0, DRAIN_UNDONE },
	{ "not counted since", { .there = true }, 5 * S, 0, 0, DRAIN_WAIT },
	{ "not even when time is up", { .there = true }, 5 * S, 0, 5 * S, DRAIN_TIMEOUT },
	{ "counted: none", { .there = true, .counted = true }, S, 0, 0, DRAIN_DONE },
	{ "counted: some",
	  { .there = true, .counted = true, .flows = 1 },
	  S,
	  0,
	  2 * S,
	  DRAIN_WAIT },
	{ "none, just in time", { .there = true, .counted = true }, 5 * S, 0, 5 * S, DRAIN_DONE },
	{ "some when time is up",
	  { .there = true, .counted = true, .flows = 1 },
	  5 * S,
	  0,
	  5 * S,
	  DRAIN_TIMEOUT },
	{ "silent ones may be there",
	  { .there = true, .counted = true, .previous_rows = 3, .settle_ms = 900 * S },
	  60 * S,
	  0,
	  0,
	  DRAIN_WAIT },
	{ "until a change settles",
	  { .there = true, .counted = true, .previous_rows = 3, .settle_ms = 900 * S },
	  900 * S,
	  0,
	  0,
	  DRAIN_DONE },
	{ "silent ones are not waited for",
	  { .there = true, .counted = true, .previous_rows = 3 },
	  30 * S,
	  30 * S,
	  0,
	  DRAIN_SILENT },
	{ "but for that time they are",
	  { .there = true, .counted = true, .previous_rows = 3 },
	  29 * S,
	  30 * S,
	  0,
	  DRAIN_WAIT },
	{ "others are waited for",
	  { .there = true, .counted = true, .flows = 2, .previous_rows = 3 },
	  31 * S,
	  30 * S,
	  0,
	  DRAIN_WAIT },
	{ "all that are left are silent",
	  { .there = true, .counted = true, .flows = 5, .silent = 5 },
	  S,
	  5 * S,
	  0,
	  DRAIN_SILENT },
	{ "one of them is not",
	  { .there = true, .counted = true, .flows = 5, .silent = 4 },
	  S,
	  5 * S,
	  0,
	  DRAIN_WAIT },
	{ "silent ones are left when a change has settled",
	  { .there = true,
	    .counted = true,
	    .flows = 1,
	    .silent = 1,
	    .previous_rows = 3,
	    .settle_ms = 9 * S },
	  9 * S,
	  30 * S,
	  0,
	  DRAIN_SILENT },
};

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct judge_row *row = &rows[i];
		enum drain_verdict verdict =
			drain_judge(&row->seen, row->elapsed_ms,
				    row->silent_ms ? row->silent_ms : DRAIN_FOREVER,
				    row->timeout_ms ? row->timeout_ms : DRAIN_FOREVER);

		if (verdict != row->verdict)
			fail_msg("%s: %d", row->name, verdict);
	}
}

static struct drain_seen read_service(const char *id, __u64 elapsed_ms)
{
	static const char text[] =
		"{\"settle\": \"15m\", \"tracking\": {\"sweep_age_ms\": 400}, \"backends\": ["
		"{\"id\": \"10.0.0.11\", \"state\": \"drain\", \"flows\": 12, \"previous_rows\": 9,"
		" \"target\": 4},"
		"{\"id\": \"10.0.0.12\", \"state\": \"ready\", \"flows\": 0}], \"leaving\": ["
		"{\"id\": \"10.0.0.13\", \"state\": \"ready\", \"flows\": 1}]}";
	json_t *service = json_loads(text, 0, NULL);
	struct drain_seen seen;

	assert_non_null(service);
	drain_read(service, id, elapsed_ms, &seen);
	json_decref(service);
	return seen;
}

static void what_poised_says(void **state)
{
	struct drain_seen seen = read_service("10.0.0.11", 500);

	(void)state;
	assert_true(seen.there && !seen.undone && seen.counted);
	assert_int_equal(seen.flows, 12);
	assert_int_equal(seen.previous_rows, 9);
	assert_int_equal(seen.target, 4);
	assert_int_equal(seen.settle_ms, 900 * S);
	/* A sweep from before the drain knows nothing of it. */
	assert_false(read_service("10.0.0.11", 399).counted);
	assert_true(read_service("10.0.0.12", 500).undone);
	seen = read_service("10.0.0.13", 500);
	assert_true(seen.there && !seen.undone);
	assert_false(read_service("10.0.0.14", 500).there);
}

static void named_by_its_address(void **state)
{
	json_t *service = json_loads("{\"backends\": [{\"id\": \"10.0.0.11:80\"},"
				     "{\"id\": \"[2001:db8::1]:80\"}, {\"id\": \"10.0.0.12\"}]}",
				     0, NULL);
	static const char *const names[][2] = {
		{ "10.0.0.11", "10.0.0.11:80" },
		{ "2001:db8::1", "[2001:db8::1]:80" },
		{ "10.0.0.12", "10.0.0.12" },
		{ "10.0.0.11:80", "10.0.0.11:80" },
	};

	(void)state;
	assert_non_null(service);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char id[ENDPOINT_TEXT_SIZE];

		snprintf(id, sizeof(id), "%s", names[i][0]);
		drain_name(service, id);
		assert_string_equal(id, names[i][1]);
	}
	json_decref(service);
}

static void silent_ones_are_told(void **state)
{
	struct drain_seen seen = { .there = true, .counted = true };
	char text[128];

	(void)state;
	assert_string_equal(drain_words(DRAIN_DONE, &seen, "5s", text, sizeof(text)), "drained");
	seen.flows = seen.silent = 5;
	assert_string_equal(drain_words(DRAIN_SILENT, &seen, "5s", text, sizeof(text)),
			    "drained, but for 5 connections silent for 5s");
	seen.silent = 1;
	assert_string_equal(drain_words(DRAIN_SILENT, &seen, "5s", text, sizeof(text)),
			    "drained, but for 1 connection silent for 5s");
	seen.previous_rows = 3;
	assert_string_equal(drain_words(DRAIN_SILENT, &seen, "5s", text, sizeof(text)),
			    "drained, but for 1 or more connections silent for 5s");
	seen.silent = 0;
	assert_string_equal(drain_words(DRAIN_SILENT, &seen, "5s", text, sizeof(text)),
			    "drained, but for connections silent for 5s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(what_poised_says),
		cmocka_unit_test(named_by_its_address),
		cmocka_unit_test(silent_ones_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
