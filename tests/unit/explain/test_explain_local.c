// SPDX-License-Identifier: BSD-2-Clause
/* Tests whose socket a client of mode local gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "explain/explain_local.h"
#include "explanation/explain_sockets.h"

static bool takes(void *arg, __u16 target)
{
	return *(const unsigned int *)arg & 1U << target;
}

static void sockets_that_do_not_do_are_passed_over(void **state)
{
	static const struct {
		const char *name;
		struct explain_choice chosen;
		unsigned int takes; /* by target */
		enum explain_why why;
		__u16 target;
	} cases[] = {
		{ "it does", { EXPLAIN_STABLE, 5 }, 1 << 5, EXPLAIN_STABLE, 5 },
		{ "the next row's", { EXPLAIN_STABLE, 5 }, 1 << 6 | 1 << 7, EXPLAIN_NEXT_ROW, 6 },
		{ "or the one after that", { EXPLAIN_STABLE, 5 }, 1 << 7, EXPLAIN_NEXT_ROW, 7 },
		{ "round the table's end", { EXPLAIN_SCHEDULED, 5 }, 1 << 8, EXPLAIN_NEXT_ROW, 8 },
		{ "nobody's", { EXPLAIN_STABLE, 5 }, 1 << 4, EXPLAIN_REFUSED, 0 },
		{ "at random", { EXPLAIN_SCHEDULED, 0 }, 1 << 7, EXPLAIN_SCHEDULED, 0 },
		{ "at random, nobody's", { EXPLAIN_SCHEDULED, 0 }, 0, EXPLAIN_REFUSED, 0 },
		{ "no backend", { EXPLAIN_NO_BACKEND, 0 }, 1 << 7, EXPLAIN_NO_BACKEND, 0 },
	};
	const struct row table[] = { { 8, 0 }, { 5, 0 }, { 0, 0 }, { 6, 0 }, { 7, 0 } };
	struct explanation flow = { .row_index = 1, .service.row_count = 5 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned int who = cases[i].takes;
		struct explain_choice choice =
			explain_local_choose(&flow, table, cases[i].chosen, takes, &who);

		if (choice.why != cases[i].why || choice.target != cases[i].target)
			fail_msg("%s: %d, target %u", cases[i].name, choice.why, choice.target);
	}
}

static void sockets_fit_their_family(void **state)
{
	static const struct {
		const char *listens;
		bool v4, v6, v6only;
	} cases[] = {
		{ "127.0.0.1", true, false },
		{ "0.0.0.0", true, false },
		{ "::1", false, true },
		{ "::", true, true },
		{ "::", false, true, .v6only = true },
		{ "::1", false, true, .v6only = true },
	};
	struct addr addr;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(addr_parse(cases[i].listens, &addr), 0);
		assert_int_equal(explain_socket_fits(&addr, cases[i].v6only, true), cases[i].v4);
		assert_int_equal(explain_socket_fits(&addr, cases[i].v6only, false), cases[i].v6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_that_do_not_do_are_passed_over),
		cmocka_unit_test(sockets_fit_their_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
