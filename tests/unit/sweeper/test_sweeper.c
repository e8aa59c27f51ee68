// SPDX-License-Identifier: BSD-2-Clause
/* Passes in their thread, and what the loop does meanwhile. */
#include "reconcile_box.h"
#include "poised/pass.h"

#define TWO "'10.0.0.11', '10.0.0.12'"

static uv_sem_t begun, allowed;
static unsigned int passes;

/* In place of the real one: takes as long as the test wants. */
int sweep_run(struct sweep *sweep)
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
	sweeper_wake(rec->sweeper);
}

/* Until a pass is in flight. */
static void pass_await(void)
{
	allow_timers();
	while (uv_sem_trywait(&begun))
		uv_run(&loop, UV_RUN_NOWAIT);
}

/* Until the loop knows what it found. */
static void pass_let_end(void)
{
	__u64 before = rec->sweep.swept_ns;

	kernel.time_ns++;
	uv_sem_post(&allowed);
	while (rec->sweep.swept_ns == before)
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
		pass_await();
		/* The loop goes on, and another pass does not begin. */
		sweeper_wake(rec->sweeper);
		for (int j = 0; j < 100; j++)
			uv_run(&loop, UV_RUN_NOWAIT);
		assert_int_equal(uv_sem_trywait(&begun), UV_EAGAIN);
		pass_let_end();
		assert_int_equal(passes, i);
		assert_int_equal(rec->sweep.occupied, 1);
	}
}

/* Somebody may wait for a count that is younger than what was asked for. */
static void a_pass_follows_a_change_that_is_none(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	pass_await();
	pass_let_end();
	rec->sweep.occupied = 0;
	kernel.time_ns += SECOND_NS;
	turn();
	assert_false(pass_wanted(rec));
	assert_int_equal(apply_web("", TWO), 0);
	assert_true(pass_wanted(rec));
}

static void poised_ends_after_the_pass(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	pass_await();
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
	pass_await();
	assert_int_equal(apply("{}"), 0);
	pass_let_end();
	assert_int_equal(rec->service_count, 0);
	/* What it had is not cleared by a pass that began before. */
	assert_int_not_equal(numbers_left(&rec->target_numbers), FAKE_TARGETS - 1);
	pass_await();
	pass_let_end();
	assert_int_equal(numbers_left(&rec->target_numbers), FAKE_TARGETS - 1);
}

static void a_table_may_be_replaced_meanwhile(void **state)
{
	(void)state;
	assert_int_equal(apply_web("'mode': 'ipip', 'scheduler': 'random',", TWO), 0);
	hop_ready("10.0.0.11");
	assert_int_equal(apply_web("", TWO), 0);
	kernel.time_ns += SECOND_NS;
	pass_await();
	assert_int_equal(apply_web("'mode': 'ipip', 'hash': 'source',", TWO), 0);
	pass_let_end();
	assert_int_equal(rows_of("web", "10.0.0.11"), ROWS);
}

static void one_that_is_waited_for_comes_after_the_one_in_flight(void **state)
{
	(void)state;
	assert_int_equal(apply_web("", TWO), 0);
	pass_await();
	uv_sem_post(&allowed);
	uv_sem_post(&allowed);
	sweeper_pass(rec->sweeper);
	assert_int_equal(passes, 2);
	assert_int_equal(uv_sem_trywait(&begun), 0);
	/* The loop is told of the first one late, and goes on. */
	pass_await();
	pass_let_end();
	assert_int_equal(passes, 3);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
