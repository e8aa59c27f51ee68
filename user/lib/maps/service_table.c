// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "poise/service_hash.h"
#include "maps/service_table.h"

static __u64 load_service(const struct service_slot *slot)
{
	return __atomic_load_n((const __u64 *)&slot->service, __ATOMIC_ACQUIRE);
}

static void store_service(struct service_slot *slot, __u64 word)
{
	__atomic_store_n((__u64 *)&slot->service, word, __ATOMIC_RELEASE);
}

static struct service_bucket *bucket_of(const struct service_bucket *table,
					const struct service_key *key, int choice)
{
	struct service_words words;

	memcpy(&words.low, key->addr, sizeof(words.low));
	memcpy(&words.high, key->addr + sizeof(words.low), sizeof(words.high));
	memcpy(&words.rest, &key->port, sizeof(words.rest));
	return (struct service_bucket *)&table[service_bucket_index(service_hash(&words), choice)];
}

static struct service_slot *find(const struct service_bucket *table, const struct service_key *key)
{
	for (int choice = 0; choice < 2; choice++) {
		struct service_bucket *bucket = bucket_of(table, key, choice);

		for (int i = 0; i < SERVICE_SLOTS; i++)
			if (load_service(&bucket->slots[i]) &&
			    !memcmp(&bucket->slots[i].key, key, sizeof(*key)))
				return &bucket->slots[i];
	}
	return NULL;
}

/* The emptier of the two buckets takes it: that keeps both from filling up. */
static struct service_slot *find_free(const struct service_bucket *table,
				      const struct service_key *key)
{
	struct service_slot *best = NULL;
	int best_free = 0;

	for (int choice = 0; choice < 2; choice++) {
		struct service_bucket *bucket = bucket_of(table, key, choice);
		struct service_slot *first = NULL;
		int free_slots = 0;

		for (int i = SERVICE_SLOTS - 1; i >= 0; i--)
			if (!load_service(&bucket->slots[i])) {
				first = &bucket->slots[i];
				free_slots++;
			}
		if (free_slots > best_free) {
			best = first;
			best_free = free_slots;
		}
	}
	return best;
}

int service_table_set(struct service_bucket *table, const struct service_key *key,
		      const struct service *value)
{
	struct service_slot *slot = find(table, key);
	__u64 word;

	memcpy(&word, value, sizeof(word));
	if (!word)
		return -EINVAL;
	if (!slot) {
		slot = find_free(table, key);
		if (!slot)
			return -ENOSPC;
		slot->key = *key;
	}
	store_service(slot, word);
	return 0;
}

int service_table_get(const struct service_bucket *table, const struct service_key *key,
		      struct service *out)
{
	const struct service_slot *slot = find(table, key);
	__u64 word;

	if (!slot)
		return -ENOENT;
	word = load_service(slot);
	memcpy(out, &word, sizeof(*out));
	return 0;
}

int service_table_del(struct service_bucket *table, const struct service_key *key)
{
	struct service_slot *slot = find(table, key);

	if (!slot)
		return -ENOENT;
	store_service(slot, 0);
	return 0;
}
