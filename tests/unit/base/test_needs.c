// SPDX-License-Identifier: BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <linux/capability.h>

#include "base/needs.h"

#define BIT(n)       (1ULL << (n))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define ALL          "CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON and CAP_SYS_ADMIN"

static void missing_capabilities_are_named(void **state)
{
	static const struct {
		__u64 have;
		bool root;
		const char *text; /* NULL: enough */
	} rows[] = {
		{ 0, false,
		  "not root: needs " ALL
		  "; CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON, CAP_SYS_ADMIN are missing" },
		{ BIT(CAP_SYS_ADMIN), true,
		  "root without all capabilities: needs " ALL "; CAP_NET_ADMIN is missing" },
		{ BIT(CAP_NET_ADMIN) | BIT(CAP_PERFMON), false,
		  "not root: needs " ALL "; CAP_BPF, CAP_SYS_ADMIN are missing" },
		{ BIT(CAP_NET_ADMIN) | BIT(CAP_PERFMON) | BIT(CAP_BPF), false,
		  "not root: needs " ALL "; CAP_SYS_ADMIN is missing" },
		{ BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_ADMIN), false, NULL },
		{ ~0ULL, true, NULL },
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int err = needs_check_caps(rows[i].have, rows[i].root, text, sizeof(text));

		assert_int_equal(err, rows[i].text ? -EPERM : 0);
		if (rows[i].text)
			assert_string_equal(text, rows[i].text);
	}
}

static void old_kernels_are_told_what_they_lack(void **state)
{
	static const struct {
		const char *release, *text; /* NULL: new enough */
	} rows[] = {
		{ "4.19.0-27-amd64",
		  "kernel 4.19.0-27-amd64 is too old: it lacks BPF links for XDP (5.9), inner "
		  "maps that differ in size (5.10), BPF atomic instructions (5.12); "
		  "5.12 or newer is needed, for mode local 5.17" },
		{ "5.10.0-33-amd64",
		  "kernel 5.10.0-33-amd64 is too old: it lacks BPF atomic "
		  "instructions (5.12); 5.12 or newer is needed, for mode local 5.17" },
		{ "5.12.0", NULL },
		{ "6.1.0-18-amd64", NULL },
		{ "10.0", NULL },
		{ "mine", NULL },
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int err = needs_check_kernel(rows[i].release, text, sizeof(text));

		assert_int_equal(err, rows[i].text ? -ENOSYS : 0);
		if (rows[i].text)
			assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_capabilities_are_named),
		cmocka_unit_test(old_kernels_are_told_what_they_lack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
