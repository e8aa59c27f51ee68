// SPDX-License-Identifier: BSD-2-Clause
/* Tests who serves, and with what weight. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "publish/effective.h"

#define NOW_MS 1700000000000ULL

static struct effective_backend ready(__u16 weight)
{
	return (struct effective_backend){
		.weight = weight, .health = HEALTH_UP, .reachable = true, .was_usable = true
	};
}

static __u64 evaluate(struct effective_service *service, struct effective_backend *backends,
		      size_t count, __u64 now_ms)
{
	for (size_t i = 0; i < count; i++)
		backends[i].was_usable = backends[i].weight_now;
	effective_evaluate(service, backends, count, now_ms);
	return service->next_step_ms;
}

/* One backend beside another one that is fine. */
static const struct {
	const char *name;
	struct effective_backend backend;
	bool serves;
	__u32 weight_now;
} singles[] = {
	{ "is up", { .weight = 7, .health = HEALTH_UP, .reachable = true }, true, 7 },
	{ "has no check", { .weight = 7, .health = HEALTH_UNCHECKED, .reachable = true }, true, 7 },
	{ "is not known yet",
	  { .weight = 7, .health = HEALTH_CHECKING, .reachable = true },
	  false,
	  0 },
	{ "is down", { .weight = 7, .health = HEALTH_DOWN, .reachable = true }, false, 0 },
	{ "cannot be reached", { .weight = 7, .health = HEALTH_UP }, false, 0 },
	{ "weighs nothing", { .health = HEALTH_UP, .reachable = true }, true, 0 },
	{ "drains",
	  { .weight = 7, .admin = ADMIN_DRAIN, .health = HEALTH_UP, .reachable = true },
	  true,
	  0 },
	{ "is maintained",
	  { .weight = 7, .admin = ADMIN_MAINT, .health = HEALTH_UP, .reachable = true },
	  false,
	  0 },
	{ "leaves",
	  { .weight = 7, .leaving = true, .health = HEALTH_UP, .reachable = true },
	  true,
	  0 },
	{ "leaves and drains",
	  { .weight = 7,
	    .leaving = true,
	    .admin = ADMIN_DRAIN,
	    .health = HEALTH_UP,
	    .reachable = true },
	  true,
	  0 },
	{ "leaves and is down",
	  { .weight = 7, .leaving = true, .health = HEALTH_DOWN, .reachable = true },
	  false,
	  0 },
	{ "has entries of an earlier time",
	  { .weight = 7, .barred = true, .health = HEALTH_UP, .reachable = true },
	  false,
	  0 },
	{ "is sorry",
	  { .weight = 7, .sorry = true, .health = HEALTH_UP, .reachable = true },
	  true,
	  0 },
};

static void one_by_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(singles); i++) {
		struct effective_backend backends[] = { ready(5), singles[i].backend };
		struct effective_service service = { 0 };

		effective_evaluate(&service, backends, 2, NOW_MS);
		if (backends[1].serves != singles[i].serves ||
		    backends[1].weight_now != singles[i].weight_now)
			fail_msg("one that %s: serves %d, weight %u", singles[i].name,
				 backends[1].serves, backends[1].weight_now);
		assert_int_equal(backends[0].weight_now, 5);
		assert_int_equal(service.next_step_ms, 0);
	}
}

static void sorry_ones_stand_in(void **state)
{
	struct effective_backend backends[] = { ready(10), ready(10), ready(4), ready(4) };
	struct effective_service service = { 0 };

	(void)state;
	backends[2].sorry = backends[3].sorry = true;
	effective_evaluate(&service, backends, 4, NOW_MS);
	assert_int_equal(backends[2].weight_now, 0);
	backends[0].health = HEALTH_DOWN;
	effective_evaluate(&service, backends, 4, NOW_MS);
	assert_int_equal(backends[2].weight_now, 0);
	backends[1].admin = ADMIN_DRAIN;
	effective_evaluate(&service, backends, 4, NOW_MS);
	assert_int_equal(backends[2].weight_now, 4);
	assert_int_equal(backends[3].weight_now, 4);
	assert_true(backends[1].serves);
	backends[0].health = HEALTH_UP;
	effective_evaluate(&service, backends, 4, NOW_MS);
	assert_int_equal(backends[0].weight_now, 10);
	assert_int_equal(backends[3].weight_now, 0);
	assert_true(backends[3].serves);
}

static void panic_takes_all_for_up(void **state)
{
	static const struct {
		unsigned int down, checking, maintained, sorry; /* of ten */
		__u8 percent;
		bool panic;
	} rows[] = {
		{ 10, 0, 0, 0, 0, false },  { 7, 0, 0, 0, 30, false },  { 8, 0, 0, 0, 30, true },
		{ 0, 10, 0, 0, 30, false }, { 8, 2, 0, 0, 30, true },   { 5, 0, 5, 0, 30, true },
		{ 3, 0, 5, 0, 30, false },  { 0, 0, 10, 0, 30, false }, { 1, 0, 0, 0, 100, true },
		{ 0, 0, 0, 0, 100, false }, { 4, 0, 0, 3, 50, true },   { 10, 0, 0, 0, 1, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct effective_service service = { .panic_percent = rows[i].percent };
		struct effective_backend backends[10];
		unsigned int at = 0;

		for (size_t j = 0; j < 10; j++)
			backends[j] = ready(1);
		for (size_t j = 0; j < rows[i].down; j++)
			backends[at++].health = HEALTH_DOWN;
		for (size_t j = 0; j < rows[i].checking; j++)
			backends[at++].health = HEALTH_CHECKING;
		for (size_t j = 0; j < rows[i].maintained; j++)
			backends[at++].admin = ADMIN_MAINT;
		for (size_t j = 0; j < rows[i].sorry; j++)
			backends[at++].sorry = true;
		effective_evaluate(&service, backends, 10, NOW_MS);
		if (service.panic != rows[i].panic)
			fail_msg("row %zu: panic %d", i, service.panic);
		for (size_t j = 0; j < rows[i].down; j++)
			assert_int_equal(backends[j].weight_now, rows[i].panic);
	}
}

static void sorry_serves_rather_than_those_that_are_down(void **state)
{
	struct effective_service service = { .panic_percent = 50 };
	struct effective_backend backends[] = { ready(1), ready(1), ready(1) };

	(void)state;
	backends[0].health = backends[1].health = HEALTH_DOWN;
	backends[2].sorry = true;
	effective_evaluate(&service, backends, 3, NOW_MS);
	assert_false(service.panic);
	assert_false(backends[0].serves);
	assert_int_equal(backends[2].weight_now, 1);
	/* One backend that is up is below the panic threshold, so the others help it. */
	service.panic_percent = 60;
	backends[0].health = HEALTH_UP;
	effective_evaluate(&service, backends, 3, NOW_MS);
	assert_true(service.panic);
	assert_int_equal(backends[1].weight_now, 1);
	assert_int_equal(backends[2].weight_now, 0);
}

/* A sorry backend that could not serve is no reason against panic. */
static void only_a_sorry_backend_that_can_serve_relieves(void **state)
{
	static const struct {
		const char *name;
		struct effective_backend sorry;
		bool panic;
	} rows[] = {
		{ "is ready", { .weight = 1, .health = HEALTH_UP, .reachable = true }, false },
		{ "cannot be reached", { .weight = 1, .health = HEALTH_UP }, true },
		{ "is down", { .weight = 1, .health = HEALTH_DOWN, .reachable = true }, true },
		{ "weighs nothing", { .health = HEALTH_UP, .reachable = true }, true },
		{ "drains",
		  { .weight = 1, .admin = ADMIN_DRAIN, .health = HEALTH_UP, .reachable = true },
		  true },
		{ "leaves",
		  { .weight = 1, .leaving = true, .health = HEALTH_UP, .reachable = true },
		  true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct effective_service service = { .panic_percent = 50 };
		struct effective_backend backends[] = { ready(1), rows[i].sorry };

		backends[0].health = HEALTH_DOWN;
		backends[1].sorry = true;
		effective_evaluate(&service, backends, 2, NOW_MS);
		if (service.panic != rows[i].panic)
			fail_msg("a sorry backend that %s: panic %d", rows[i].name, service.panic);
	}
}

/* Without the clock's help nobody would know when the sparing ends. */
static void sparing_ends_when_the_clock_is_set_back(void **state)
{
	struct effective_service service = { .panic_percent = 50, .recovery_ms = 7000 };
	struct effective_backend backends[] = { ready(1), ready(1), ready(1) };

	(void)state;
	backends[1].health = backends[2].health = HEALTH_DOWN;
	evaluate(&service, backends, 3, NOW_MS);
	backends[1].health = HEALTH_UP;
	evaluate(&service, backends, 3, NOW_MS);
	assert_true(backends[2].serves);
	evaluate(&service, backends, 3, NOW_MS - 1);
	assert_false(backends[2].serves);
	assert_int_equal(service.next_step_ms, 0);
}

/* Two recover together, and the checks find one of them first. */
static void who_served_in_panic_is_spared_for_a_while(void **state)
{
	struct effective_service service = { .panic_percent = 50, .recovery_ms = 7000 };
	struct effective_backend backends[] = { ready(1), ready(1), ready(1), ready(1) };

	(void)state;
	backends[1].health = backends[2].health = backends[3].health = HEALTH_DOWN;
	evaluate(&service, backends, 4, NOW_MS);
	assert_int_equal(backends[3].weight_now, 1);
	backends[1].health = HEALTH_UP;
	assert_int_equal(evaluate(&service, backends, 4, NOW_MS + 1000), NOW_MS + 8000);
	assert_false(service.panic);
	assert_true(backends[2].serves);
	assert_int_equal(backends[2].weight_now, 0);
	/* One is found up in time; one that fails now is not spared. */
	backends[2].health = HEALTH_UP;
	backends[1].health = HEALTH_DOWN;
	assert_int_equal(evaluate(&service, backends, 4, NOW_MS + 7999), NOW_MS + 8000);
	assert_int_equal(backends[2].weight_now, 1);
	assert_false(backends[1].serves);
	assert_true(backends[3].serves);
	assert_int_equal(evaluate(&service, backends, 4, NOW_MS + 8000), 0);
	assert_false(backends[3].serves);
}

static void panic_waits_for_first_checks(void **state)
{
	struct effective_service service = { .panic_percent = 50 };
	struct effective_backend backends[] = { ready(1), ready(1), ready(1), ready(1) };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		backends[i].health = HEALTH_DOWN;
	backends[3].health = HEALTH_CHECKING;
	evaluate(&service, backends, 4, NOW_MS);
	assert_true(service.panic);
	assert_true(backends[0].serves);
	assert_false(backends[3].serves);
}

static void panic_reaches_nobody_who_cannot_be_reached(void **state)
{
	struct effective_service service = { .panic_percent = 50 };
	struct effective_backend backends[] = { ready(1), ready(1), ready(1), ready(1) };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		backends[i].health = HEALTH_DOWN;
	backends[1].reachable = false;
	backends[2].sorry = true;
	backends[3].leaving = true;
	effective_evaluate(&service, backends, 4, NOW_MS);
	assert_true(service.panic);
	assert_int_equal(backends[0].weight_now, 1);
	assert_false(backends[1].serves);
	assert_false(backends[2].serves);
	assert_true(backends[3].serves);
}

static void a_newcomer_starts_slowly(void **state)
{
	struct effective_service service = { .slow_start_ms = 30000 };
	struct effective_backend backends[] = { ready(10), ready(20), ready(30) };
	__u64 now_ms = NOW_MS;

	(void)state;
	backends[2].reachable = false;
	evaluate(&service, backends, 3, now_ms);
	now_ms += 60000;
	backends[2].reachable = true;
	for (unsigned int step = 1; step <= 9; step++) {
		__u64 next_ms = evaluate(&service, backends, 3, now_ms);

		assert_int_equal(backends[0].weight_now, 100);
		assert_int_equal(backends[1].weight_now, 200);
		assert_int_equal(backends[2].weight_now, 30 * step);
		assert_int_equal(next_ms, NOW_MS + 60000 + step * 3000);
		assert_int_equal(evaluate(&service, backends, 3, next_ms - 1), next_ms);
		assert_int_equal(backends[2].weight_now, 30 * step);
		now_ms = next_ms;
	}
	assert_int_equal(evaluate(&service, backends, 3, now_ms), 0);
	assert_int_equal(backends[0].weight_now, 10);
	assert_int_equal(backends[2].weight_now, 30);
	assert_int_equal(backends[2].ramp_ms, 0);
}

static void an_odd_time_takes_ten_steps_as_well(void **state)
{
	struct effective_service service = { .slow_start_ms = 1003 };
	struct effective_backend backends[] = { ready(1), ready(1) };
	__u64 now_ms = NOW_MS + 10000;
	unsigned int steps = 0;

	(void)state;
	backends[1].reachable = false;
	evaluate(&service, backends, 2, NOW_MS);
	backends[1].reachable = true;
	while (now_ms) {
		__u64 next_ms = evaluate(&service, backends, 2, now_ms);

		assert_true(!next_ms || next_ms > now_ms);
		assert_int_equal(backends[1].weight_now, next_ms ? ++steps : 1);
		now_ms = next_ms;
	}
	assert_int_equal(steps, 9);
}

static void those_who_start_together_start_at_once(void **state)
{
	struct effective_service service = { .slow_start_ms = 30000 };
	struct effective_backend backends[] = { ready(1), ready(1), ready(1) };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		backends[i].health = HEALTH_CHECKING;
	evaluate(&service, backends, 3, NOW_MS);
	backends[0].health = HEALTH_UP;
	assert_int_equal(evaluate(&service, backends, 3, NOW_MS + 50), 0);
	backends[1].health = HEALTH_UP;
	assert_int_equal(evaluate(&service, backends, 3, NOW_MS + 1050), 0);
	assert_int_equal(backends[1].weight_now, 1);
	/* Late, the last one does not. */
	backends[2].health = HEALTH_UP;
	assert_int_not_equal(evaluate(&service, backends, 3, NOW_MS + 5000), 0);
	assert_int_equal(backends[2].weight_now, 1);
	assert_int_equal(backends[1].weight_now, 10);
	/* Alone, it has all of its weight, and is not taken back when others come. */
	backends[0].health = backends[1].health = HEALTH_DOWN;
	assert_int_equal(evaluate(&service, backends, 3, NOW_MS + 6000), 0);
	assert_int_equal(backends[2].weight_now, 1);
	backends[0].health = HEALTH_UP;
	assert_int_not_equal(evaluate(&service, backends, 3, NOW_MS + 9000), 0);
	assert_int_equal(backends[2].weight_now, 10);
	assert_int_equal(backends[0].weight_now, 1);
}

static void a_slow_start_ends_early_with_its_reason(void **state)
{
	struct effective_service service = { .slow_start_ms = 30000 };
	struct effective_backend backends[] = { ready(1), ready(1) };

	(void)state;
	backends[1].admin = ADMIN_DRAIN;
	evaluate(&service, backends, 2, NOW_MS);
	backends[1].admin = ADMIN_READY;
	assert_int_not_equal(evaluate(&service, backends, 2, NOW_MS + 5000), 0);
	/* Turned off. */
	service.slow_start_ms = 0;
	assert_int_equal(evaluate(&service, backends, 2, NOW_MS + 6000), 0);
	assert_int_equal(backends[1].weight_now, 1);
	/* The clock was set back to before it began. */
	service.slow_start_ms = 30000;
	backends[1].ramp_ms = NOW_MS + 7000;
	assert_int_equal(evaluate(&service, backends, 2, NOW_MS), 0);
	assert_int_equal(backends[1].ramp_ms, 0);
	/* Down: it begins anew when it is back. */
	backends[1].ramp_ms = NOW_MS + 8000;
	backends[1].health = HEALTH_DOWN;
	assert_int_equal(evaluate(&service, backends, 2, NOW_MS + 9000), 0);
	assert_int_equal(backends[1].ramp_ms, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_by_one),
		cmocka_unit_test(sorry_ones_stand_in),
		cmocka_unit_test(panic_takes_all_for_up),
		cmocka_unit_test(sorry_serves_rather_than_those_that_are_down),
		cmocka_unit_test(only_a_sorry_backend_that_can_serve_relieves),
		cmocka_unit_test(sparing_ends_when_the_clock_is_set_back),
		cmocka_unit_test(who_served_in_panic_is_spared_for_a_while),
		cmocka_unit_test(panic_waits_for_first_checks),
		cmocka_unit_test(panic_reaches_nobody_who_cannot_be_reached),
		cmocka_unit_test(a_newcomer_starts_slowly),
		cmocka_unit_test(an_odd_time_takes_ten_steps_as_well),
		cmocka_unit_test(those_who_start_together_start_at_once),
		cmocka_unit_test(a_slow_start_ends_early_with_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
