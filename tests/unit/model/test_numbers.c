// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <cmocka.h>

#include "model/numbers.h"

static __u32 taken(struct numbers *numbers)
{
	__u32 number = 999;

	assert_int_equal(numbers_take(numbers, &number), 0);
	return number;
}

static void a_released_number_is_the_last_to_come_again(void **state)
{
	struct numbers numbers;
	__u32 number;

	(void)state;
	assert_int_equal(numbers_init(&numbers, 1, 5), 0);
	assert_int_equal(taken(&numbers), 1);
	assert_int_equal(taken(&numbers), 2);
	numbers_release(&numbers, 1);
	assert_int_equal(taken(&numbers), 3);
	assert_int_equal(taken(&numbers), 4);
	assert_int_equal(numbers_left(&numbers), 1);
	assert_int_equal(taken(&numbers), 1);
	assert_int_equal(numbers_take(&numbers, &number), -ENOSPC);
	numbers_release(&numbers, 3);
	numbers_release(&numbers, 3);
	assert_int_equal(numbers_left(&numbers), 1);
	assert_int_equal(taken(&numbers), 3);
	numbers_free(&numbers);
}

static void marked_numbers_are_not_given(void **state)
{
	struct numbers numbers;

	(void)state;
	assert_int_equal(numbers_init(&numbers, 0, 4), 0);
	assert_int_equal(numbers_mark(&numbers, 2), 0);
	assert_int_equal(numbers_mark(&numbers, 2), -EEXIST);
	assert_int_equal(numbers_mark(&numbers, 4), -ERANGE);
	assert_int_equal(numbers_mark(&numbers, 0), 0);
	assert_int_equal(taken(&numbers), 3);
	assert_int_equal(taken(&numbers), 1);
	assert_int_equal(numbers_left(&numbers), 0);
	numbers_free(&numbers);
}

static void held_numbers_leave_the_next_one_where_it_was(void **state)
{
	struct numbers numbers;

	(void)state;
	assert_int_equal(numbers_init(&numbers, 1, 8), 0);
	assert_int_equal(numbers_mark(&numbers, 2), 0);
	for (__u32 i = 1; i < 8; i++)
		numbers_hold(&numbers, i);
	assert_int_equal(numbers_left(&numbers), 0);
	for (__u32 i = 3; i < 8; i++)
		numbers_release(&numbers, i);
	assert_int_equal(taken(&numbers), 3);
	numbers_free(&numbers);
}

static void the_first_may_not_be_zero(void **state)
{
	struct numbers numbers;

	(void)state;
	assert_int_equal(numbers_init(&numbers, 1, 3), 0);
	assert_int_equal(numbers_mark(&numbers, 0), -ERANGE);
	assert_int_equal(numbers_mark(&numbers, 2), 0);
	assert_int_equal(taken(&numbers), 1);
	numbers_free(&numbers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_released_number_is_the_last_to_come_again),
		cmocka_unit_test(marked_numbers_are_not_given),
		cmocka_unit_test(held_numbers_leave_the_next_one_where_it_was),
		cmocka_unit_test(the_first_may_not_be_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
