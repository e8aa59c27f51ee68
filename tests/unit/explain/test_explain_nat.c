// SPDX-License-Identifier: BSD-2-Clause
/* Tests what is said about packets of services in mode nat and about connections to sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <cmocka.h>

#include "explain/explain.h"
#include "explanation/explain_reply_view.h"
#include "explanation/explain_view.h"
#include "print/json.h"

#define SCHEDULER(name) (SCHEDULER_##name << SERVICE_SCHEDULER_SHIFT)
#define ESTABLISHED     (NAT_REPLIED | NAT_ASSURED)
#define ENDED           (ESTABLISHED | NAT_FIN_CLIENT | NAT_FIN_BACKEND)
#define NO_ENTRY        (-1)

/* The entry, if any, is with target 9. */
static const struct choice_row {
	const char *name;
	struct row row;
	__u16 flags;
	short entry; /* its flags */
	short left;
	bool lost, syn;
	enum explain_why why;
	__u16 target;
} rows[] = {
	{ "no entry: the row", { 5, 0 }, 0, NO_ENTRY, .why = EXPLAIN_STABLE, .target = 5 },
	{ "an entry, whatever the row",
	  { 5, 0 },
	  0,
	  ESTABLISHED,
	  7,
	  .why = EXPLAIN_NAT,
	  .target = 9 },
	{ "by its last tick", { 5, 0 }, 0, 0, 0, .why = EXPLAIN_NAT, .target = 9 },
	{ "but not expired", { 5, 0 }, 0, ESTABLISHED, -1, .why = EXPLAIN_STABLE, .target = 5 },
	{ "nor with who serves no more",
	  { 5, 0 },
	  0,
	  ESTABLISHED,
	  7,
	  true,
	  .why = EXPLAIN_STABLE,
	  .target = 5 },
	{ "a SYN again follows", { 5, 0 }, 0, 0, 7, false, true, EXPLAIN_NAT, 9 },
	{ "of one that has ended a SYN begins another",
	  { 5, 0 },
	  0,
	  ENDED,
	  7,
	  false,
	  true,
	  EXPLAIN_STABLE,
	  5 },
	{ "the rest of it follows", { 5, 0 }, 0, ENDED, 7, .why = EXPLAIN_NAT, .target = 9 },
	{ "a scheduler is asked though rows are stable",
	  { 5, 0 },
	  SCHEDULER(LEASTCONN),
	  NO_ENTRY,
	  .why = EXPLAIN_SCHEDULED,
	  .target = 7 },
	{ "nobody is there", { 0, 0 }, 0, NO_ENTRY, .syn = true, .why = EXPLAIN_NO_BACKEND },
	{ "but for those who have one",
	  { 0, 0 },
	  0,
	  ESTABLISHED,
	  7,
	  .why = EXPLAIN_NAT,
	  .target = 9 },
	{ "whole clients: their row",
	  { 5, 6 },
	  SERVICE_HASH_SOURCE,
	  NO_ENTRY,
	  .syn = true,
	  .why = EXPLAIN_PREVIOUS,
	  .target = 6 },
	{ "and not by a scheduler",
	  { 5, 0 },
	  SERVICE_HASH_SOURCE | SCHEDULER(RANDOM),
	  NO_ENTRY,
	  .syn = true,
	  .why = EXPLAIN_STABLE,
	  .target = 5 },
	{ "each connection of theirs has its entry",
	  { 5, 6 },
	  SERVICE_HASH_SOURCE,
	  ESTABLISHED,
	  7,
	  .why = EXPLAIN_NAT,
	  .target = 9 },
};

static void packets_by_nat_follow_the_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct choice_row *row = &rows[i];
		struct explanation flow = { .row = row->row,
					    .service.flags = row->flags | SERVICE_NAT,
					    .nat = { .left_ticks = row->left,
						     .serves = !row->lost,
						     .syn_is_new = row->entry == ENDED,
						     .entry.target = 9 } };
		struct explain_choice choice;

		if (row->entry != NO_ENTRY)
			flow.nat.word = nat_word(1, 0, row->entry);
		choice = explain_choose(&flow, row->syn, 7);
		if (choice.why != row->why || choice.target != row->target)
			fail_msg("%s: %d, target %u", row->name, choice.why, choice.target);
	}
}

static void connections_to_sockets_are_new(void **state)
{
	struct explanation flow = { .row = { 5, 0 },
				    .name = { .mode = MODE_LOCAL, .key.proto = IPPROTO_TCP } };

	(void)state;
	assert_int_equal(explain_choose(&flow, true, 7).target, 5);
	flow.service.flags = SCHEDULER(ROUNDROBIN);
	assert_int_equal(explain_choose(&flow, true, 7).why, EXPLAIN_SCHEDULED);
	assert_int_equal(explain_choose(&flow, true, 7).target, 7);
	/* Datagrams of a stable row are their hash's. */
	flow.name.key.proto = IPPROTO_UDP;
	assert_int_equal(explain_choose(&flow, false, 7).why, EXPLAIN_STABLE);
}

static void the_client_s_entry_is_found_in_its_set(void **state)
{
	const struct addr client = { .b = { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 } };
	const __u64 hash = 0x1234567800000009ULL;
	const __u32 tag = flow_tag(hash);
	struct nat_entry right = { .client_port = htons(40000), .service = 3 };
	struct nat_set set = { 0 };

	(void)state;
	memcpy(right.client, client.b, sizeof(right.client));
	assert_int_equal(explain_nat_match(&set, &client, htons(40000), 3, hash), NAT_PER_SET);
	/*
	 * These entries have the same tag: the other direction, one that is being written, another
	 * client's, another service's.
	 */
	for (int i = 0; i < 6; i++)
		set.entries[i] = right;
	set.words[0] = nat_word(tag, 0, NAT_REPLY);
	set.words[1] = nat_word(tag, 0, NAT_BUSY);
	set.words[2] = nat_word(tag, 0, ESTABLISHED);
	set.entries[2].client_port = htons(40001);
	set.words[3] = nat_word(tag, 0, ESTABLISHED);
	set.entries[3].service = 4;
	set.words[4] = nat_word(tag + 1, 0, ESTABLISHED);
	set.words[5] = nat_word(tag, 0, ESTABLISHED);
	set.entries[5].client[15] = 9;
	assert_int_equal(explain_nat_match(&set, &client, htons(40000), 3, hash), NAT_PER_SET);
	set.entries[7] = right;
	set.words[7] = nat_word(tag, 0, ESTABLISHED);
	assert_int_equal(explain_nat_match(&set, &client, htons(40000), 3, hash), 7);
}

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void a_reply_is_found_by_both_its_ends(void **state)
{
	const struct explain_reply_key key = { .hash = 0x1234567800000009ULL,
					       .backend = parsed("10.0.0.5"),
					       .source = parsed("10.0.0.1"),
					       .backend_port = htons(8080),
					       .nat_port = htons(12345) };
	const __u32 tag = flow_tag(key.hash);
	const struct target backend = { .outer_version = 4,
					.port = htons(8080),
					.dst = { 10, 0, 0, 5 } };
	const struct nat_entry entry = { .nat_port = htons(12345) };
	struct nat_source source, other_source;
	struct nat_entry other_port = entry;
	struct target other_backend = backend;
	const struct {
		const char *name;
		__u64 word;
		const struct nat_entry *entry;
		const struct target *target;
		const struct nat_source *source;
		bool found;
	} cases[] = {
		{ "it", nat_word(tag, 9, NAT_REPLY), &entry, &backend, &source, true },
		{ "expired", nat_word(tag, 7, NAT_REPLY), &entry, &backend, &source, false },
		{ "the client's", nat_word(tag, 9, 0), &entry, &backend, &source, false },
		{ "being written", nat_word(tag, 9, NAT_REPLY | NAT_BUSY), &entry, &backend,
		  &source, false },
		{ "of UDP", nat_word(tag, 9, NAT_REPLY | NAT_UDP), &entry, &backend, &source,
		  false },
		{ "another tag", nat_word(tag + 1, 9, NAT_REPLY), &entry, &backend, &source,
		  false },
		{ "another port of ours", nat_word(tag, 9, NAT_REPLY), &other_port, &backend,
		  &source, false },
		{ "another backend", nat_word(tag, 9, NAT_REPLY), &entry, &other_backend, &source,
		  false },
		{ "another address of ours", nat_word(tag, 9, NAT_REPLY), &entry, &backend,
		  &other_source, false },
	};

	(void)state;
	memcpy(source.addr, key.source.b, sizeof(source.addr));
	other_source = source;
	other_source.addr[15]++;
	other_port.nat_port = htons(12346);
	other_backend.dst[3]++;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (explain_reply_match(&key, cases[i].word, cases[i].entry, cases[i].target,
					cases[i].source, 8) != cases[i].found)
			fail_msg("%s", cases[i].name);
	}
}

static void a_reply_is_told(void **state)
{
	struct explain_reply reply = {
		.name = { .name = "web", .key = { .port = htons(80), .proto = IPPROTO_TCP } },
		.target = 3,
		.client = parsed("198.51.100.7"),
		.client_port = 40000,
		.word = nat_word(1, 0, ESTABLISHED | NAT_REPLY),
		.left_ticks = 10
	};
	const struct addr vip = parsed("192.0.2.10");
	json_t *tree, *told;

	(void)state;
	memcpy(reply.name.key.addr, vip.b, sizeof(vip.b));
	tree = explain_reply_encode(&reply, "10.0.0.5:8080", "10.0.0.1:12345/tcp", 4000);
	told = json_object_get(tree, "reply");
	assert_string_equal(member_text(told, "client"), "198.51.100.7:40000");
	assert_string_equal(member_text(told, "service"), "web");
	assert_string_equal(member_text(told, "listen"), "192.0.2.10:80/tcp");
	assert_string_equal(member_text(told, "backend"), "10.0.0.5:8080");
	assert_string_equal(member_text(told, "state"), "established");
	assert_int_equal(member_number(told, "expires_s"), 40);
	json_decref(tree);
	reply.kept = true;
	tree = explain_reply_encode(&reply, "10.0.0.5:8080", "10.0.0.1:12345/tcp", 4000);
	assert_true(json_is_null(json_object_get(json_object_get(tree, "reply"), "state")));
	json_decref(tree);
}

static void translation_is_told(void **state)
{
	static struct target_name names[2] = { { "" }, { .service = "web", .port = 0x901f } };
	static const struct target targets[2] = { { 0 },
						  { .mode = MODE_NAT,
						    .outer_version = 4,
						    .ifindex = 1,
						    .mtu = 1500,
						    .port = 0x901f,
						    .dst = { 10, 0, 0, 5 } } };
	const struct names all = { .targets = names, .target_count = 2 };
	struct explanation flow = { .row = { 1, 0 },
				    .service.flags = SERVICE_NAT,
				    .name = { .name = "web", .mode = MODE_NAT },
				    .first = { EXPLAIN_NAT, 1 },
				    .others = { EXPLAIN_NAT, 1 },
				    .nat = { .word = nat_word(1, 0, ESTABLISHED),
					     .left_ticks = 10,
					     .serves = true,
					     .entry = { .target = 1, .nat_port = htons(12345) } } };
	const struct explain_report report = { .flow = &flow,
					       .names = &all,
					       .targets = targets,
					       .source = "a",
					       .dest = "b",
					       .connects = true,
					       .tick_ms = 4000 };
	json_t *tree, *nat, *hop;

	(void)state;
	memcpy(names[1].addr, (__u8[16]){ [10] = 0xff, [11] = 0xff, 10, 0, 0, 5 }, 16);
	memcpy(flow.nat.source.b, (__u8[16]){ [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 }, 16);
	tree = explain_encode(&report);
	nat = json_object_get(tree, "nat");
	assert_string_equal(member_text(nat, "source"), "10.0.0.1:12345");
	assert_string_equal(member_text(nat, "state"), "established");
	assert_string_equal(member_text(nat, "id"), "10.0.0.5:8080");
	assert_int_equal(member_number(nat, "expires_s"), 40);
	assert_string_equal(member_text(json_object_get(tree, "first"), "reason"),
			    "the NAT table has the flow");
	assert_string_equal(member_text(json_object_get(tree, "row"), "text"),
			    "stable: new flows go to 10.0.0.5:8080");
	hop = json_object_get(json_object_get(json_object_get(tree, "first"), "backend"),
			      "next_hop");
	assert_string_equal(member_text(hop, "destination"), "10.0.0.5");
	assert_int_equal(member_number(hop, "destination_port"), 8080);
	json_decref(tree);

	flow.nat = (struct explain_nat){ 0 };
	flow.first = flow.others = (struct explain_choice){ EXPLAIN_STABLE, 1 };
	tree = explain_encode(&report);
	assert_true(json_is_null(json_object_get(tree, "nat")));
	assert_string_equal(member_text(json_object_get(tree, "first"), "reason"),
			    "the NAT table has no such flow: it counts as new, and the row says "
			    "so");
	json_decref(tree);
}

static void that_the_source_stays_is_told(void **state)
{
	static struct target_name nobody[1];
	static const struct target none[1];
	const struct names all = { .targets = nobody, .target_count = 1 };
	struct explanation flow = { .name = { .name = "web", .mode = MODE_NAT_KEEP } };
	const struct explain_report report = {
		.flow = &flow, .names = &all, .targets = none, .source = "a", .dest = "b"
	};
	json_t *tree = explain_encode(&report);

	(void)state;
	assert_string_equal(member_text(tree, "mode"), "nat");
	assert_string_equal(member_text(tree, "nat_source"), "keep");
	json_decref(tree);
	flow.name.mode = MODE_NAT;
	tree = explain_encode(&report);
	assert_null(json_object_get(tree, "nat_source"));
	json_decref(tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_by_nat_follow_the_table),
		cmocka_unit_test(connections_to_sockets_are_new),
		cmocka_unit_test(the_client_s_entry_is_found_in_its_set),
		cmocka_unit_test(a_reply_is_found_by_both_its_ends),
		cmocka_unit_test(a_reply_is_told),
		cmocka_unit_test(translation_is_told),
		cmocka_unit_test(that_the_source_stays_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
