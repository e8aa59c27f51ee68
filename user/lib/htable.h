/* SPDX-License-Identifier: BSD-2-Clause */
/* A chained hash table of nodes that live inside what they index. */
#ifndef POISE_HTABLE_H
#define POISE_HTABLE_H

#include <linux/types.h>
#include <stddef.h>

struct hnode {
	struct hnode *next;
	__u32 hash;
};

/* All zero is an empty table. */
struct htable {
	struct hnode **slots;
	size_t slot_count; /* a power of two, or 0 before the first node */
	size_t count;
};

/* The structure that a node is a member of. */
#define htable_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

/* Visits every node; the body must not add or remove any. */
#define htable_foreach(table, slot, node)                                                          \
	for ((slot) = 0; (slot) < (table)->slot_count; (slot)++)                                   \
		for ((node) = (table)->slots[slot]; (node); (node) = (node)->next)

__u32 htable_hash(const void *key, size_t size, __u32 seed);

/* 0, or -ENOMEM when the table could not even get its first slots. */
int htable_add(struct htable *table, struct hnode *node, __u32 hash);
void htable_remove(struct htable *table, struct hnode *node);

/* The nodes of one hash, first to last: the caller compares keys. NULL: no more. */
struct hnode *htable_first(const struct htable *table, __u32 hash);
struct hnode *htable_next(const struct hnode *node);

void htable_free(struct htable *table); /* the slots; nodes belong to the caller */

#endif
