// SPDX-License-Identifier: BSD-2-Clause
#include <stdbool.h>
#include <stddef.h>

#include "sweep/nat_sweep.h"

struct pass {
	struct nat_sweep *sweep;
	bool clearing; /* some target is SWEEP_CLEAR: what backends answer matters as well */
};

/* A word, as it was when something was concluded from it and from its entry. */
struct seen {
	__u64 *at; /* NULL: none */
	__u64 word;
};

static inline __u64 *word_at(const struct nat_sweep *s, __u32 index)
{
	return &s->sets[index / NAT_PER_SET].words[index % NAT_PER_SET];
}

static inline const struct nat_entry *entry_at(const struct nat_sweep *s, __u32 index)
{
	return &s->sets[index / NAT_PER_SET].entries[index % NAT_PER_SET];
}

/* Acquire: what is read of the entry after it is at least as new as the word. */
static inline __u64 word_get(const __u64 *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

static inline bool is_expired(__u64 word, __u32 now)
{
	return nat_word_left(word, now) <= -NAT_SWEEP_TICKS;
}

static inline bool is_dead(const struct nat_sweep *s, const struct nat_entry *entry)
{
	__u16 service = __atomic_load_n(&entry->service, __ATOMIC_RELAXED);

	return s->dead_services && (service >= POISE_MAX_SERVICES ||
				    __atomic_load_n(&s->dead_services[service], __ATOMIC_ACQUIRE));
}

static inline bool is_cleared(const struct nat_sweep *s, const struct nat_entry *entry)
{
	__u16 target = __atomic_load_n(&entry->target, __ATOMIC_RELAXED);

	return target >= s->target_count || s->service_of_target[target] == SWEEP_CLEAR ||
	       is_dead(s, entry);
}

/* Sets a word free, unless a packet has changed it: then the entry may be another flow's. */
static bool give_up(struct nat_sweep *s, struct seen seen)
{
	if (!__atomic_compare_exchange_n(seen.at, &seen.word, 0, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_RELAXED))
		return false;
	s->cleared++;
	return true;
}

/* The other entry of a flow, if there still is one that says the same. */
static struct seen find_other(const struct nat_sweep *s, __u32 index, __u64 word)
{
	const struct nat_entry *entry = entry_at(s, index);
	__u32 other = __atomic_load_n(&entry->other, __ATOMIC_RELAXED);
	struct seen seen = { NULL, 0 };

	if (other >= s->set_count * NAT_PER_SET)
		return seen;
	seen.word = word_get(word_at(s, other));
	if (!seen.word || nat_word_flags(seen.word) & NAT_BUSY ||
	    nat_word_tag(seen.word) != __atomic_load_n(&entry->other_tag, __ATOMIC_RELAXED) ||
	    !((nat_word_flags(seen.word) ^ nat_word_flags(word)) & NAT_REPLY) ||
	    __atomic_load_n(&entry_at(s, other)->other, __ATOMIC_RELAXED) != index)
		return seen;
	seen.at = word_at(s, other);
	return seen;
}

/*
 * Clears a flow by one of its entries: the client's side first, so that no packet is sent to the
 * backend whose answer would not be known. False: the flow counts. Packets change the words one
 * after the other, and two at once may leave them unlike: a flow has expired when both have.
 */
static bool clear_flow(struct nat_sweep *s, __u32 index, __u64 word, bool expired)
{
	struct seen own = { word_at(s, index), word }, other = find_other(s, index, word);

	if (expired && other.at && !is_expired(other.word, s->now) &&
	    !is_cleared(s, entry_at(s, index)))
		return false;
	if (!s->clean)
		return true;
	if (nat_word_flags(word) & NAT_REPLY)
		return (!other.at || give_up(s, other)) && give_up(s, own);
	if (!give_up(s, own))
		return false;
	if (other.at)
		give_up(s, other);
	return true;
}

/* One that nobody finished writing: its entry says nothing. */
static bool clear_busy(struct nat_sweep *s, __u32 index, __u64 word)
{
	return !s->clean || give_up(s, (struct seen){ word_at(s, index), word });
}

/* True if the entry had to be cleared and is clear now. */
static __attribute__((noinline)) bool clear_entry(struct nat_sweep *s, __u32 index, __u64 word)
{
	/* Tried again while packets change it: each does so once per tick. */
	for (; word; word = word_get(word_at(s, index))) {
		bool expired = is_expired(word, s->now);

		if (nat_word_flags(word) & NAT_BUSY) {
			if (!expired)
				return false;
			if (clear_busy(s, index, word))
				return true;
			continue;
		}
		if (!expired && !is_cleared(s, entry_at(s, index)))
			return false;
		if (clear_flow(s, index, word, expired))
			return true;
		/* Unchanged: the other entry keeps it. */
		if (word_get(word_at(s, index)) == word)
			return false;
	}
	return true;
}

static inline void count_flow(struct nat_sweep *s, const struct nat_entry *entry, __u32 flags)
{
	__u16 target = __atomic_load_n(&entry->target, __ATOMIC_RELAXED);
	__u16 source = __atomic_load_n(&entry->source, __ATOMIC_RELAXED);
	bool ended = nat_ended(flags);

	/* One that another flow has taken since is counted when it is met again. */
	if (target >= s->target_count)
		return;
	if (s->sources_used && source < POISE_MAX_NAT_SOURCES)
		s->sources_used[source] = 1;
	s->flows[target].closing += ended;
	s->flows[target].live += !ended;
	s->closing += ended;
	s->live += !ended;
	s->new_flows += !ended && !(flags & NAT_ASSURED);
}

static void look_at_word(const struct pass *pass, __u32 index, __u64 word)
{
	struct nat_sweep *s = pass->sweep;
	const struct nat_entry *entry = entry_at(s, index);
	__u32 flags = nat_word_flags(word);
	bool client = !(flags & (NAT_REPLY | NAT_BUSY));

	if (is_expired(word, s->now) ||
	    ((client || pass->clearing) && !(flags & NAT_BUSY) && is_cleared(s, entry))) {
		if (clear_entry(s, index, word))
			return;
		word = word_get(word_at(s, index));
		if (!word)
			return;
		flags = nat_word_flags(word);
		client = !(flags & (NAT_REPLY | NAT_BUSY));
	}
	s->occupied++;
	if (client)
		count_flow(s, entry, flags);
}

static inline bool is_empty(const struct nat_set *set)
{
	__u64 any = 0;

#pragma GCC unroll 8
	for (int i = 0; i < NAT_PER_SET; i++)
		any |= __atomic_load_n(&set->words[i], __ATOMIC_RELAXED);
	return !any;
}

static bool is_any_cleared(const struct nat_sweep *s)
{
	for (__u32 target = 0; target < s->target_count; target++)
		if (s->service_of_target[target] == SWEEP_CLEAR)
			return true;
	return false;
}

void nat_sweep_run(struct nat_sweep *sweep)
{
	const struct pass pass = { .sweep = sweep, .clearing = is_any_cleared(sweep) };

	for (__u32 i = 0; i < sweep->set_count; i++) {
		const struct nat_set *set = &sweep->sets[i];

		if (is_empty(set))
			continue;
		for (__u32 j = 0; j < NAT_PER_SET; j++) {
			__u64 word = word_get(&set->words[j]);

			if (word)
				look_at_word(&pass, i * NAT_PER_SET + j, word);
		}
	}
}
