// SPDX-License-Identifier: BSD-2-Clause
/* The table of `poise run`, and what of it a small terminal has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "run/run_frame.h"

#define BACKENDS 100

/* The first words of its lines below the columns' names, apart by blanks. */
static void words(size_t lines, char *out, size_t size)
{
	static char ids[BACKENDS][8];
	struct run_row rows[BACKENDS + 1] = { { .listen = "l", .health = "", .reason = "" } };
	struct run_listen listen = { .port = 80 };
	struct run_plan plan = { .listens = &listen, .listen_count = 1 };
	struct run_view view = { .plan = &plan, .instance = "i", .backends = BACKENDS };
	char *frame, *rest, *line;
	size_t got = 0;

	for (size_t i = 0; i < BACKENDS; i++) {
		snprintf(ids[i], sizeof(ids[i]), "b%zu", i);
		rows[i + 1] = rows[0];
		rows[i + 1].id = ids[i];
		rows[i + 1].health = i == 50 || i == 98 ? "down" : "up";
	}
	frame = rest = run_frame_make(&view, rows, BACKENDS + 1, lines);
	assert_non_null(frame);
	out[0] = '\0';
	while ((line = strsep(&rest, "\n")) && rest) {
		if (++got > 4)
			snprintf(out + strlen(out), size - strlen(out), "%.*s ",
				 (int)strcspn(line, " "), line);
	}
	assert_true(got <= lines);
	free(frame);
}

static void a_small_terminal_has_the_sum_and_what_is_down(void **state)
{
	char text[1024];

	(void)state;
	words(12, text, sizeof(text));
	assert_string_equal(text, "b50 b98 b0 b1 b2 b3 all 94 ");
	words(7, text, sizeof(text));
	assert_string_equal(text, "b50 all 99 ");
	words(6, text, sizeof(text));
	assert_string_equal(text, "all 100 ");
}

static void with_room_for_all_the_order_stays(void **state)
{
	char text[1024];

	(void)state;
	words(BACKENDS + 5, text, sizeof(text));
	assert_memory_equal(text, "b0 b1 ", 6);
	assert_non_null(strstr(text, " b49 b50 b51 "));
	assert_string_equal(strstr(text, " b99 "), " b99 all ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_terminal_has_the_sum_and_what_is_down),
		cmocka_unit_test(with_room_for_all_the_order_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
