// SPDX-License-Identifier: BSD-2-Clause
/* Entries that answers are known by: of sources, and of backends by `source: keep`. */
#include "fixtures/nat_box.h"

static void one_run(const char *keys, const char *more)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "{%s 'services': [{'name': 'web', 'listen': '192.0.2.10:80/tcp', %s 'rows': 251,"
		 " 'backends': ['10.0.0.11']}]}",
		 keys, more);
	assert_int_equal(apply(text), 0);
	hop_ready("10.0.0.11");
}

static const struct target_nat *nat_of(const char *id)
{
	return &kernel.targets[target_of(id)].nat;
}

/* The next hop's, where none is named. */
static void an_interface_s_address_is_a_source(void **state)
{
	const struct service *found;
	__u16 index;

	(void)state;
	one_run("", NAT);
	index = nat_of("10.0.0.11")->first_source;
	assert_int_equal(nat_of("10.0.0.11")->source_count, 1);
	assert_true(source_is(index, "10.0.0.1"));
	found = address_entry("10.0.0.1");
	assert_int_equal(found->flags, SERVICE_NAT_SOURCE);
	assert_int_equal(found->number, index);
	assert_int_equal(found->row_count, 1);
	assert_int_equal(address_entry("192.0.2.10")->flags, SERVICE_ADDRESS | SERVICE_NAT);
}

static void a_service_s_address_may_be_a_source(void **state)
{
	(void)state;
	one_run("'nat_sources': ['192.0.2.10', '10.0.0.2'],", NAT);
	assert_int_equal(nat_of("10.0.0.11")->source_count, 2);
	assert_int_equal(address_entry("192.0.2.10")->flags,
			 SERVICE_ADDRESS | SERVICE_NAT | SERVICE_NAT_SOURCE);
	assert_true(source_is(address_entry("192.0.2.10")->number, "192.0.2.10"));
	assert_null(address_entry("10.0.0.1"));
}

/* New flows are given others at once; the old one goes with the last flow that has it. */
static void sources_change_as_flows_end(void **state)
{
	__u64 *flow;
	__u16 index;

	(void)state;
	one_run("", NAT);
	index = nat_of("10.0.0.11")->first_source;
	flow = nat_flow(0, target_of("10.0.0.11"), 1000, OPEN);
	one_run("'nat_sources': ['10.0.0.2', '10.0.0.3'],", NAT);
	assert_int_equal(nat_of("10.0.0.11")->source_count, 2);
	assert_true(source_is(nat_of("10.0.0.11")->first_source, "10.0.0.2"));
	for (int i = 0; i < 3; i++)
		sweep_after(1000);
	assert_true(source_is(index, "10.0.0.1"));
	assert_int_equal(address_entry("10.0.0.1")->number, index);
	*flow = 0;
	kernel.nat_sets[FAKE_NAT_SETS - 1].words[0] = 0;
	for (int i = 0; i < 3; i++)
		sweep_after(1000);
	assert_null(address_entry("10.0.0.1"));
	assert_int_equal(model->nat.sources.slots[index].used, false);
	assert_int_equal(kernel.nat_sources[index].addr[15], 0);
	/* And back again. */
	one_run("", NAT);
	assert_true(source_is(nat_of("10.0.0.11")->first_source, "10.0.0.1"));
	for (int i = 0; i < 3; i++)
		sweep_after(1000);
	assert_null(address_entry("10.0.0.2"));
	assert_null(address_entry("10.0.0.3"));
	assert_non_null(address_entry("10.0.0.1"));
}

static void one_apart_joins_the_others_when_it_can(void **state)
{
	(void)state;
	one_run("'nat_sources': ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'],", NAT);
	one_run("'nat_sources': ['10.0.0.1', '10.0.0.3', '10.0.0.4'],", NAT);
	assert_int_equal(nat_of("10.0.0.11")->source_count, 2);
	for (int i = 0; i < 3; i++)
		sweep_after(1000);
	assert_int_equal(nat_of("10.0.0.11")->source_count, 3);
	assert_null(address_entry("10.0.0.2"));
	assert_non_null(address_entry("10.0.0.1"));
}

static void a_restart_keeps_indices(void **state)
{
	struct nat_source before[POISE_MAX_NAT_SOURCES];
	__u64 *flow;

	(void)state;
	one_run("", NAT);
	flow = nat_flow(0, target_of("10.0.0.11"), 1000, OPEN);
	one_run("'nat_sources': ['10.0.0.2', '10.0.0.3'],", NAT);
	memcpy(before, kernel.nat_sources, sizeof(before));
	daemon_restart();
	one_run("'nat_sources': ['10.0.0.2', '10.0.0.3'],", NAT);
	for (int i = 0; i < 3; i++)
		sweep_after(1000);
	assert_memory_equal(before, kernel.nat_sources, sizeof(before));
	assert_int_equal(address_entry("10.0.0.1")->flags, SERVICE_NAT_SOURCE);
	*flow = 0;
	kernel.nat_sets[FAKE_NAT_SETS - 1].words[0] = 0;
	for (int i = 0; i < 3; i++)
		sweep_after(1000);
	assert_null(address_entry("10.0.0.1"));
}

/* Over an interface without an address, or one whose address is for this host only. */
static void hop_ready_without_source(void)
{
	struct nexthop hop = { .state = NEXTHOP_READY, .ifindex = 2, .mtu = 1500, .direct = true };

	watches[0]->changed(watches[0]->arg, &hop);
	turn();
}

static void a_backend_without_a_source_is_not_reached(void **state)
{
	(void)state;
	assert_int_equal(apply_web(NAT, "'10.0.0.11'"), 0);
	hop_ready_without_source();
	assert_false(backend("web", "10.0.0.11")->reachable);
	assert_int_equal(rows_of("web", NULL), ROWS);
	hop_ready("10.0.0.11");
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
}

static void sources_named_later_are_taken_up(void **state)
{
	char text[160];

	(void)state;
	assert_int_equal(apply_web(NAT, "'10.0.0.11'"), 0);
	hop_ready_without_source();
	assert_false(backend("web", "10.0.0.11")->reachable);
	assert_non_null(strstr(backend_way_format(backend("web", "10.0.0.11"), text, sizeof(text)),
			       "`nat_sources` may name one"));
	assert_int_equal(apply("{'nat_sources': ['10.0.0.2'], 'services': [{'name': 'web',"
			       " 'listen': '192.0.2.10:80/tcp', 'mode': 'nat', 'rows': 251,"
			       " 'backends': ['10.0.0.11']}]}"),
			 0);
	assert_true(backend("web", "10.0.0.11")->reachable);
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
	assert_true(source_is(nat_of("10.0.0.11")->first_source, "10.0.0.2"));
	assert_null(strstr(backend_way_format(backend("web", "10.0.0.11"), text, sizeof(text)),
			   "nat_sources"));
}

static void room_for_a_source_is_taken_when_there_is_some(void **state)
{
	struct addr old;

	(void)state;
	assert_int_equal(addr_parse("10.0.0.99", &old), 0);
	assert_int_equal(apply_web(NAT, "'10.0.0.11'"), 0);
	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		nat_sources_adopt(&model->nat.sources, i, &old);
	hop_ready("10.0.0.11");
	assert_false(backend("web", "10.0.0.11")->reachable);
	for (int i = 0; i < 3; i++)
		sweep_after(1000);
	assert_true(backend("web", "10.0.0.11")->reachable);
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
}

/* ---- source: keep */

static void answers_lead_to_their_service(void **state)
{
	const struct service *found;

	(void)state;
	assert_int_equal(apply_web(KEEP, "'10.0.0.11', '10.0.0.12:8080'"), 0);
	hop_ready("10.0.0.11");
	assert_int_equal(kernel.switches.nat_keep, 1);
	found = reply_entry("10.0.0.11:80");
	assert_int_equal(found->number, entry().number);
	assert_int_equal(found->flags, SERVICE_NAT_KEEP);
	assert_non_null(reply_entry("10.0.0.12:8080"));
	assert_int_equal(address_entry("192.0.2.10")->flags, SERVICE_ADDRESS | SERVICE_NAT_KEEP);
	assert_int_equal(ntohs(kernel.targets[target_of("10.0.0.11")].port), 80);
	assert_null(address_entry("10.0.0.1"));
	assert_int_equal(apply_web("", "'10.0.0.11'"), 0);
	assert_null(reply_entry("10.0.0.11:80"));
	assert_int_equal(kernel.switches.nat_keep, 0);
	assert_int_equal(address_entry("192.0.2.10")->flags, SERVICE_ADDRESS);
}

static void who_leaves_answers_to_the_end(void **state)
{
	__u16 target;
	__u64 *flow;

	(void)state;
	run(KEEP "'settle': '80s',", 2);
	target = target_of("10.0.0.11");
	flow = flow_make(0, target, 225);
	assert_int_equal(apply_web(KEEP "'settle': '80s',", "'10.0.0.12'"), 0);
	for (int i = 0; i < 10; i++)
		sweep_after(10000);
	assert_int_equal(service_find(model, "web")->leaving_count, 1);
	assert_non_null(reply_entry("10.0.0.11:80"));
	*flow = 0;
	sweep_after(1000);
	assert_null(reply_entry("10.0.0.11:80"));
	assert_non_null(reply_entry("10.0.0.12:80"));
}

static void another_table_is_followed(void **state)
{
	(void)state;
	assert_int_equal(apply_web(KEEP, "'10.0.0.11'"), 0);
	hop_ready("10.0.0.11");
	assert_int_equal(apply_web(KEEP "'hash': 'source',", "'10.0.0.11'"), 0);
	assert_int_equal(reply_entry("10.0.0.11:80")->number, entry().number);
}

/* One service's backend that leaves is another one's by now. */
static void who_has_a_backend_now_has_its_answers(void **state)
{
	static const char both[] =
		"{'services': [{'name': 'web', 'listen': '192.0.2.10:80/tcp', " KEEP
		" 'rows': 251, 'backends': ['10.0.0.12']}, {'name': 'api', 'listen': "
		"'192.0.2.11:80/tcp', " KEEP " 'rows': 251, 'backends': ['10.0.0.11']}]}";

	(void)state;
	run(KEEP "'settle': '80s',", 2);
	flow_make(0, target_of("10.0.0.11"), 225);
	kernel.always_rows = false; /* "api" begins */
	assert_int_equal(apply(both), 0);
	assert_int_equal(service_find(model, "web")->leaving_count, 1);
	assert_int_equal(reply_entry("10.0.0.11:80")->number, service_find(model, "api")->number);
}

static void a_service_that_goes_takes_its_entries_along(void **state)
{
	(void)state;
	assert_int_equal(apply_web(KEEP, "'10.0.0.11'"), 0);
	hop_ready("10.0.0.11");
	assert_int_equal(apply("{'services': []}"), 0);
	for (size_t i = 0; i < FAKE_ENTRIES; i++)
		assert_false(kernel.entries[i].used);
	assert_int_equal(kernel.switches.nat_keep, 0);
}

static void what_found_no_room_is_tried_again(void **state)
{
	static const char both[] =
		"{'services': [{'name': 'web', 'listen': '192.0.2.10:80/tcp', " KEEP
		" 'rows': 251, 'backends': ['10.0.0.11', '10.0.0.12']}, {'name': 'api', 'listen': "
		"'192.0.2.10:81/tcp', 'mode': 'l2', 'rows': 251, 'backends': ['10.0.0.11']}]}";
	struct service_key key;
	struct service found = { 0 };

	(void)state;
	assert_int_equal(apply_web(KEEP, "'10.0.0.11'"), 0);
	kernel.no_room = true;
	assert_int_equal(apply(both), 0);
	key = service_find(model, "api")->key;
	assert_null(reply_entry("10.0.0.12:80"));
	assert_int_equal(lb_service_get(NULL, &key, &found), -ENOENT);
	kernel.no_room = false;
	assert_int_equal(apply(both), 0);
	assert_non_null(reply_entry("10.0.0.12:80"));
	assert_int_equal(lb_service_get(NULL, &key, &found), 0);
	assert_int_equal(found.number, service_find(model, "api")->number);
}

/* Killed at any store, with what packets meet looked at after each. */
static void killed_anywhere_the_next_one_puts_it_right(void **state)
{
	(void)state;
	for (unsigned int at = 1; at < 60; at++) {
		one_run("", NAT);
		kernel.stores_left = at;
		one_run("'nat_sources': ['10.0.0.2', '10.0.0.3'],", KEEP);
		one_run("'nat_sources': ['10.0.0.2', '10.0.0.3'],", NAT);
		daemon_restart();
		one_run("'nat_sources': ['10.0.0.2'],", KEEP);
		assert_non_null(reply_entry("10.0.0.11:80"));
		kernel.was_killed = false;
		one_run("", NAT);
		assert_null(reply_entry("10.0.0.11:80"));
		assert_true(source_is(nat_of("10.0.0.11")->first_source, "10.0.0.1"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_interface_s_address_is_a_source, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_service_s_address_may_be_a_source, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sources_change_as_flows_end, setup, teardown),
		cmocka_unit_test_setup_teardown(one_apart_joins_the_others_when_it_can, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_restart_keeps_indices, setup, teardown),
		cmocka_unit_test_setup_teardown(a_backend_without_a_source_is_not_reached, setup,
						teardown),
		cmocka_unit_test_setup_teardown(sources_named_later_are_taken_up, setup, teardown),
		cmocka_unit_test_setup_teardown(room_for_a_source_is_taken_when_there_is_some,
						setup, teardown),
		cmocka_unit_test_setup_teardown(answers_lead_to_their_service, setup, teardown),
		cmocka_unit_test_setup_teardown(who_leaves_answers_to_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(another_table_is_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(who_has_a_backend_now_has_its_answers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_service_that_goes_takes_its_entries_along, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_found_no_room_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(killed_anywhere_the_next_one_puts_it_right, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
