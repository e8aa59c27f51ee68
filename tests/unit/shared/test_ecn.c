// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "poise/ecn.h"

/* RFC 6040, figure 4, column by column as printed there. */
static void figure4_is_followed(void **state)
{
	static const struct {
		enum ecn inner, outer;
		int result;
	} cells[] = {
		{ ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT },
		{ ECN_ECT0, ECN_NOT_ECT, ECN_ECT0 },
		{ ECN_ECT1, ECN_NOT_ECT, ECN_ECT1 },
		{ ECN_CE, ECN_NOT_ECT, ECN_CE },
		{ ECN_NOT_ECT, ECN_ECT0, ECN_NOT_ECT },
		{ ECN_ECT0, ECN_ECT0, ECN_ECT0 },
		{ ECN_ECT1, ECN_ECT0, ECN_ECT1 },
		{ ECN_CE, ECN_ECT0, ECN_CE },
		{ ECN_NOT_ECT, ECN_ECT1, ECN_NOT_ECT },
		{ ECN_ECT0, ECN_ECT1, ECN_ECT1 },
		{ ECN_ECT1, ECN_ECT1, ECN_ECT1 },
		{ ECN_CE, ECN_ECT1, ECN_CE },
		{ ECN_NOT_ECT, ECN_CE, -1 },
		{ ECN_ECT0, ECN_CE, ECN_CE },
		{ ECN_ECT1, ECN_CE, ECN_CE },
		{ ECN_CE, ECN_CE, ECN_CE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		assert_int_equal(ecn_decapsulate(cells[i].inner, cells[i].outer), cells[i].result);
}

static uint16_t checksum(const uint16_t *words, size_t count)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Every new value of a word, for values of the rest that make the sum wrap or not. */
static void updated_checksum_verifies(void **state)
{
	static const uint16_t rest[][2] = {
		{ 0x4500, 0x0054 }, { 0xffff, 0xfffe }, { 1, 0 }, { 0x8000, 0x8000 }, { 0xba11, 0 }
	};

	(void)state;
	for (size_t r = 0; r < sizeof(rest) / sizeof(rest[0]); r++) {
		for (uint32_t new_ = 0; new_ <= 0xffff; new_++) {
			uint16_t words[4] = { rest[r][0], rest[r][1], 0x4503, 0 };

			words[3] = checksum(words, 3);
			words[3] = ecn_checksum(words[3], words[2], new_);
			words[2] = new_;
			assert_int_equal(checksum(words, 4), 0);
		}
	}
}

static void wrong_checksum_stays_wrong(void **state)
{
	uint16_t words[3] = { 0x4500, 0x1234, 0 };

	(void)state;
	words[2] = checksum(words, 2) ^ 0x0100;
	words[2] = ecn_checksum(words[2], words[0], 0x4503);
	words[0] = 0x4503;
	assert_int_not_equal(checksum(words, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figure4_is_followed),
		cmocka_unit_test(updated_checksum_verifies),
		cmocka_unit_test(wrong_checksum_stays_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
