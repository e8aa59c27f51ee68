// SPDX-License-Identifier: BSD-2-Clause
/* A poised that starts takes over the maps that another one left. */
#include "fixtures/reconcile_box.h"
#include "poise/flow.h"

#define CHECKED "'mode': 'ipip', 'check': {'tcp': true},"
#define TWO     "'10.0.0.11', '10.0.0.12'"

static void run_two(const char *more)
{
	assert_int_equal(apply_web(more, TWO), 0);
	hop_ready("10.0.0.11");
	hop_ready("10.0.0.12");
	kernel.always_rows = true;
}

static void the_same_configuration_writes_nothing(void **state)
{
	__u16 target;

	(void)state;
	run_two("");
	target = backend("web", "10.0.0.12")->target;
	daemon_restart();
	assert_int_equal(apply_web("", TWO), 0);
	turn();
	assert_int_equal(kernel.targets_set, 0);
	assert_int_equal(kernel.rows_set, 0);
	assert_int_equal(kernel.tables_made, 0);
	assert_int_equal(backend("web", "10.0.0.12")->target, target);
	memset(kernel.zeroed, 0, sizeof(kernel.zeroed));
	hop_ready("10.0.0.11");
	hop_ready("10.0.0.12");
	assert_int_equal(kernel.targets_set, 0);
	assert_int_equal(kernel.rows_set, 0);
	assert_false(kernel.zeroed[target]);
}

static void forwards_until_the_hop_has_failed(void **state)
{
	(void)state;
	run_two("");
	daemon_restart();
	assert_int_equal(apply_web("", TWO), 0);
	hop_tell("10.0.0.11", NEXTHOP_RESOLVING, true);
	assert_int_not_equal(rows_of("web", "10.0.0.11"), 0);
	hop_tell("10.0.0.11", NEXTHOP_NO_NEIGHBOUR, true);
	assert_int_equal(rows_of("web", "10.0.0.11"), 0);
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
}

static void health_is_taken_over(void **state)
{
	json_t *health;

	(void)state;
	assert_int_equal(apply_web(CHECKED, TWO), 0);
	hop_ready("10.0.0.11");
	hop_ready("10.0.0.12");
	health_tell("10.0.0.12", HEALTH_UP);
	health_tell("10.0.0.11", HEALTH_DOWN);
	backend("web", "10.0.0.11")->since = 1000;
	kernel.always_rows = true;
	health = reconcile_health_encode(model);
	daemon_restart();
	reconcile_health_restore(model, health);
	json_decref(health);
	assert_int_equal(apply_web(CHECKED, TWO), 0);
	turn();
	assert_int_equal(kernel.rows_set, 0);
	assert_int_equal(check_of("10.0.0.11")->from, HEALTH_DOWN);
	assert_int_equal(check_of("10.0.0.12")->from, HEALTH_UP);
	assert_string_equal(backend("web", "10.0.0.11")->reason, "connection refused");
	assert_int_equal(backend("web", "10.0.0.11")->since, 1000);
}

/* The file may be older than the maps: then its reason is another one's. */
static void stale_health_is_not_believed(void **state)
{
	json_t *health;

	(void)state;
	assert_int_equal(apply_web(CHECKED, TWO), 0);
	health_tell("10.0.0.11", HEALTH_DOWN);
	health = reconcile_health_encode(model);
	health_tell("10.0.0.11", HEALTH_UP);
	daemon_restart();
	reconcile_health_restore(model, health);
	json_decref(health);
	assert_int_equal(backend("web", "10.0.0.11")->health, HEALTH_UP);
	assert_string_equal(backend("web", "10.0.0.11")->reason, "");
}

static void what_the_configuration_lost_is_removed(void **state)
{
	__u16 target;

	(void)state;
	assert_int_equal(
		apply("{'services': ["
		      "{'name': 'web', 'listen': '192.0.2.10:80/tcp', 'mode': 'ipip', 'rows': 251,"
		      " 'backends': [" TWO "]},"
		      "{'name': 'old', 'listen': '192.0.2.11:80/tcp', 'mode': 'ipip', 'rows': 251,"
		      " 'backends': ['10.0.0.11']}]}"),
		0);
	hop_ready("10.0.0.11");
	hop_ready("10.0.0.12");
	kernel.always_rows = true;
	target = backend("old", "10.0.0.11")->target;
	daemon_restart();
	assert_int_equal(apply_web("", "'10.0.0.12'"), 0);
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	for (size_t i = 0; i < FAKE_ENTRIES; i++)
		if (kernel.entries[i].used)
			assert_int_equal(kernel.entries[i].key.addr[15], 10);
	assert_int_equal(kernel.target_names[target].service[0], '\0');
	assert_null(service_find(model, "old"));
}

/* Killed between making a table and leading packets to it. */
static void half_made_services_are_made_anew(void **state)
{
	(void)state;
	run_two("");
	kernel.service_names[5] = kernel.service_names[0];
	kernel.tables[5].rows = calloc(257, sizeof(struct row));
	kernel.tables[5].count = 257;
	kernel.service_names[5].row_count = 257;
	kernel.service_names[6] = kernel.service_names[0];
	memcpy(kernel.service_names[6].name, "ghost", 6);
	kernel.service_names[6].key.port = htons(99);
	/* A second number for a backend, and one of a service that is not there. */
	kernel.target_names[7] = kernel.target_names[1];
	kernel.target_names[8] = kernel.target_names[1];
	memcpy(kernel.target_names[8].service, "ghost", 6);
	daemon_restart();
	assert_int_equal(model->service_count, 1);
	assert_int_equal(model->services[0]->backend_count, 2);
	assert_null(kernel.tables[5].rows);
	assert_int_equal(kernel.service_names[5].name[0], '\0');
	assert_int_equal(kernel.service_names[6].name[0], '\0');
	assert_int_equal(kernel.target_names[7].service[0], '\0');
	assert_int_equal(kernel.target_names[8].service[0], '\0');
	assert_int_equal(apply_web("", TWO), 0);
	turn();
	assert_int_equal(kernel.rows_set, 0);
}

static void lost_tables_are_made_anew(void **state)
{
	(void)state;
	run_two("");
	kernel.always_rows = false;
	free(kernel.tables[0].rows);
	kernel.tables[0].rows = NULL;
	/* Else a packet meets nothing. */
	for (size_t i = 0; i < FAKE_ENTRIES; i++)
		kernel.entries[i].used &= !entry_is_service(&kernel.entries[i]);
	daemon_restart();
	assert_int_equal(model->service_count, 0);
	assert_int_equal(apply_web("", TWO), 0);
	hop_ready("10.0.0.11");
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
}

static void numbers_go_on_behind_the_highest(void **state)
{
	(void)state;
	run_two("");
	daemon_restart();
	assert_int_equal(apply_web("", TWO ", '10.0.0.13'"), 0);
	assert_int_equal(backend("web", "10.0.0.13")->target, 3);
	assert_true(kernel.zeroed[3]);
}

/* Killed after a target had lost its mark, with rows that name it still. */
static void who_had_lost_its_mark_is_taken_out(void **state)
{
	__u16 target;

	(void)state;
	assert_int_equal(apply_web(CHECKED, TWO), 0);
	hop_ready("10.0.0.11");
	hop_ready("10.0.0.12");
	health_tell("10.0.0.11", HEALTH_UP);
	health_tell("10.0.0.12", HEALTH_UP);
	kernel.always_rows = true;
	target = backend("web", "10.0.0.11")->target;
	kernel.stores_left = 3; /* its name with its health, its mark, a row */
	health_tell("10.0.0.11", HEALTH_DOWN);
	assert_true(kernel.dead);
	assert_int_equal(kernel.targets[target].owner & TARGET_SERVES, 0);
	assert_int_not_equal(rows_of("web", "10.0.0.11"), 0);
	daemon_restart();
	assert_int_equal(apply_web(CHECKED, TWO), 0);
	turn();
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	assert_int_equal(rows_moving_from("web", target), 0);
	/* Well again: entries of the flows that it lost are there until a pass has removed them. */
	hop_ready("10.0.0.11");
	health_tell("10.0.0.11", HEALTH_UP);
	assert_int_equal(rows_of("web", "10.0.0.11"), 0);
	assert_int_equal(kernel.targets[target].owner & TARGET_SERVES, 0);
	sweep_after(101);
	turn();
	assert_int_not_equal(rows_of("web", "10.0.0.11"), 0);
}

/* Killed before any row named a new backend. */
static void who_had_got_its_mark_gets_rows(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	hop_ready("10.0.0.12");
	kernel.always_rows = true;
	kernel.stores_left = 3; /* its target, its mark, a row */
	hop_ready("10.0.0.11");
	assert_true(kernel.dead);
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	daemon_restart();
	assert_int_equal(apply_web("", TWO), 0);
	turn();
	assert_in_range(rows_of("web", "10.0.0.11"), ROWS / 2, ROWS / 2 + 1);
	assert_int_equal(rows_moving_from("web", backend("web", "10.0.0.12")->target),
			 rows_of("web", "10.0.0.11"));
}

static void numbers_of_nobody_are_cleared_before_they_are_given(void **state)
{
	__u64 *entry = &kernel.flows[0].entries[0];
	__u16 target;

	(void)state;
	run_two("");
	/* Removed by a poised that was killed before it had cleaned up. */
	target = backend("web", "10.0.0.11")->target;
	memset(&kernel.target_names[target], 0, sizeof(kernel.target_names[target]));
	*entry = flow_entry(1, target, flow_clock_tick(lb_clock(NULL), kernel.time_ns) + 200,
			    FLOW_ESTABLISHED);
	daemon_restart();
	assert_int_equal(kernel.targets[target].owner & TARGET_SERVES, 0);
	/* Rows name it until they are stored. */
	sweeper_sweep(model->sweeper);
	kernel.time_ns += SECOND_NS;
	sweeper_sweep(model->sweeper);
	assert_int_not_equal(*entry, 0);
	assert_int_equal(kernel.targets[target].mode, MODE_IPIP);
	assert_int_equal(apply_web("", "'10.0.0.12'"), 0);
	turn();
	assert_int_equal(rows_of("web", "10.0.0.12"), ROWS);
	sweep_after(101);
	assert_int_equal(*entry, 0);
	assert_int_equal(kernel.targets[target].mode, MODE_NONE);
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_same_configuration_writes_nothing),
		TEST(forwards_until_the_hop_has_failed),
		TEST(health_is_taken_over),
		TEST(stale_health_is_not_believed),
		TEST(what_the_configuration_lost_is_removed),
		TEST(half_made_services_are_made_anew),
		TEST(lost_tables_are_made_anew),
		TEST(numbers_go_on_behind_the_highest),
		TEST(who_had_lost_its_mark_is_taken_out),
		TEST(who_had_got_its_mark_gets_rows),
		TEST(numbers_of_nobody_are_cleared_before_they_are_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
