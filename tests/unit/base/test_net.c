// SPDX-License-Identifier: BSD-2-Clause
/* Networks: what is accepted prints as it was written, the rest is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "base/net.h"

static void networks_print_as_written(void **state)
{
	static const struct {
		const char *text;
		__u32 bits;
	} rows[] = {
		{ "0.0.0.0/0", 96 },          { "10.0.0.0/8", 104 },  { "192.0.2.128/25", 121 },
		{ "192.0.2.1/32", 128 },      { "::/0", 0 },          { "2001:db8::/32", 32 },
		{ "2001:db8:8000::/33", 33 }, { "fd00::1/128", 128 },
	};
	char buf[NET_TEXT_SIZE];
	struct net net;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(net_parse(rows[i].text, &net), 0);
		assert_int_equal(net.bits, rows[i].bits);
		assert_string_equal(net_format(&net, buf), rows[i].text);
	}
}

static void an_address_is_a_network_of_one(void **state)
{
	char buf[NET_TEXT_SIZE];
	struct net net, same;

	(void)state;
	assert_int_equal(net_parse("192.0.2.7", &net), 0);
	assert_string_equal(net_format(&net, buf), "192.0.2.7/32");
	assert_int_equal(net_parse("192.0.2.7/32", &same), 0);
	assert_true(net_equal(&net, &same));
	assert_int_equal(net_parse("2001:db8::7", &net), 0);
	assert_string_equal(net_format(&net, buf), "2001:db8::7/128");
	assert_false(net_equal(&net, &same));
}

static void bits_behind_the_prefix_are_told(void **state)
{
	char buf[NET_TEXT_SIZE];
	struct net net;

	(void)state;
	assert_int_equal(net_parse("10.1.2.3/15", &net), -ERANGE);
	assert_string_equal(net_format(&net, buf), "10.0.0.0/15");
	assert_int_equal(net_parse("2001:db8::1/64", &net), -ERANGE);
	assert_string_equal(net_format(&net, buf), "2001:db8::/64");
}

static void others_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/08",
		"10.0.0.0/+8",
		"10.0.0.0/8 ",
		"10.0.0/8",
		"2001:db8::/129",
		"2001:db8::/-1",
		"::ffff:10.0.0.0/104",
		"10.0.0.0/8/8",
		"10.0.0.0/4294967297",
		"web/8",
		"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111/64",
	};
	struct net net;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(net_parse(texts[i], &net), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_print_as_written),
		cmocka_unit_test(an_address_is_a_network_of_one),
		cmocka_unit_test(bits_behind_the_prefix_are_told),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
