/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Destination address, port and protocol -> service. */
#ifndef POISE_BPF_SERVICE_H
#define POISE_BPF_SERVICE_H

#include "lb/mapped.h"

/* A service is read as one word, so that its parts belong together. */
union service_word {
	struct service service;
	__u64 word; /* 0: no such service */
};

static __always_inline enum poise_scheduler service_scheduler(__u16 flags)
{
	return flags >> SERVICE_SCHEDULER_SHIFT & SERVICE_SCHEDULER_MASK;
}

static __always_inline union service_word find_in_bucket(const struct service_words *key,
							 __u32 index)
{
	const struct service_bucket *bucket = bpf_map_lookup_elem(&services, &index);
	union service_word found = { .word = 0 };
	int i;

	if (!bucket)
		return found;
	for (i = 0; i < SERVICE_SLOTS && !found.word; i++) {
		const struct service_slot *slot = &bucket->slots[i];
		const __u64 *addr = (const __u64 *)slot->key.addr;

		if (*(const __u32 *)&slot->key.port == key->rest && addr[1] == key->high &&
		    addr[0] == key->low)
			found.word = *(const volatile __u64 *)&slot->service;
	}
	return found;
}

static __always_inline union service_word find_service(const struct service_words *key)
{
	__u64 hash = service_hash(key);
	union service_word found = find_in_bucket(key, service_bucket_index(hash, 0));

	return found.word ? found : find_in_bucket(key, service_bucket_index(hash, 1));
}

/* Returns what the services need to have done with packets that are to none of them; never NULL. */
static __always_inline const struct switches *switches_now(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&switches, &zero);
}

#endif
