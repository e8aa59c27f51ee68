// SPDX-License-Identifier: BSD-2-Clause
/* Tests what rows say while backends, and what the operator wants of them, change. */
#include "fixtures/moving_box.h"

static void rows_move_settle_and_become_stable(void **state)
{
	const struct live_service *service;
	__u16 first, second;
	unsigned int moved;

	(void)state;
	run(SETTLING, 1);
	first = target_of("10.0.0.11");
	assert_int_equal(apply_web(SETTLING, TWO), 0);
	hop_ready("10.0.0.12");
	service = service_find(model, "web");
	second = target_of("10.0.0.12");
	moved = rows_like(second, first);
	assert_in_range(moved, ROWS / 2, ROWS / 2 + 1);
	assert_int_equal(rows_like(first, 0), ROWS - moved);
	assert_int_equal(service->moving_rows, moved);
	assert_int_equal(service->stable_rows, ROWS - moved);
	/* Nine slices of ten seconds, as the first is not whole. */
	for (int i = 0; i < 8; i++)
		sweep_after(10000);
	assert_int_equal(rows_like(second, first), moved);
	sweep_after(10000);
	assert_int_equal(rows_like(second, ROW_TRACKED), moved);
	assert_int_equal(service->tracked_rows, moved);
	/* Packets that met the row as it was may be on their way. */
	sweep_after(99);
	assert_int_equal(service->tracked_rows, moved);
	sweep_after(1);
	assert_int_equal(service->stable_rows, ROWS);
	assert_null(service->ages);
	assert_int_equal(rows_like(second, 0), moved);
}

/* Otherwise a flow that is silent for up to the new time would be taken for gone. */
static void a_longer_settle_time_begins_anew(void **state)
{
	__u16 first, second;
	unsigned int moved;

	(void)state;
	run(SETTLING, 1);
	first = target_of("10.0.0.11");
	assert_int_equal(apply_web(SETTLING, TWO), 0);
	hop_ready("10.0.0.12");
	second = target_of("10.0.0.12");
	moved = rows_like(second, first);
	for (int i = 0; i < 7; i++)
		sweep_after(10000);
	assert_int_equal(apply_web("'mode': 'ipip', 'settle': '160s',", TWO), 0);
	for (int i = 0; i < 8; i++)
		sweep_after(20000);
	assert_int_equal(rows_like(second, first), moved);
	sweep_after(20000);
	assert_int_equal(rows_like(second, first), 0);
}

static void rows_stay_tracked_for_as_long_as_a_flow_needs_them(void **state)
{
	__u16 first, second;
	__u32 row;

	(void)state;
	run(SETTLING, 1);
	first = target_of("10.0.0.11");
	assert_int_equal(apply_web(SETTLING, TWO), 0);
	hop_ready("10.0.0.12");
	second = target_of("10.0.0.12");
	row = row_like(second, first);
	flow_make(row, first, 225);
	for (int i = 0; i < 12; i++)
		sweep_after(10000);
	assert_int_equal(service_find(model, "web")->tracked_rows, 1);
	assert_int_equal(row_like(second, ROW_TRACKED), row);
	assert_int_equal(backend("web", "10.0.0.11")->flows, 1);
	assert_int_equal(model->flow_table.occupied, 1);
	kernel.flows[row].entries[0] = 0;
	sweep_after(1000);
	assert_int_equal(service_find(model, "web")->stable_rows, ROWS);
	assert_int_equal(backend("web", "10.0.0.11")->flows, 0);
}

static void another_change_meanwhile_keeps_the_oldest(void **state)
{
	__u16 first, second, third;

	(void)state;
	run(SETTLING, 1);
	first = target_of("10.0.0.11");
	assert_int_equal(apply_web(SETTLING, TWO), 0);
	hop_ready("10.0.0.12");
	second = target_of("10.0.0.12");
	assert_int_equal(apply_web(SETTLING, THREE), 0);
	hop_ready("10.0.0.13");
	third = target_of("10.0.0.13");
	assert_int_equal(rows_moving_from("web", second), 0);
	assert_int_not_equal(rows_like(third, first), 0);
	/* Some that moved came back to the first: what moved meanwhile is in the table. */
	assert_int_equal(apply_web(SETTLING, "'10.0.0.11'"), 0);
	assert_int_equal(rows_like(first, ROW_TRACKED) + rows_like(first, 0), ROWS);
	assert_int_not_equal(rows_like(first, ROW_TRACKED), 0);
}

static void a_failed_backend_is_left_at_once(void **state)
{
	__u16 first, second;

	(void)state;
	run(CHECKED, 2);
	first = target_of("10.0.0.11");
	second = target_of("10.0.0.12");
	health_tell("10.0.0.11", HEALTH_DOWN);
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	assert_int_equal(rows_moving_from("web", first), 0);
	assert_int_equal(kernel.targets[first].owner & TARGET_SERVES, 0);
	/* It comes back, but not before a sweep has removed the entries of its lost flows. */
	health_tell("10.0.0.11", HEALTH_UP);
	assert_int_equal(rows_of("web", "10.0.0.11"), 0);
	health_tell("10.0.0.11", HEALTH_DOWN);
	/* The other's flows stay where they are. */
	sweep_after(101);
	health_tell("10.0.0.11", HEALTH_UP);
	assert_int_not_equal(rows_like(first, second), 0);
	assert_int_equal(kernel.targets[first].owner, entry().number | TARGET_SERVES);
}

static void draining_keeps_flows_and_maintenance_loses_them(void **state)
{
	__u16 first;

	(void)state;
	run(SETTLING, 2);
	first = target_of("10.0.0.11");
	assert_int_equal(
		apply_web(SETTLING, "{'address': '10.0.0.11', 'state': 'drain'}, '10.0.0.12'"), 0);
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	assert_in_range(rows_moving_from("web", first), ROWS / 2, ROWS / 2 + 1);
	assert_true(backend("web", "10.0.0.11")->serves);
	assert_int_equal(kernel.target_names[first].admin, ADMIN_DRAIN);
	assert_int_equal(
		apply_web(SETTLING, "{'address': '10.0.0.11', 'state': 'maint'}, '10.0.0.12'"), 0);
	assert_int_equal(rows_moving_from("web", first), 0);
	assert_false(backend("web", "10.0.0.11")->serves);
	assert_int_equal(kernel.targets[first].owner & TARGET_SERVES, 0);
}

static void the_last_one_drains_with_its_flows(void **state)
{
	__u16 first;

	(void)state;
	run(SETTLING, 1);
	kernel.always_rows = false;
	first = target_of("10.0.0.11");
	assert_int_equal(apply_web(SETTLING, "{'address': '10.0.0.11', 'weight': 0}"), 0);
	assert_int_equal(rows_of("web", NULL), ROWS);
	assert_int_equal(rows_moving_from("web", first), ROWS);
	for (int i = 0; i < 12; i++)
		sweep_after(20000);
	assert_int_equal(rows_moving_from("web", first), ROWS);
}

static void schedulers_are_told_after_rows_and_before(void **state)
{
	__u16 first;

	(void)state;
	run(SETTLING, 2);
	first = target_of("10.0.0.11");
	assert_int_equal(entry().flags, SERVICE_REJECT);
	assert_int_equal(apply_web(SETTLING "'scheduler': 'roundrobin',", TWO), 0);
	assert_int_equal(entry().flags, SERVICE_REJECT | SERVICE_TRACK |
						SCHEDULER_ROUNDROBIN << SERVICE_SCHEDULER_SHIFT);
	/* Nobody knows yet of the flows of rows that were stable. */
	assert_int_equal(rows_like(0, 0) + rows_like(0, ROW_TRACKED), 0);
	assert_int_not_equal(rows_like(first, first), 0);
	for (int i = 0; i < 12; i++)
		sweep_after(10000);
	assert_int_equal(rows_like(0, ROW_TRACKED), ROWS);
	assert_null(service_find(model, "web")->ages);
	assert_int_equal(apply_web(SETTLING, TWO), 0);
	assert_int_equal(entry().flags, SERVICE_REJECT);
	assert_int_equal(rows_like(0, 0), 0);
	sweep_after(1000);
	sweep_after(1000);
	assert_int_not_equal(rows_like(0, 0), 0);
}

static bool was_scheduled;

/* A scheduler meets no row whose flows nobody knows. */
static void scheduler_meets_no_stable_row(void)
{
	if (!(entry().flags & SERVICE_TRACK))
		return;
	was_scheduled = true;
	assert_int_equal(rows_like(0, 0), 0);
}

static void no_row_is_stable_under_a_scheduler(void **state)
{
	(void)state;
	run(SETTLING, 2);
	after_store = scheduler_meets_no_stable_row;
	assert_int_equal(apply_web(SETTLING "'scheduler': 'random',", TWO), 0);
	assert_true(was_scheduled);
	for (int i = 0; i < 12; i++)
		sweep_after(10000);
	assert_int_equal(apply_web(SETTLING, TWO), 0);
	after_store = NULL;
}

/* Flows of a row's current target that nobody has noted down are not to be scheduled anew. */
static void tracked_rows_move_under_a_scheduler(void **state)
{
	unsigned int moved;
	__u16 first;

	(void)state;
	run(SETTLING, 1);
	first = target_of("10.0.0.11");
	assert_int_equal(apply_web(SETTLING, TWO), 0);
	hop_ready("10.0.0.12");
	assert_int_equal(apply_web(SETTLING, "'10.0.0.11'"), 0);
	moved = rows_like(first, ROW_TRACKED);
	assert_int_not_equal(moved, 0);
	assert_int_equal(apply_web(SETTLING "'scheduler': 'roundrobin',", "'10.0.0.11'"), 0);
	assert_int_equal(rows_like(first, first), ROWS);
	/* And a change after that leaves them what they are. */
	assert_int_equal(apply_web(SETTLING "'scheduler': 'roundrobin',", TWO), 0);
	assert_int_equal(rows_like(0, first), ROWS);
}

static void another_hash_is_another_table(void **state)
{
	__u32 number;
	__u16 first;

	(void)state;
	run(SETTLING, 2);
	number = entry().number;
	first = target_of("10.0.0.11");
	assert_int_equal(apply_web(SETTLING "'hash': 'source',", TWO), 0);
	assert_int_not_equal(entry().number, number);
	assert_int_equal(entry().flags, SERVICE_REJECT | SERVICE_HASH_SOURCE);
	assert_int_equal(kernel.targets[first].owner, entry().number | TARGET_SERVES);
	assert_int_equal(rows_like(0, 0), ROWS);
}

/* Flows that are known are followed, so others have to become known. */
static void another_size_is_tracked_at_first(void **state)
{
	__u32 number;

	(void)state;
	run(SETTLING, 2);
	number = entry().number;
	assert_int_equal(apply("{'services': [{'name': 'web', 'listen': '192.0.2.10:80/tcp', "
			       "'mode': 'ipip', 'rows': 257, 'backends': [" TWO "]}]}"),
			 0);
	assert_int_not_equal(entry().number, number);
	assert_int_equal(rows_like(0, ROW_TRACKED), 257);
	sweep_after(101);
	assert_int_equal(rows_like(0, 0), 257);
}

static void timeouts_reach_targets(void **state)
{
	__u16 first;

	(void)state;
	run(SETTLING, 2);
	first = target_of("10.0.0.11");
	assert_int_equal(kernel.targets[first].idle_ticks, 220);
	kernel.rows_set = 0;
	assert_int_equal(apply_web(SETTLING "'idle_timeout': '41s',", TWO), 0);
	assert_int_equal(kernel.targets[first].idle_ticks, 11);
	assert_int_equal(kernel.targets[first].new_ticks, 11);
	assert_int_equal(kernel.rows_set, 0);
}

static void slow_starts_move_rows_step_by_step(void **state)
{
	unsigned int before = 0, rows;
	json_t *health;

	(void)state;
	run(SETTLING, 1);
	assert_int_equal(apply_web(SETTLING "'slow_start': '10s',", TWO), 0);
	hop_ready("10.0.0.12");
	for (int i = 0; i < 5; i++) {
		rows = rows_of("web", "10.0.0.12");
		assert_true(rows > before);
		before = rows;
		kernel.time_ns += SECOND_NS;
		serving_steps(&model->steps);
		turn();
	}
	rows = rows_of("web", "10.0.0.12");
	assert_in_range(rows, ROWS * 6 / 16, ROWS * 6 / 16 + 1);
	/* Another poised goes on with it. */
	health = reconcile_health_encode(model);
	daemon_restart();
	reconcile_health_restore(model, health);
	json_decref(health);
	assert_int_equal(apply_web(SETTLING "'slow_start': '10s',", TWO), 0);
	turn();
	assert_int_equal(kernel.rows_set, 0);
	kernel.time_ns += 5 * SECOND_NS;
	serving_steps(&model->steps);
	turn();
	assert_in_range(rows_of("web", "10.0.0.12"), ROWS / 2, ROWS / 2 + 1);
}

static void loads_are_what_flows_there_are(void **state)
{
	__u16 first, second;

	(void)state;
	kernel.loads[1] = (struct load){ .base = 5, .assigned = 77, .weight = 3 };
	assert_int_equal(apply_web(SETTLING "'scheduler': 'leastconn',",
				   "{'address': '10.0.0.11', 'weight': 10}, '10.0.0.12'"),
			 0);
	hop_ready("10.0.0.11");
	hop_ready("10.0.0.12");
	first = target_of("10.0.0.11");
	second = target_of("10.0.0.12");
	assert_int_equal(first, 1);
	assert_int_equal(kernel.loads[first].base + kernel.loads[first].assigned, 0);
	assert_int_equal(kernel.loads[first].weight, 10);
	assert_int_equal(kernel.loads[second].weight, 100);
	flow_make(1, first, 100);
	flow_make(2, first, 100);
	flow_make(3, second, 100);
	kernel.loads[first].assigned += 2;
	sweep_after(1000);
	assert_int_equal(kernel.loads[first].base + kernel.loads[first].assigned, 2);
	assert_int_equal(kernel.loads[second].base + kernel.loads[second].assigned, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rows_move_settle_and_become_stable),
		TEST(a_longer_settle_time_begins_anew),
		TEST(rows_stay_tracked_for_as_long_as_a_flow_needs_them),
		TEST(another_change_meanwhile_keeps_the_oldest),
		TEST(a_failed_backend_is_left_at_once),
		TEST(draining_keeps_flows_and_maintenance_loses_them),
		TEST(the_last_one_drains_with_its_flows),
		TEST(schedulers_are_told_after_rows_and_before),
		TEST(no_row_is_stable_under_a_scheduler),
		TEST(tracked_rows_move_under_a_scheduler),
		TEST(another_hash_is_another_table),
		TEST(another_size_is_tracked_at_first),
		TEST(timeouts_reach_targets),
		TEST(slow_starts_move_rows_step_by_step),
		TEST(loads_are_what_flows_there_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
