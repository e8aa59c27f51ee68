// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "poise/service_hash.h"
#include "maps/service_table.h"

#define FULL (2 * POISE_MAX_SERVICES) /* every service with an address of its own */

static int setup(void **state)
{
	*state = calloc(SERVICE_BUCKETS, sizeof(struct service_bucket));
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

/* The n-th of many: neighbouring addresses, IPv4 and IPv6, as operators number them. */
static struct service_key nth_key(unsigned int n)
{
	struct service_key key = { .port = htons(n % 7 ? 80 : 443), .proto = IPPROTO_TCP };

	if (n % 2) {
		key.addr[10] = key.addr[11] = 0xff;
		key.addr[12] = 192;
	} else {
		key.addr[0] = 0x20;
		key.addr[1] = 1;
	}
	key.addr[14] = n >> 9;
	key.addr[15] = n >> 1;
	return key;
}

static struct service nth_service(unsigned int n)
{
	return (struct service){ .number = n % POISE_MAX_SERVICES, .row_count = 65537, .flags = 0 };
}

static void test_set_get_del(void **state)
{
	struct service_key key = nth_key(1);
	struct service value = nth_service(1), found, none = { 0 };

	assert_int_equal(service_table_get(*state, &key, &found), -ENOENT);
	assert_int_equal(service_table_del(*state, &key), -ENOENT);
	assert_int_equal(service_table_set(*state, &key, &none), -EINVAL);
	assert_int_equal(service_table_set(*state, &key, &value), 0);
	assert_int_equal(service_table_get(*state, &key, &found), 0);
	assert_memory_equal(&found, &value, sizeof(value));
	value.row_count = 251;
	assert_int_equal(service_table_set(*state, &key, &value), 0);
	assert_int_equal(service_table_get(*state, &key, &found), 0);
	assert_int_equal(found.row_count, 251);
	key.proto = IPPROTO_UDP;
	assert_int_equal(service_table_get(*state, &key, &found), -ENOENT);
	key.proto = IPPROTO_TCP;
	assert_int_equal(service_table_del(*state, &key), 0);
	assert_int_equal(service_table_get(*state, &key, &found), -ENOENT);
}

/* The largest number of services goes in; then half of them leave and others take their places. */
static void test_full(void **state)
{
	struct service_key key;
	struct service value, found;

	for (unsigned int n = 0; n < FULL; n++) {
		key = nth_key(n);
		value = nth_service(n);
		assert_int_equal(service_table_set(*state, &key, &value), 0);
	}
	for (unsigned int n = 0; n < FULL; n += 2) {
		key = nth_key(n);
		assert_int_equal(service_table_del(*state, &key), 0);
		key.port = htons(8080);
		value = nth_service(n);
		assert_int_equal(service_table_set(*state, &key, &value), 0);
	}
	for (unsigned int n = 0; n < FULL; n++) {
		key = nth_key(n);
		assert_int_equal(service_table_get(*state, &key, &found), n % 2 ? 0 : -ENOENT);
		if (n % 2)
			assert_int_equal(found.number, n % POISE_MAX_SERVICES);
	}
}

/* A key cannot be in both slots at once: a change finds the slot it is in. */
static void test_no_doubles(void **state)
{
	struct service_bucket *table = *state;
	struct service_key key = nth_key(3);
	struct service value = nth_service(3);
	unsigned int used = 0;

	for (int i = 0; i < 10; i++)
		assert_int_equal(service_table_set(table, &key, &value), 0);
	for (unsigned int b = 0; b < SERVICE_BUCKETS; b++)
		for (int i = 0; i < SERVICE_SLOTS; i++)
			used += table[b].slots[i].service.row_count != 0;
	assert_int_equal(used, 1);
}

/* Keys that share both buckets: told when no slot is left, and what was there stays. */
static void test_no_room(void **state)
{
	struct service_bucket *table = *state;
	struct service_key key = nth_key(5);
	struct service value = nth_service(5), found;

	for (unsigned int b = 0; b < SERVICE_BUCKETS; b++)
		for (int i = 0; i < SERVICE_SLOTS; i++)
			table[b].slots[i].service = value;
	assert_int_equal(service_table_set(table, &key, &value), -ENOSPC);
	assert_int_equal(service_table_get(table, &key, &found), -ENOENT);
}

static __u32 bucket_index(const struct service_key *key, int choice)
{
	struct service_words words;

	memcpy(&words.low, key->addr, sizeof(words.low));
	memcpy(&words.high, key->addr + sizeof(words.low), sizeof(words.high));
	memcpy(&words.rest, &key->port, sizeof(words.rest));
	return service_bucket_index(service_hash(&words), choice);
}

/* ---- packets read while the daemon writes */

#define PAGE_BYTES 4096

static struct service_slot *watched;
static volatile unsigned int faults;
static volatile __u64 value_before_key;

/* The key is about to be written: notes the value that a packet would now find beside it. */
static void key_is_written(int signal)
{
	__u8 *page = (__u8 *)&watched->service - PAGE_BYTES;

	(void)signal;
	faults++;
	value_before_key = __atomic_load_n((const __u64 *)&watched->service, __ATOMIC_RELAXED);
	mprotect(page, PAGE_BYTES, PROT_READ | PROT_WRITE);
}

/* A slot lies across two pages, the first of which, with its key, cannot be written to. */
static void test_a_key_is_there_before_its_value(void **state)
{
	const size_t bytes = SERVICE_BUCKETS * sizeof(struct service_bucket) + 2 * PAGE_BYTES;
	const size_t slots_per_page = PAGE_BYTES / sizeof(struct service_bucket);
	__u8 *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const size_t key_bytes = offsetof(struct service_slot, service);
	struct service_bucket *table = (void *)(pages + PAGE_BYTES - key_bytes);
	struct service_key key = nth_key(1);
	struct service value = nth_service(1);
	struct sigaction catch = { .sa_handler = key_is_written }, was;

	(void)state;
	assert_ptr_not_equal(pages, MAP_FAILED);
	while (bucket_index(&key, 0) % slots_per_page)
		key.port++;
	watched = &table[bucket_index(&key, 0)].slots[0];
	faults = 0;
	assert_int_equal(sigaction(SIGSEGV, &catch, &was), 0);
	mprotect((__u8 *)&watched->service - PAGE_BYTES, PAGE_BYTES, PROT_READ);
	assert_int_equal(service_table_set(table, &key, &value), 0);
	sigaction(SIGSEGV, &was, NULL);
	assert_int_equal(faults, 1);
	assert_int_equal(value_before_key, 0);
	assert_memory_equal(&watched->key, &key, sizeof(key));
	munmap(pages, bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_set_get_del, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_doubles, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
		cmocka_unit_test(test_a_key_is_there_before_its_value),
	};

	return cmocka_run_group_tests_name("service_table", tests, NULL, NULL);
}
