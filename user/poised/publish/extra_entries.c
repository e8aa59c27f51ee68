// SPDX-License-Identifier: BSD-2-Clause
/*
 * Entries of `services` beside those of the services themselves (poise/abi.h): one per address of
 * a service, or that NAT uses as a source, and one per backend that is to be known by its answers.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "model.h"

struct sides {
	struct side_entry *entries;
	size_t count;
};

static int side_compare(const void *a, const void *b)
{
	const struct side_entry *first = a, *second = b;
	int order = memcmp(&first->key, &second->key, sizeof(first->key));

	/* An answer is its service's that has the backend now, not its that had it. */
	return order ? order : first->left_over - second->left_over;
}

static bool is_reply(const struct side_entry *side)
{
	return side->key.kind == KEY_REPLY;
}

static void add(struct sides *sides, const __u8 addr[16], struct service value)
{
	struct side_entry *side = &sides->entries[sides->count++];

	*side = (struct side_entry){ .value = value };
	memcpy(side->key.addr, addr, sizeof(side->key.addr));
}

static void add_reply(struct sides *sides, const struct run_backend *backend)
{
	const struct run_service *service = backend->service;
	const struct service value = { .number = service->number,
				       .row_count = backend->target,
				       .flags = SERVICE_NAT_KEEP };
	struct side_entry *side = &sides->entries[sides->count];

	add(sides, backend->addr.b, value);
	side->key.port = htons(backend->port ? backend->port : service->way.port);
	side->key.proto = service->key.proto;
	side->key.kind = KEY_REPLY;
	side->left_over = backend->leaving;
}

static void add_service(struct sides *sides, const struct run_service *service)
{
	struct service value = { .flags = SERVICE_ADDRESS };

	/* Sockets look for such a service, packets do not. */
	if (service->way.mode == MODE_LOCAL)
		return;
	if (service->way.mode == MODE_NAT)
		value.flags |= SERVICE_NAT;
	if (service->way.mode == MODE_NAT_KEEP)
		value.flags |= SERVICE_NAT_KEEP;
	add(sides, service->key.addr, value);
	for (size_t i = 0; i < service_members(service); i++)
		if (service->way.mode == MODE_NAT_KEEP)
			add_reply(sides, service_member(service, i));
}

/* One entry for what is said of one key. */
static void join(struct sides *sides)
{
	size_t kept = 0;

	for (size_t i = 0; i < sides->count; i++) {
		struct side_entry *side = &sides->entries[i], *last;

		last = kept ? &sides->entries[kept - 1] : NULL;
		if (!last || memcmp(&last->key, &side->key, sizeof(side->key))) {
			sides->entries[kept++] = *side;
		} else if (!is_reply(side)) {
			last->value.flags |= side->value.flags;
			last->value.number |= side->value.number;
			last->value.row_count |= side->value.row_count;
		}
	}
	sides->count = kept;
}

static int collect(const struct reconcile *rec, struct sides *out)
{
	size_t room = rec->service_count + POISE_MAX_NAT_SOURCES;

	for (size_t i = 0; i < rec->service_count; i++)
		room += service_members(rec->services[i]);
	*out = (struct sides){ .entries = calloc(room, sizeof(*out->entries)) };
	if (!out->entries)
		return -ENOMEM;
	for (size_t i = 0; i < rec->service_count; i++)
		add_service(out, rec->services[i]);
	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++) {
		const struct nat_source_slot *slot = &rec->nat.sources.slots[i];
		const struct service value = { .number = i,
					       .row_count = 1,
					       .flags = SERVICE_NAT_SOURCE };

		if (slot->used)
			add(out, slot->addr.b, value);
	}
	qsort(out->entries, out->count, sizeof(*out->entries), side_compare);
	join(out);
	return 0;
}

/* Packets look for answers before there are any to be found, and until there are none. */
static void switch_set(struct reconcile *rec, bool nat_keep)
{
	const struct switches value = { .nat_keep = nat_keep };

	lb_switches_set(rec->deps.lb, &value);
}

static bool has_reply(const struct sides *sides)
{
	for (size_t i = 0; i < sides->count; i++)
		if (is_reply(&sides->entries[i]))
			return true;
	return false;
}

/*
 * Stores what is new or differs and, with `remove`, takes away what is not wanted any more; else
 * that stays in the list, which is what the kernel has: what it refused is tried again the next
 * time. Both lists are sorted: they are walked side by side.
 */
static int store(struct reconcile *rec, const struct sides *want, bool remove, struct sides *list)
{
	const struct side_entry *old = rec->sides, *old_end = old + rec->side_count;
	const struct side_entry *new = want->entries, *new_end = new + want->count;
	int err = 0, failed;

	while (new < new_end || old < old_end) {
		int order = new == new_end   ? 1
			    : old == old_end ? -1
					     : memcmp(&new->key, &old->key, sizeof(new->key));

		failed = 0;
		if (order < 0 || (!order && memcmp(&new->value, &old->value, sizeof(new->value))))
			failed = lb_service_set(rec->deps.lb, &new->key, &new->value);
		else if (order > 0 && remove)
			failed = lb_service_del(rec->deps.lb, &old->key);
		if (order <= 0 && !failed)
			list->entries[list->count++] = *new;
		else if (!order || (order > 0 && (failed || !remove)))
			list->entries[list->count++] = *old;
		if (failed)
			err = failed;
		new += order <= 0;
		old += order >= 0;
	}
	return err;
}

void sides_publish(struct reconcile *rec, bool remove)
{
	struct sides want = { 0 }, list = { 0 };
	int err = collect(rec, &want);

	if (!err) {
		list.entries = calloc(want.count + rec->side_count + 1, sizeof(*list.entries));
		err = list.entries ? 0 : -ENOMEM;
	}
	if (err) {
		free(want.entries);
		free(list.entries);
		log_err("services: addresses not published: %s", strerror(-err));
		return;
	}
	if (has_reply(&want))
		switch_set(rec, true);
	err = store(rec, &want, remove, &list);
	if (err)
		log_err("services: addresses not published: %s", strerror(-err));
	free(want.entries);
	free(rec->sides);
	rec->sides = list.entries;
	rec->side_count = list.count;
	/* An earlier poised's are not in the list. */
	if (!rec->prune && !has_reply(&list))
		switch_set(rec, false);
	rec->sides_due = rec->sides_due && !remove;
}
