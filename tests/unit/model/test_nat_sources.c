// SPDX-License-Identifier: BSD-2-Clause
/* Which address has which index. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "model/nat_sources.h"

static struct nat_sources sources;

static int setup(void **state)
{
	(void)state;
	memset(&sources, 0, sizeof(sources));
	return 0;
}

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static int index_of(const char *text)
{
	struct addr addr = parsed(text);

	return nat_sources_find(&sources, &addr);
}

/* Addresses separated by blanks become the configuration's. */
static void list(const char *text)
{
	char copy[256], *save = NULL;
	struct addr addrs[16];
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *one = strtok_r(copy, " ", &save); one; one = strtok_r(NULL, " ", &save))
		addrs[count++] = parsed(one);
	assert_true(nat_sources_room(&sources, addrs, count));
	nat_sources_list(&sources, addrs, count);
}

static void run_is(bool v4, const char *first, unsigned int count)
{
	struct target_sources run = nat_sources_run(&sources, v4);

	assert_int_equal(run.count, count);
	if (count)
		assert_int_equal(run.first, index_of(first));
}

static void each_family_adjoins(void **state)
{
	(void)state;
	list("10.0.0.1 2001:db8::1 10.0.0.2 2001:db8::2 10.0.0.3");
	run_is(true, "10.0.0.1", 3);
	run_is(false, "2001:db8::1", 2);
}

static void none_listed_is_no_run(void **state)
{
	(void)state;
	run_is(true, NULL, 0);
	list("10.0.0.1");
	run_is(false, NULL, 0);
	list("");
	run_is(true, NULL, 0);
	assert_int_not_equal(index_of("10.0.0.1"), -ENOENT);
}

static void an_address_keeps_its_index(void **state)
{
	int first, second;

	(void)state;
	list("10.0.0.1 10.0.0.2");
	first = index_of("10.0.0.1");
	second = index_of("10.0.0.2");
	list("10.0.0.2");
	list("10.0.0.9 10.0.0.2 10.0.0.1");
	assert_int_equal(index_of("10.0.0.1"), first);
	assert_int_equal(index_of("10.0.0.2"), second);
	run_is(true, "10.0.0.1", 3);
}

static void one_more_is_put_beside_the_others(void **state)
{
	(void)state;
	list("10.0.0.1 10.0.0.2 2001:db8::1");
	list("10.0.0.3 2001:db8::1 2001:db8::2 10.0.0.1 10.0.0.2");
	run_is(true, "10.0.0.1", 3);
	run_is(false, "2001:db8::1", 2);
}

static void interfaces_addresses_do_not_stand_in_the_way(void **state)
{
	struct addr own = parsed("192.0.2.1"), other = parsed("192.0.2.2");
	int index;

	(void)state;
	index = nat_sources_take(&sources, &own);
	assert_int_equal(nat_sources_take(&sources, &own), index);
	assert_int_not_equal(nat_sources_take(&sources, &other), index);
	list("10.0.0.1 10.0.0.2 192.0.2.1");
	assert_int_equal(index_of("192.0.2.1"), index);
	/* It has its index. Nothing is free beside it, so the others stand elsewhere. */
	run_is(true, "10.0.0.1", 2);
	list("10.0.0.1 10.0.0.2");
	assert_false(sources.slots[index].listed);
}

static void what_adjoins_most_is_used(void **state)
{
	(void)state;
	list("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4");
	list("10.0.0.1 10.0.0.3 10.0.0.4");
	run_is(true, "10.0.0.3", 2);
}

static void who_is_idle_comes_closer(void **state)
{
	int gap, apart;

	(void)state;
	list("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4");
	gap = index_of("10.0.0.2");
	apart = index_of("10.0.0.1");
	list("10.0.0.1 10.0.0.3 10.0.0.4");
	/* One of the run stays; so does who has nowhere better to go. */
	assert_false(nat_sources_adjoin(&sources, index_of("10.0.0.3")));
	assert_true(nat_sources_adjoin(&sources, apart));
	assert_false(sources.slots[apart].used);
	run_is(true, "10.0.0.3", 3);
	nat_sources_drop(&sources, gap);
	assert_int_equal(index_of("10.0.0.2"), -ENOENT);
	list("10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4");
	run_is(true, index_of("10.0.0.2") < index_of("10.0.0.3") ? "10.0.0.2" : "10.0.0.3", 4);
}

static void what_was_found_is_kept(void **state)
{
	struct addr addr = parsed("10.0.0.7");

	(void)state;
	nat_sources_adopt(&sources, 17, &addr);
	assert_true(sources.slots[17].stored);
	list("10.0.0.6 10.0.0.7 10.0.0.8");
	assert_int_equal(index_of("10.0.0.7"), 17);
	run_is(true, index_of("10.0.0.6") == 16 ? "10.0.0.6" : "10.0.0.7", 3);
}

static void a_full_map_has_no_room(void **state)
{
	struct addr addr = parsed("10.1.0.0"), two[2];

	(void)state;
	for (int i = 0; i < POISE_MAX_NAT_SOURCES - 1; i++) {
		addr.b[14] = i >> 8;
		addr.b[15] = i;
		assert_int_not_equal(nat_sources_take(&sources, &addr), -ENOSPC);
	}
	two[0] = parsed("10.0.0.1");
	two[1] = parsed("10.0.0.2");
	assert_true(nat_sources_room(&sources, two, 1));
	assert_false(nat_sources_room(&sources, two, 2));
	/* Those that are there need none. */
	assert_true(nat_sources_room(&sources, (struct addr[]){ two[0], addr }, 2));
	nat_sources_list(&sources, two, 1);
	run_is(true, "10.0.0.1", 1);
	assert_int_equal(nat_sources_take(&sources, &two[1]), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_family_adjoins, setup),
		cmocka_unit_test_setup(none_listed_is_no_run, setup),
		cmocka_unit_test_setup(an_address_keeps_its_index, setup),
		cmocka_unit_test_setup(one_more_is_put_beside_the_others, setup),
		cmocka_unit_test_setup(interfaces_addresses_do_not_stand_in_the_way, setup),
		cmocka_unit_test_setup(what_adjoins_most_is_used, setup),
		cmocka_unit_test_setup(who_is_idle_comes_closer, setup),
		cmocka_unit_test_setup(what_was_found_is_kept, setup),
		cmocka_unit_test_setup(a_full_map_has_no_room, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
