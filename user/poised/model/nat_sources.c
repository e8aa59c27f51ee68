// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "model/nat_sources.h"

/* Where the configuration's begin, so that either family's can grow; interfaces' own addresses come
 * from the other end. */
#define FIRST_V4 0
#define FIRST_V6 (POISE_MAX_NAT_SOURCES / 2)

int nat_sources_find(const struct nat_sources *sources, const struct addr *addr)
{
	for (int i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		if (sources->slots[i].used && addr_equal(&sources->slots[i].addr, addr))
			return i;
	return -ENOENT;
}

void nat_sources_adopt(struct nat_sources *sources, __u32 index, const struct addr *addr)
{
	sources->slots[index] =
		(struct nat_source_slot){ .addr = *addr, .used = true, .stored = true };
}

void nat_sources_drop(struct nat_sources *sources, __u32 index)
{
	memset(&sources->slots[index], 0, sizeof(sources->slots[index]));
}

bool nat_sources_room(const struct nat_sources *sources, const struct addr *addrs, size_t count)
{
	size_t left = 0, missing = 0;

	for (size_t i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		left += !sources->slots[i].used;
	for (size_t i = 0; i < count; i++)
		missing += nat_sources_find(sources, &addrs[i]) < 0;
	return missing <= left;
}

static bool is_listed(const struct nat_source_slot *slot, bool v4)
{
	return slot->used && slot->listed && addr_is_v4(&slot->addr) == v4;
}

struct target_sources nat_sources_run(const struct nat_sources *sources, bool v4)
{
	struct target_sources run = { 0 }, best = { 0 };

	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++) {
		if (!is_listed(&sources->slots[i], v4)) {
			run.count = 0;
			continue;
		}
		if (!run.count)
			run.first = i;
		if (++run.count > best.count)
			best = run;
	}
	return best;
}

static bool is_free(const struct nat_sources *sources, __u32 index)
{
	return index < POISE_MAX_NAT_SOURCES && !sources->slots[index].used;
}

/* A free index beside the run, or -ENOSPC. */
static int beside(const struct nat_sources *sources, const struct target_sources *run)
{
	if (!run->count)
		return -ENOSPC;
	if (is_free(sources, run->first + run->count))
		return run->first + run->count;
	return run->first && is_free(sources, run->first - 1) ? run->first - 1 : -ENOSPC;
}

/* The first of so many free ones in a row, from an index on, or -ENOSPC. */
static int block(const struct nat_sources *sources, __u32 from, size_t wanted)
{
	size_t length = 0;

	for (__u32 i = from; i < POISE_MAX_NAT_SOURCES; i++) {
		length = sources->slots[i].used ? 0 : length + 1;
		if (length == wanted)
			return i + 1 - wanted;
	}
	return -ENOSPC;
}

/* more: how many are still to be placed, this one included. */
static void place(struct nat_sources *sources, const struct addr *addr, size_t more)
{
	bool v4 = addr_is_v4(addr);
	const struct target_sources run = nat_sources_run(sources, v4);
	int index = beside(sources, &run);

	for (; index < 0 && more; more--) {
		index = block(sources, v4 ? FIRST_V4 : FIRST_V6, more);
		if (index < 0)
			index = block(sources, 0, more);
	}
	if (index >= 0)
		sources->slots[index] =
			(struct nat_source_slot){ .addr = *addr, .used = true, .listed = true };
}

static size_t family_missing(const struct nat_sources *sources, const struct addr *addrs,
			     size_t count, bool v4)
{
	size_t missing = 0;

	for (size_t i = 0; i < count; i++)
		missing += addr_is_v4(&addrs[i]) == v4 && nat_sources_find(sources, &addrs[i]) < 0;
	return missing;
}

void nat_sources_list(struct nat_sources *sources, const struct addr *addrs, size_t count)
{
	size_t missing[2] = { family_missing(sources, addrs, count, false),
			      family_missing(sources, addrs, count, true) };

	for (size_t i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		sources->slots[i].listed = false;
	/* Those that are there first: the others are to adjoin them. */
	for (size_t i = 0; i < count; i++) {
		int index = nat_sources_find(sources, &addrs[i]);

		if (index >= 0)
			sources->slots[index].listed = true;
	}
	for (size_t i = 0; i < count; i++)
		if (nat_sources_find(sources, &addrs[i]) < 0)
			place(sources, &addrs[i], missing[addr_is_v4(&addrs[i])]--);
}

int nat_sources_take(struct nat_sources *sources, const struct addr *addr)
{
	int index = nat_sources_find(sources, addr);

	for (int i = POISE_MAX_NAT_SOURCES - 1; i >= 0 && index < 0; i--)
		if (!sources->slots[i].used)
			index = i;
	if (index < 0)
		return -ENOSPC;
	if (!sources->slots[index].used)
		sources->slots[index] = (struct nat_source_slot){ .addr = *addr, .used = true };
	return index;
}

bool nat_sources_adjoin(struct nat_sources *sources, __u32 index)
{
	const struct nat_source_slot slot = sources->slots[index];
	const struct target_sources run = nat_sources_run(sources, addr_is_v4(&slot.addr));
	int to = beside(sources, &run);

	if (!slot.used || !slot.listed || to < 0 ||
	    (index >= run.first && index < (__u32)run.first + run.count))
		return false;
	nat_sources_drop(sources, index);
	sources->slots[to] =
		(struct nat_source_slot){ .addr = slot.addr, .used = true, .listed = true };
	return true;
}
