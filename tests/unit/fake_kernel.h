/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In place of the maps that reconcile works with. After every single change it is asked what a
 * packet would meet now: that is what an order of changes is right or wrong by.
 */
#ifndef POISE_TEST_FAKE_KERNEL_H
#define POISE_TEST_FAKE_KERNEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "poised/model.h"
#include "poised/sweeper.h"

#include "fake_local.h"

#define FAKE_TARGETS  64
#define FAKE_SERVICES POISE_MAX_SERVICES
#define FAKE_ENTRIES  64
#define FAKE_SETS     512
#define FAKE_NAT_SETS 256

#define SECOND_NS 1000000000ULL

struct lb_rows {
	struct row *rows;
	__u32 count;
	unsigned int holders;
	bool own; /* no packet sees it: made after death */
};

struct fake_table {
	struct row *rows; /* NULL: number not in use */
	__u32 count;
};

struct fake_entry {
	struct service_key key;
	struct service value;
	bool used;
};

/* What outlives a poised. */
static struct fake_kernel {
	struct fake_entry entries[FAKE_ENTRIES];
	struct fake_table tables[FAKE_SERVICES];
	struct target targets[FAKE_TARGETS];
	struct target_name target_names[FAKE_TARGETS];
	struct service_name service_names[POISE_MAX_SERVICES];
	bool zeroed[FAKE_TARGETS];
	struct flow_set flows[FAKE_SETS];
	struct load loads[FAKE_TARGETS];
	struct nat_source nat_sources[POISE_MAX_NAT_SOURCES];
	struct nat_set nat_sets[FAKE_NAT_SETS];
	struct switches switches;
	bool nat_made;
	__u64 time_ns;
	unsigned int targets_set, rows_set, entries_set, tables_made;
	bool was_killed;  /* since it was last looked at */
	bool full;        /* making tables fails */
	bool no_room;     /* for another entry of `services` */
	bool always_rows; /* a packet to a service always finds a backend */
	/* So many stores until poised is dead: it goes on, but what it stores has no effect. */
	unsigned int stores_left; /* 0: it lives on */
	bool dead;
} kernel;

/* What is to be looked at after every single store. */
static void (*after_store)(void);

/* ---- what packets meet */

static inline struct fake_entry *entry_find(const struct service_key *key)
{
	for (size_t i = 0; i < FAKE_ENTRIES; i++)
		if (kernel.entries[i].used && !memcmp(&kernel.entries[i].key, key, sizeof(*key)))
			return &kernel.entries[i];
	return NULL;
}

static inline bool entry_is_service(const struct fake_entry *entry)
{
	return entry->used && entry->key.port && entry->key.kind == KEY_SERVICE;
}

/* What a target by nat sends from is known when it is answered. */
static inline void answers_are_known(const struct target *target)
{
	for (__u32 i = 0; target->mode == MODE_NAT && i < target->nat.source_count; i++) {
		__u32 index = target->nat.first_source + i;
		const struct fake_entry *entry;
		struct service_key key = { .port = 0 };

		memcpy(key.addr, kernel.nat_sources[index].addr, sizeof(key.addr));
		entry = entry_find(&key);
		assert_non_null(entry);
		assert_true(entry->value.flags & SERVICE_NAT_SOURCE);
		assert_int_equal(entry->value.number, index);
	}
}

/* One that leads to a number without a name is left alone, as after a poised that was killed. */
static inline void replies_fare_well(const struct fake_entry *entry)
{
	const struct service_name *name = &kernel.service_names[entry->value.number];

	if (!entry->used || entry->key.kind != KEY_REPLY)
		return;
	assert_int_not_equal(kernel.switches.nat_keep, 0);
	assert_true(name->name[0] || kernel.was_killed);
}

static inline void packets_fare_well(void)
{
	for (size_t i = 0; i < FAKE_TARGETS; i++)
		answers_are_known(&kernel.targets[i]);
	for (size_t i = 0; i < FAKE_ENTRIES; i++) {
		const struct fake_entry *entry = &kernel.entries[i];
		const struct fake_table *table;

		replies_fare_well(entry);
		if (!entry_is_service(entry))
			continue;
		assert_true(kernel.nat_made || !(entry->value.flags & SERVICE_NAT));
		table = &kernel.tables[entry->value.number];
		assert_non_null(table->rows);
		assert_int_equal(table->count, entry->value.row_count);
		for (__u32 row = 0; row < table->count; row++) {
			__u16 target = table->rows[row].current_target;
			__u16 older = table->rows[row].previous_target;

			if (kernel.always_rows)
				assert_int_not_equal(target, 0);
			if (target)
				assert_int_not_equal(kernel.targets[target].mode, MODE_NONE);
			if (older && older != ROW_TRACKED)
				assert_int_not_equal(kernel.targets[older].mode, MODE_NONE);
		}
	}
}

/* Whether poised is alive to make another store. */
static inline bool store(void)
{
	if (kernel.stores_left && !--kernel.stores_left)
		kernel.dead = true;
	return !kernel.dead;
}

static inline void stored(void)
{
	packets_fare_well();
	if (after_store)
		after_store();
}

/* ---- clock.c */

__u64 now_ns(void)
{
	return kernel.time_ns;
}

void wait_ns(__u32 time_ns)
{
	kernel.time_ns += time_ns;
}

__u64 wall_ms(void)
{
	return 1700000000000 + kernel.time_ns / 1000000;
}

/* ---- lb.h */

const struct maps *lb_maps(const struct lb *lb)
{
	(void)lb;
	return NULL;
}

__u32 lb_max_targets(const struct lb *lb)
{
	(void)lb;
	return FAKE_TARGETS;
}

struct flow_set *lb_flows(const struct lb *lb, __u32 *count)
{
	(void)lb;
	*count = FAKE_SETS;
	return kernel.flows;
}

const struct flow_clock *lb_clock(const struct lb *lb)
{
	static const struct flow_clock clock = { .jiffy_ns = 1000000, .tick_shift = 12 };

	(void)lb;
	return &clock;
}

struct load *lb_loads(const struct lb *lb)
{
	(void)lb;
	return kernel.loads;
}

int lb_tx_port(struct lb *lb, __u32 ifindex)
{
	(void)lb;
	(void)ifindex;
	return 0;
}

int lb_service_set(struct lb *lb, const struct service_key *key, const struct service *value)
{
	struct fake_entry *entry = entry_find(key);

	(void)lb;
	if (!entry && kernel.no_room)
		return -ENOSPC;
	if (!store())
		return 0;
	for (size_t i = 0; i < FAKE_ENTRIES && !entry; i++)
		if (!kernel.entries[i].used)
			entry = &kernel.entries[i];
	*entry = (struct fake_entry){ .key = *key, .value = *value, .used = true };
	kernel.entries_set++;
	stored();
	return 0;
}

int lb_service_get(const struct lb *lb, const struct service_key *key, struct service *out)
{
	const struct fake_entry *entry = entry_find(key);

	(void)lb;
	if (!entry)
		return -ENOENT;
	*out = entry->value;
	return 0;
}

int lb_service_del(struct lb *lb, const struct service_key *key)
{
	struct fake_entry *entry = entry_find(key);

	(void)lb;
	if (!store())
		return 0;
	if (entry)
		entry->used = false;
	kernel.entries_set++;
	stored();
	return 0;
}

int lb_services_prune(struct lb *lb, const struct service_key *keep, size_t count)
{
	for (size_t i = 0; i < FAKE_ENTRIES; i++) {
		bool kept = false;

		for (size_t j = 0; j < count; j++)
			kept |= !memcmp(&kernel.entries[i].key, &keep[j], sizeof(*keep));
		if (kernel.entries[i].used && !kept)
			lb_service_del(lb, &kernel.entries[i].key);
	}
	return 0;
}

int lb_service_name_set(struct lb *lb, __u32 number, const struct service_name *value)
{
	(void)lb;
	if (!store())
		return 0;
	kernel.service_names[number] = *value;
	stored();
	return 0;
}

int lb_target_set(struct lb *lb, __u32 number, const struct target *value)
{
	(void)lb;
	if (!memcmp(&kernel.targets[number], value, sizeof(*value)) || !store())
		return 0;
	kernel.targets_set++;
	kernel.targets[number] = *value;
	stored();
	return 0;
}

int lb_target_get(const struct lb *lb, __u32 number, struct target *out)
{
	(void)lb;
	*out = kernel.targets[number];
	return 0;
}

int lb_target_name_set(struct lb *lb, __u32 number, const struct target_name *value)
{
	(void)lb;
	if (store())
		kernel.target_names[number] = *value;
	return 0;
}

int lb_counter_zero(struct lb *lb, __u32 number)
{
	(void)lb;
	if (store())
		kernel.zeroed[number] = true;
	return 0;
}

int service_names_read(const struct maps *maps, struct service_name *out, size_t count)
{
	(void)maps;
	memcpy(out, kernel.service_names, count * sizeof(*out));
	return 0;
}

int target_names_read(const struct maps *maps, struct target_name *out, size_t count)
{
	(void)maps;
	memcpy(out, kernel.target_names, count * sizeof(*out));
	return 0;
}

#include "fake_nat.h"
#include "fake_rows.h"

#endif
