// SPDX-License-Identifier: BSD-2-Clause
#include "htable.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_SLOTS 64

/* FNV-1a with a final mix: keys are small and come from the configuration, not from strangers. */
__u32 htable_hash(const void *key, size_t size, __u32 seed)
{
	const unsigned char *byte = key;
	__u32 hash = 2166136261U ^ seed;

	while (size--)
		hash = (hash ^ *byte++) * 16777619U;
	hash ^= hash >> 16;
	hash *= 0x85ebca6bU;
	return hash ^ (hash >> 13);
}

static int resize(struct htable *table, size_t slot_count)
{
	struct hnode **slots = calloc(slot_count, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->slot_count; i++) {
		struct hnode *node = table->slots[i], *next;

		for (; node; node = next) {
			struct hnode **slot = &slots[node->hash & (slot_count - 1)];

			next = node->next;
			node->next = *slot;
			*slot = node;
		}
	}
	free(table->slots);
	table->slots = slots;
	table->slot_count = slot_count;
	return 0;
}

int htable_add(struct htable *table, struct hnode *node, __u32 hash)
{
	struct hnode **slot;

	if (!table->slot_count && resize(table, FIRST_SLOTS))
		return -ENOMEM;
	/* Without memory to grow the chains only get longer. */
	if (table->count >= table->slot_count)
		resize(table, 2 * table->slot_count);
	slot = &table->slots[hash & (table->slot_count - 1)];
	node->hash = hash;
	node->next = *slot;
	*slot = node;
	table->count++;
	return 0;
}

void htable_remove(struct htable *table, struct hnode *node)
{
	struct hnode **slot = &table->slots[node->hash & (table->slot_count - 1)];

	while (*slot != node)
		slot = &(*slot)->next;
	*slot = node->next;
	table->count--;
}

static struct hnode *of_hash(struct hnode *node, __u32 hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct hnode *htable_first(const struct htable *table, __u32 hash)
{
	if (!table->slot_count)
		return NULL;
	return of_hash(table->slots[hash & (table->slot_count - 1)], hash);
}

struct hnode *htable_next(const struct hnode *node)
{
	return of_hash(node->next, node->hash);
}

void htable_free(struct htable *table)
{
	free(table->slots);
	table->slots = NULL;
	table->slot_count = table->count = 0;
}
