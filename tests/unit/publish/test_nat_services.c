// SPDX-License-Identifier: BSD-2-Clause
/* Services by nat: their rows, their flows, what becomes of both when things change. */
#include "fixtures/nat_box.h"

static void two_run(const char *more)
{
	assert_int_equal(apply_web(more, TWO), 0);
	hop_ready("10.0.0.11");
	hop_ready("10.0.0.12");
	kernel.always_rows = true;
}

static void the_table_is_made_when_it_is_needed(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	assert_false(kernel.nat_made);
	kernel.full = true;
	assert_int_equal(apply_web(NAT, TWO), -ENOMEM);
	assert_non_null(strstr(problem.text, "NAT table"));
	assert_int_equal(service_find(model, "web")->delivery.mode, MODE_IPIP);
	kernel.full = false;
	assert_int_equal(apply_web(KEEP, TWO), 0);
	assert_false(kernel.nat_made);
	assert_int_equal(apply_web(NAT, TWO), 0);
	assert_true(kernel.nat_made);
	assert_int_equal(entry().flags, SERVICE_REJECT | SERVICE_NAT);
}

/* The NAT table knows who has which flow: rows need not. */
static void rows_are_always_stable(void **state)
{
	static const char *const ways[] = { NAT, NAT "'scheduler': 'leastconn',",
					    NAT "'track': 'always',", NAT };

	(void)state;
	two_run(NAT);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		assert_int_equal(apply_web(ways[i], TWO ", '10.0.0.13'"), 0);
		hop_ready("10.0.0.13");
		turn();
		assert_int_equal(rows_like(0, 0), ROWS);
		assert_true(rows_of("web", "10.0.0.13") > 0);
		assert_int_equal(
			apply_web(ways[i], "'10.0.0.11', {'address': '10.0.0.12', 'weight': 0}"),
			0);
		turn();
		assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
		assert_int_equal(rows_like(0, 0), ROWS);
	}
}

static void clients_that_stay_together_move_as_elsewhere(void **state)
{
	static const char way[] = NAT "'hash': 'source', 'settle': '80s',";

	(void)state;
	run(way, 2);
	assert_int_equal(entry().flags, SERVICE_REJECT | SERVICE_NAT | SERVICE_HASH_SOURCE);
	assert_int_equal(apply_web(way, "'10.0.0.11', {'address': '10.0.0.12', 'state': 'drain'}"),
			 0);
	turn();
	assert_true(rows_moving_from("web", target_of("10.0.0.12")) > 0);
}

static void flows_are_counted_and_drained(void **state)
{
	struct live_backend *one;
	__u64 *flow;

	(void)state;
	two_run(NAT);
	one = backend("web", "10.0.0.11");
	flow = nat_flow(0, one->target, 1000, OPEN);
	nat_flow(1, one->target, 1000, OPEN | NAT_RESET);
	nat_flow(2, one->target, 1000, 0);
	sweep_after(1000);
	assert_int_equal(one->flows, 2);
	assert_int_equal(one->closing, 1);
	assert_int_equal(model->nat_table.flows, 2);
	assert_int_equal(model->nat_table.new_flows, 1);
	assert_int_equal(model->nat_table.closing, 1);
	assert_int_equal(model->nat_table.size, FAKE_NAT_SETS * NAT_PER_SET / 2);
	assert_int_equal(kernel.loads[one->target].base, 2);
	assert_int_equal(apply_web(NAT, "{'address': '10.0.0.11', 'state': 'drain'}, '10.0.0.12'"),
			 0);
	turn();
	/* Nothing that is not known is waited for. */
	assert_int_equal(one->rows + one->older_rows, 0);
	*flow = 0;
	sweep_after(4200 * 1000);
	assert_int_equal(one->flows + one->closing, 0);
	assert_int_equal(model->nat_table.flows, 0);
}

static void a_removed_backend_leaves_when_its_flows_have_ended(void **state)
{
	__u16 target;

	(void)state;
	two_run(NAT);
	target = target_of("10.0.0.11");
	nat_flow(0, target, 10, OPEN);
	assert_int_equal(apply_web(NAT, "'10.0.0.12'"), 0);
	sweep_after(1000);
	assert_int_equal(service_find(model, "web")->leaving_count, 1);
	assert_int_equal(kernel.targets[target].owner, entry().number | TARGET_SERVES);
	sweep_after(60000);
	assert_int_equal(service_find(model, "web")->leaving_count, 0);
	assert_int_equal(kernel.targets[target].mode, MODE_NONE);
	assert_int_equal(kernel.nat_sets[0].words[0], 0);
}

static void a_number_is_free_when_no_table_has_it(void **state)
{
	__u64 *flow;
	__u16 target;

	(void)state;
	two_run(NAT);
	target = target_of("10.0.0.11");
	assert_int_equal(apply_web(NAT, "{'address': '10.0.0.11', 'state': 'maint'}, '10.0.0.12'"),
			 0);
	turn();
	flow = nat_flow(0, target, 1000, OPEN);
	assert_int_equal(apply_web(NAT, "'10.0.0.12'"), 0);
	assert_true(model->target_numbers.used[target]);
	sweep_after(1000);
	assert_int_equal(*flow, 0);
	assert_false(model->target_numbers.used[target]);
}

/* Flows of a table that is no more are nobody's, however long they might have lasted. */
static void another_mode_ends_flows(void **state)
{
	__u32 number;
	__u64 *flow;

	(void)state;
	two_run(NAT);
	flow = nat_flow(0, target_of("10.0.0.11"), 100000, OPEN);
	number = entry().number;
	assert_int_equal(apply_web("'mode': 'l2',", TWO), 0);
	turn();
	assert_int_not_equal(entry().number, number);
	assert_int_equal(entry().flags, SERVICE_REJECT);
	assert_int_equal(kernel.targets[target_of("10.0.0.11")].mode, MODE_L2);
	assert_int_equal(rows_like(0, 0), ROWS);
	sweep_after(1000);
	assert_int_equal(*flow, 0);
	assert_int_equal(backend("web", "10.0.0.11")->flows, 0);
	assert_int_equal(apply_web(NAT, TWO), 0);
	turn();
	assert_int_equal(kernel.targets[target_of("10.0.0.11")].mode, MODE_NAT);
	assert_int_equal(rows_like(0, 0), ROWS);
}

static void another_address_ends_flows(void **state)
{
	__u32 number;
	__u64 *flow;

	(void)state;
	two_run(NAT);
	number = entry().number;
	flow = nat_flow(0, target_of("10.0.0.11"), 100000, OPEN);
	assert_int_equal(
		apply("{'services': [{'name': 'web', 'listen': '192.0.2.10:81/tcp', 'mode': 'nat',"
		      " 'rows': 251, 'backends': ['10.0.0.11', '10.0.0.12']}]}"),
		0);
	turn();
	assert_int_not_equal(entry().number, number);
	assert_int_equal(ntohs(kernel.targets[target_of("10.0.0.11")].port), 81);
	sweep_after(1000);
	assert_int_equal(*flow, 0);
	/* Those of its own are spared. */
	flow = nat_flow(1, target_of("10.0.0.11"), 100000, OPEN);
	sweep_after(1000);
	assert_int_not_equal(*flow, 0);
}

static void a_restart_keeps_flows(void **state)
{
	struct target before[2];
	__u64 *flow, word;

	(void)state;
	two_run(NAT);
	before[0] = kernel.targets[1];
	before[1] = kernel.targets[2];
	flow = nat_flow(0, target_of("10.0.0.11"), 1000, OPEN);
	word = *flow;
	daemon_restart();
	assert_int_equal(apply_web(NAT, TWO), 0);
	sweep_after(1000);
	hop_ready("10.0.0.11");
	hop_ready("10.0.0.12");
	sweep_after(1000);
	assert_int_equal(*flow, word);
	assert_memory_equal(before, &kernel.targets[1], sizeof(before));
	assert_int_equal(backend("web", "10.0.0.11")->flows, 1);
	assert_int_equal(kernel.rows_set, 0);
	assert_int_equal(kernel.tables_made, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_table_is_made_when_it_is_needed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(rows_are_always_stable, setup, teardown),
		cmocka_unit_test_setup_teardown(clients_that_stay_together_move_as_elsewhere, setup,
						teardown),
		cmocka_unit_test_setup_teardown(flows_are_counted_and_drained, setup, teardown),
		cmocka_unit_test_setup_teardown(a_removed_backend_leaves_when_its_flows_have_ended,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_number_is_free_when_no_table_has_it, setup,
						teardown),
		cmocka_unit_test_setup_teardown(another_mode_ends_flows, setup, teardown),
		cmocka_unit_test_setup_teardown(another_address_ends_flows, setup, teardown),
		cmocka_unit_test_setup_teardown(a_restart_keeps_flows, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
