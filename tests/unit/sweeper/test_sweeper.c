// SPDX-License-Identifier: BSD-2-Clause
/* Passes in their thread, and what the loop does meanwhile. */
#include "fixtures/reconcile_box.h"
#include "sweeper/sweep.h"

#define TWO "'10.0.0.11', '10.0.0.12'"

static uv_sem_t begun, allowed;
static unsigned int passes;

/* Takes the real one's place, and takes as long as the test wants. */
int flow_sweep_run(struct flow_sweep *sweep)
{
	uv_sem_post(&begun);
	uv_sem_wait(&allowed);
	sweep->occupied = 1;
	passes++;
	return 0;
}

static void allow_timers(void)
{
	kernel.time_ns += 10 * SECOND_NS;
	sweeper_wake(model->sweeper);
}

/* Until a sweep is in flight. */
static void sweep_await(void)
{
	allow_timers();
	while (uv_sem_trywait(&begun))
		uv_run(&loop, UV_RUN_NOWAIT);
}

/* Until the loop knows what it found. */
static void sweep_let_end(void)
{
	__u64 before = model->flow_table.swept_ns;

	kernel.time_ns++;
	uv_sem_post(&allowed);
	while (model->flow_table.swept_ns == before)
		uv_run(&loop, UV_RUN_NOWAIT);
}

static int setup_passes(void **state)
{
	uv_sem_init(&begun, 0);
	uv_sem_init(&allowed, 0);
	passes = 0;
	return setup(state);
}

static int teardown_passes(void **state)
{
	int err = teardown(state);

	uv_sem_destroy(&begun);
	uv_sem_destroy(&allowed);
	return err;
}

static void passes_follow_each_other(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	for (unsigned int i = 1; i <= 3; i++) {
		sweep_await();
		/* The loop goes on, and another sweep does not begin. */
		sweeper_wake(model->sweeper);
		for (int j = 0; j < 100; j++)
			uv_run(&loop, UV_RUN_NOWAIT);
		assert_int_equal(uv_sem_trywait(&begun), UV_EAGAIN);
		sweep_let_end();
		assert_int_equal(passes, i);
		assert_int_equal(model->flow_table.occupied, 1);
	}
}

/* Somebody may wait for a count that is younger than what was asked for. */
static void a_pass_follows_a_change_that_is_none(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	sweep_await();
	sweep_let_end();
	model->flow_table.occupied = 0;
	kernel.time_ns += SECOND_NS;
	turn();
	assert_false(sweep_wanted(model));
	assert_int_equal(apply_web("", TWO), 0);
	assert_true(sweep_wanted(model));
}

static void poised_ends_after_the_pass(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	sweep_await();
	uv_sem_post(&allowed);
	daemon_stop();
	assert_int_equal(passes, 1);
	daemon_start();
}

static void a_service_may_go_meanwhile(void **state)
{
	(void)state;
	assert_int_equal(apply_web("'mode': 'ipip', 'scheduler': 'random',", TWO), 0);
	hop_ready("10.0.0.11");
	assert_int_equal(apply_web("", TWO), 0);
	kernel.time_ns += SECOND_NS;
	sweep_await();
	assert_int_equal(apply("{}"), 0);
	sweep_let_end();
	assert_int_equal(model->service_count, 0);
	/* A sweep that began before does not clear the entries that it had. */
	assert_int_not_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 1);
	sweep_await();
	sweep_let_end();
	assert_int_equal(numbers_left(&model->target_numbers), FAKE_TARGETS - 1);
}

static void a_table_may_be_replaced_meanwhile(void **state)
{
	(void)state;
	assert_int_equal(apply_web("'mode': 'ipip', 'scheduler': 'random',", TWO), 0);
	hop_ready("10.0.0.11");
	assert_int_equal(apply_web("", TWO), 0);
	kernel.time_ns += SECOND_NS;
	sweep_await();
	assert_int_equal(apply_web("'mode': 'ipip', 'hash': 'source',", TWO), 0);
	sweep_let_end();
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
}

static void one_that_is_waited_for_comes_after_the_one_in_flight(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	sweep_await();
	uv_sem_post(&allowed);
	uv_sem_post(&allowed);
	sweeper_sweep(model->sweeper);
	assert_int_equal(passes, 2);
	assert_int_equal(uv_sem_trywait(&begun), 0);
	/* The loop is told of the first one late, and goes on. */
	sweep_await();
	sweep_let_end();
	assert_int_equal(passes, 3);
}

static unsigned int told;

static void tell(void *arg)
{
	(void)arg;
	told++;
}

/* One in flight may not have found what was given up since it began. */
static void who_waits_is_told_by_a_pass_that_began_later(void **state)
{
	struct sweep_wait first = { .done = tell }, second = { .done = tell };

	(void)state;
	told = 0;
	assert_int_equal(apply_web("", TWO), 0);
	sweep_await();
	sweeper_await(model->sweeper, &first);
	sweep_let_end();
	assert_int_equal(told, 0);
	sweep_await();
	sweeper_await(model->sweeper, &second);
	sweep_let_end();
	assert_int_equal(told, 1);
	sweeper_await_cancel(&second);
	sweep_await();
	sweep_let_end();
	assert_int_equal(told, 1);
}

/* Nothing else asks for a sweep, and it does not wait for its share of the time. */
static void a_pass_is_made_for_who_waits(void **state)
{
	struct sweep_wait wait = { .done = tell };

	(void)state;
	told = 0;
	assert_int_equal(apply_web("", TWO), 0);
	sweep_await();
	sweep_let_end();
	model->flow_table.occupied = 0;
	assert_false(sweep_wanted(model));
	sweeper_await(model->sweeper, &wait);
	kernel.time_ns += IN_FLIGHT_NS;
	uv_sem_post(&allowed);
	while (!told)
		uv_run(&loop, UV_RUN_ONCE);
	assert_int_equal(passes, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_passes, teardown_passes)
	const struct CMUnitTest tests[] = {
		TEST(passes_follow_each_other),
		TEST(a_pass_follows_a_change_that_is_none),
		TEST(poised_ends_after_the_pass),
		TEST(a_service_may_go_meanwhile),
		TEST(a_table_may_be_replaced_meanwhile),
		TEST(one_that_is_waited_for_comes_after_the_one_in_flight),
		TEST(who_waits_is_told_by_a_pass_that_began_later),
		TEST(a_pass_is_made_for_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
