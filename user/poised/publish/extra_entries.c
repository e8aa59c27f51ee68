// SPDX-License-Identifier: BSD-2-Clause
/*
 * Entries of `services` beside those of the services themselves (poise/abi.h): one per address of
 * a service, or that NAT uses as a source, and one per backend that is to be known by its answers.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "publish/publish.h"

struct extras {
	struct extra_entry *entries;
	size_t count;
};

static int extra_compare(const void *a, const void *b)
{
	const struct extra_entry *first = a, *second = b;
	int order = memcmp(&first->key, &second->key, sizeof(first->key));

	/* An answer is its service's that has the backend now, not its that had it. */
	return order ? order : first->left_over - second->left_over;
}

static bool is_reply(const struct extra_entry *extra)
{
	return extra->key.kind == KEY_REPLY;
}

static void add(struct extras *extras, const __u8 addr[16], struct service value)
{
	struct extra_entry *extra = &extras->entries[extras->count++];

	*extra = (struct extra_entry){ .value = value };
	memcpy(extra->key.addr, addr, sizeof(extra->key.addr));
}

static void add_reply(struct extras *extras, const struct live_backend *backend)
{
	const struct live_service *service = backend->service;
	const struct service value = { .number = service->number,
				       .row_count = backend->target,
				       .flags = SERVICE_NAT_KEEP };
	struct extra_entry *extra = &extras->entries[extras->count];

	add(extras, backend->addr.b, value);
	extra->key.port = htons(backend->port ? backend->port : service->delivery.port);
	extra->key.proto = service->key.proto;
	extra->key.kind = KEY_REPLY;
	extra->left_over = backend->leaving;
}

static void add_service(struct extras *extras, const struct live_service *service)
{
	enum poise_mode mode = service->delivery.mode;
	const struct service value = { .flags = SERVICE_ADDRESS | mode_of(mode)->service_flags };

	/* Sockets look for such a service, packets do not. */
	if (mode_has_sockets(mode))
		return;
	add(extras, service->key.addr, value);
	for (size_t i = 0; i < service_members(service); i++)
		if (mode_has_reply_keys(mode))
			add_reply(extras, service_member(service, i));
}

/* One entry for what is said of one key. */
static void join(struct extras *extras)
{
	size_t kept = 0;

	for (size_t i = 0; i < extras->count; i++) {
		struct extra_entry *extra = &extras->entries[i], *last;

		last = kept ? &extras->entries[kept - 1] : NULL;
		if (!last || memcmp(&last->key, &extra->key, sizeof(extra->key))) {
			extras->entries[kept++] = *extra;
		} else if (!is_reply(extra)) {
			last->value.flags |= extra->value.flags;
			last->value.number |= extra->value.number;
			last->value.row_count |= extra->value.row_count;
		}
	}
	extras->count = kept;
}

static int collect(const struct model *model, struct extras *out)
{
	size_t room = model->service_count + POISE_MAX_NAT_SOURCES;

	for (size_t i = 0; i < model->service_count; i++)
		room += service_members(model->services[i]);
	*out = (struct extras){ .entries = calloc(room, sizeof(*out->entries)) };
	if (!out->entries)
		return -ENOMEM;
	for (size_t i = 0; i < model->service_count; i++)
		add_service(out, model->services[i]);
	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++) {
		const struct nat_source_slot *slot = &model->nat.sources.slots[i];
		const struct service value = { .number = i,
					       .row_count = 1,
					       .flags = SERVICE_NAT_SOURCE };

		if (slot->used)
			add(out, slot->addr.b, value);
	}
	qsort(out->entries, out->count, sizeof(*out->entries), extra_compare);
	join(out);
	return 0;
}

/* Packets look for answers before there are any to be found, and until there are none. */
static void switch_set(struct model *model, bool nat_keep)
{
	struct switches value = { .nat_keep = nat_keep };

	for (size_t i = 0; i < model->service_count && !value.local; i++)
		value.local = mode_has_sockets(model->services[i]->delivery.mode);
	lb_switches_set(model->deps.lb, &value);
}

static bool has_reply(const struct extras *extras)
{
	for (size_t i = 0; i < extras->count; i++)
		if (is_reply(&extras->entries[i]))
			return true;
	return false;
}

/*
 * Stores what is new or differs and, with `remove`, takes away what is not wanted any more; else
 * that stays in the list, which is what the kernel has: what it refused is tried again the next
 * time. Both lists are sorted: they are walked side by side.
 */
static int store(struct model *model, const struct extras *want, bool remove, struct extras *list)
{
	const struct extra_entry *old = model->extras, *old_end = old + model->extra_count;
	const struct extra_entry *new = want->entries, *new_end = new + want->count;
	int err = 0, failed;

	while (new < new_end || old < old_end) {
		int order = new == new_end   ? 1
			    : old == old_end ? -1
					     : memcmp(&new->key, &old->key, sizeof(new->key));

		failed = 0;
		if (order < 0 || (!order && memcmp(&new->value, &old->value, sizeof(new->value))))
			failed = lb_service_set(model->deps.lb, &new->key, &new->value);
		else if (order > 0 && remove)
			failed = lb_service_del(model->deps.lb, &old->key);
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

void extra_entries_publish(struct model *model, bool remove)
{
	struct extras want = { 0 }, list = { 0 };
	int err = collect(model, &want);

	if (!err) {
		list.entries = calloc(want.count + model->extra_count + 1, sizeof(*list.entries));
		err = list.entries ? 0 : -ENOMEM;
	}
	if (err) {
		free(want.entries);
		free(list.entries);
		log_err("services: addresses not published: %s", strerror(-err));
		return;
	}
	if (has_reply(&want))
		switch_set(model, true);
	err = store(model, &want, remove, &list);
	if (err)
		log_err("services: addresses not published: %s", strerror(-err));
	free(want.entries);
	free(model->extras);
	model->extras = list.entries;
	model->extra_count = list.count;
	/* An earlier poised's are not in the list. */
	if (!model->prune && !has_reply(&list))
		switch_set(model, false);
	model->extras_due = model->extras_due && !remove;
}
