// SPDX-License-Identifier: BSD-2-Clause
/* Backends that are removed while they serve, and their numbers. */
#include "fixtures/moving_box.h"

static void a_removed_backend_leaves_when_its_flows_have_ended(void **state)
{
	const struct live_service *service;
	__u64 *flow;
	__u16 target;

	(void)state;
	run(SETTLING, 2);
	target = target_of("10.0.0.11");
	flow = flow_make(0, target, 225);
	assert_int_equal(apply_web(SETTLING, "'10.0.0.12'"), 0);
	service = service_find(model, "web");
	assert_null(backend("web", "10.0.0.11"));
	assert_int_equal(service->leaving_count, 1);
	assert_true(service->leaving[0]->leaving);
	assert_int_equal(kernel.target_names[target].flags, TARGET_NAME_LEAVING);
	assert_int_equal(kernel.targets[target].owner, entry().number | TARGET_SERVES);
	for (int i = 0; i < 10; i++)
		sweep_after(10000);
	/* Its rows are gone, its flow is not. */
	assert_int_equal(rows_moving_from("web", target), 0);
	assert_int_equal(service->leaving_count, 1);
	assert_int_equal(service->leaving[0]->flows, 1);
	*flow = 0;
	sweep_after(1000);
	assert_int_equal(service->leaving_count, 0);
	assert_int_equal(kernel.targets[target].mode, MODE_NONE);
	assert_int_equal(kernel.target_names[target].service[0], '\0');
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 2);
}

/* The last packets of a flow that ends are still to come. */
static void flows_that_end_keep_a_removed_backend(void **state)
{
	const struct live_service *service;
	__u64 *flow;
	__u16 target;

	(void)state;
	run(SETTLING, 2);
	target = target_of("10.0.0.11");
	flow_make(0, target, 225);
	assert_int_equal(apply_web(SETTLING, "'10.0.0.12'"), 0);
	service = service_find(model, "web");
	for (int i = 0; i < 10; i++)
		sweep_after(10000);
	assert_int_equal(rows_moving_from("web", target), 0);
	flow = flow_make(0, target, 10);
	*flow += FLOW_CLOSING - FLOW_ESTABLISHED;
	sweep_after(1000);
	assert_int_equal(service->leaving_count, 1);
	assert_int_equal(service->leaving[0]->flows, 0);
	assert_int_equal(service->leaving[0]->closing, 1);
	*flow = 0;
	sweep_after(1000);
	assert_int_equal(service->leaving_count, 0);
}

static void the_last_one_leaves_in_the_end(void **state)
{
	const struct live_service *service;
	__u16 target;

	(void)state;
	run(SETTLING, 1);
	target = target_of("10.0.0.11");
	kernel.always_rows = false;
	assert_int_equal(apply_web(SETTLING, ""), 0);
	service = service_find(model, "web");
	for (int i = 0; i < 7; i++)
		sweep_after(10000);
	/* Nobody else could take its silent connections; they have until they settle. */
	assert_int_equal(service->leaving_count, 1);
	assert_int_equal(rows_moving_from("web", target), ROWS);
	for (int i = 0; i < 6; i++)
		sweep_after(10000);
	assert_int_equal(service->leaving_count, 0);
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 1);
}

static void one_that_leaves_can_be_taken_back(void **state)
{
	__u16 target;

	(void)state;
	run(SETTLING, 2);
	target = target_of("10.0.0.11");
	memset(kernel.zeroed, 0, sizeof(kernel.zeroed));
	assert_int_equal(apply_web(SETTLING, "'10.0.0.12'"), 0);
	kernel.targets_set = 0;
	assert_int_equal(apply_web(SETTLING, TWO), 0);
	assert_int_equal(backend("web", "10.0.0.11")->target, target);
	assert_int_equal(service_find(model, "web")->leaving_count, 0);
	assert_int_equal(kernel.target_names[target].flags, 0);
	assert_false(kernel.zeroed[target]);
	assert_int_equal(kernel.targets_set, 0);
	assert_int_not_equal(rows_of("web", "10.0.0.11"), 0);
}

static void one_that_leaves_and_fails_is_gone(void **state)
{
	__u16 target;
	__u64 *flow;

	(void)state;
	run(CHECKED, 2);
	target = target_of("10.0.0.11");
	flow = flow_make(0, target, 225);
	assert_int_equal(apply_web(CHECKED, "'10.0.0.12'"), 0);
	health_tell("10.0.0.11", HEALTH_DOWN);
	assert_int_equal(service_find(model, "web")->leaving_count, 0);
	assert_int_equal(rows_moving_from("web", target), 0);
	assert_int_equal(kernel.targets[target].owner & TARGET_SERVES, 0);
	/* Nobody gets the number while an entry has it. */
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 3);
	sweep_after(50);
	assert_int_not_equal(*flow, 0);
	sweep_after(50);
	assert_int_equal(*flow, 0);
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 2);
}

static void it_goes_on_leaving_under_another_poised(void **state)
{
	__u16 target;

	(void)state;
	run(SETTLING, 2);
	target = target_of("10.0.0.11");
	assert_int_equal(apply_web(SETTLING, "'10.0.0.12'"), 0);
	daemon_restart();
	assert_int_equal(apply_web(SETTLING, "'10.0.0.12'"), 0);
	turn();
	assert_int_equal(target_of("10.0.0.11"), target);
	assert_int_equal(service_find(model, "web")->leaving_count, 1);
	assert_int_equal(kernel.rows_set, 0);
	assert_int_equal(kernel.targets_set, 0);
	/* Its hop is watched as well. */
	hop_tell("10.0.0.11", NEXTHOP_NO_NEIGHBOUR, true);
	assert_int_equal(service_find(model, "web")->leaving_count, 0);
	assert_int_equal(rows_moving_from("web", target), 0);
}

static void numbers_run_out_only_if_flows_need_them(void **state)
{
	char all[1500] = "";
	size_t length = 0;
	__u64 *flow;

	(void)state;
	run(SETTLING, 2);
	kernel.always_rows = false;
	/* Most numbers are of backends that never served. */
	for (int i = 0; i < FAKE_TARGETS - 3; i++)
		length += snprintf(all + length, sizeof(all) - length, "%s'10.1.0.%d'",
				   i ? ", " : "", i);
	flow = flow_make(0, target_of("10.0.0.12"), 225);
	assert_int_equal(apply_web(SETTLING, "'10.0.0.11'"), 0);
	assert_int_equal(apply_web(SETTLING, all), 0);
	assert_int_equal(numbers_left(&model->target_numbers), 0);
	assert_int_equal(apply_web(SETTLING, "'10.0.0.11'"), 0);
	assert_int_equal(apply_web(SETTLING, all), 0);
	assert_int_equal(apply_web(SETTLING, "'10.0.0.11'"), 0);
	assert_int_equal(service_find(model, "web")->leaving_count, 1);
	snprintf(all + length, sizeof(all) - length, ", '10.1.0.200'");
	assert_int_equal(apply_web(SETTLING, all), -EINVAL);
	assert_non_null(strstr(problem.text, "1 are removed backends'"));
	*flow = 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_removed_backend_leaves_when_its_flows_have_ended),
		TEST(flows_that_end_keep_a_removed_backend),
		TEST(the_last_one_leaves_in_the_end),
		TEST(one_that_leaves_can_be_taken_back),
		TEST(one_that_leaves_and_fails_is_gone),
		TEST(it_goes_on_leaving_under_another_poised),
		TEST(numbers_run_out_only_if_flows_need_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
