/* SPDX-License-Identifier: BSD-2-Clause */
/* Services by nat over the fake kernel: flows of theirs, and what packets find. */
#ifndef POISE_TEST_NAT_BOX_H
#define POISE_TEST_NAT_BOX_H

#include "moving_box.h"
#include "poise/nat.h"

#define NAT  "'mode': 'nat',"
#define KEEP "'mode': 'nat', 'source': 'keep',"
#define OPEN (NAT_REPLIED | NAT_ASSURED)

/* A flow as packets would have entered it, some way into the table. The word of its client's side.
 */
static inline __u64 *nat_flow(__u32 at, __u16 target, __u32 ticks, __u32 flags)
{
	__u32 now = nat_clock_tick(lb_clock(NULL), kernel.time_ns);
	struct nat_set *set = &kernel.nat_sets[at],
		       *other = &kernel.nat_sets[FAKE_NAT_SETS - 1 - at];
	struct nat_entry entry = { .service = service_find(rec, "web")->number,
				   .target = target,
				   .source = kernel.targets[target].nat.first_source };

	set->entries[0] = other->entries[0] = entry;
	set->entries[0].other = (FAKE_NAT_SETS - 1 - at) * NAT_PER_SET;
	other->entries[0].other = at * NAT_PER_SET;
	set->entries[0].other_tag = ~at;
	other->entries[0].other_tag = at + 1;
	set->words[0] = nat_word(at + 1, now + ticks, flags);
	other->words[0] = nat_word(~at, now + ticks, flags | NAT_REPLY);
	return &set->words[0];
}

/* The entry of an address; NULL: there is none. */
static inline const struct service *address_entry(const char *text)
{
	struct service_key key = { .port = 0 };
	const struct fake_entry *found;
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	memcpy(key.addr, addr.b, sizeof(key.addr));
	found = entry_find(&key);
	return found ? &found->value : NULL;
}

/* The entry of what a backend answers from. */
static inline const struct service *reply_entry(const char *id)
{
	struct service_key key = { .proto = IPPROTO_TCP, .kind = KEY_REPLY };
	const struct fake_entry *found;
	struct addr addr;
	__u16 port;

	assert_int_equal(endpoint_parse(id, &addr, &port), 0);
	memcpy(key.addr, addr.b, sizeof(key.addr));
	key.port = htons(port);
	found = entry_find(&key);
	return found ? &found->value : NULL;
}

static inline bool source_is(__u32 index, const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return !memcmp(kernel.nat_sources[index].addr, addr.b, sizeof(addr.b));
}

#endif
