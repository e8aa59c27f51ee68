// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/vip.h"

static void troubles_are_named(void **state)
{
	static const struct {
		const char *text;
		const char *trouble; /* NULL: none */
	} rows[] = {
		{ "192.0.2.1", NULL },
		{ "10.0.0.1", NULL },
		{ "169.254.1.1", NULL },
		{ "126.255.255.255", NULL },
		{ "128.0.0.0", NULL },
		{ "223.255.255.255", NULL },
		{ "240.0.0.1", NULL },
		{ "0.0.0.0", "an address of \"this network\"" },
		{ "0.1.2.3", "an address of \"this network\"" },
		{ "127.0.0.1", "a loopback address" },
		{ "127.255.255.255", "a loopback address" },
		{ "224.0.0.1", "a multicast address" },
		{ "239.255.255.255", "a multicast address" },
		{ "255.255.255.255", "the broadcast address" },
		{ "2001:db8::1", NULL },
		{ "fd00::1", NULL },
		{ "::2", NULL },
		{ "fec0::1", NULL },
		{ "::", "the unspecified address" },
		{ "::1", "the loopback address" },
		{ "ff02::1", "a multicast address" },
		{ "fe80::1", "a link-local address" },
		{ "febf::1", "a link-local address" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct addr addr;
		const char *found;

		assert_int_equal(addr_parse(rows[i].text, &addr), 0);
		found = vip_trouble(&addr);
		if (rows[i].trouble)
			assert_string_equal(found ? found : "none", rows[i].trouble);
		else if (found)
			fail_msg("%s: %s", rows[i].text, found);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(troubles_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
