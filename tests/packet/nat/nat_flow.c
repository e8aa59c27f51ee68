// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/nat_flow.h"

/* ---- hashes and places */

static __u64 hash_of(const struct lb_maps *lb, int version, __u8 proto, const char *from,
		     const char *to, __u16 source_port, __u16 dest_port)
{
	__be32 source[4], dest[4];

	inet_pton(version == 4 ? AF_INET : AF_INET6, from, source);
	inet_pton(version == 4 ? AF_INET : AF_INET6, to, dest);
	if (version == 4)
		return flow_hash4(&lb->hash_key, source[0], dest[0], htons(source_port),
				  htons(dest_port), proto);
	return flow_hash6(&lb->hash_key, source, dest, htons(source_port), htons(dest_port), proto);
}

void nat_flow_client_text(const struct nat_flow *flow, char *text)
{
	if (flow->client_text)
		snprintf(text, NAT_TEXT, "%s", flow->client_text);
	else
		nat_client_text(flow->version, flow->client, text);
}

__u64 nat_hash(const struct lb_maps *lb, const struct nat_flow *flow)
{
	char client[NAT_TEXT];

	nat_flow_client_text(flow, client);
	return hash_of(lb, flow->version, flow->proto, client,
		       nat_vip(flow->version, flow->service), flow->client_port, flow->service);
}

static __u16 flow_target_number(const struct nat_flow *flow)
{
	return nat_target(flow->version, flow->proto, flow->service, flow->backend);
}

__u64 nat_reply_hash(const struct lb_maps *lb, const struct nat_flow *flow)
{
	const struct target *target = &lb->targets[flow_target_number(flow)];
	char backend[NAT_TEXT], source[NAT_TEXT];

	inet_ntop(flow->version == 4 ? AF_INET : AF_INET6, target->dst, backend, sizeof(backend));
	nat_source_text(flow->version, flow->source, source);
	return hash_of(lb, flow->version, flow->proto, backend, source, ntohs(target->port),
		       flow->nat_port);
}

static struct nat_place place_at(const struct lb_maps *lb, __u32 number)
{
	struct nat_set *set = &lb->nat[number / NAT_PER_SET];

	return (struct nat_place){ &set->words[number % NAT_PER_SET],
				   &set->entries[number % NAT_PER_SET], number };
}

static bool is_clients(const struct nat_place *at, const struct nat_flow *flow)
{
	char text[NAT_TEXT];
	__u8 addr[16];

	nat_flow_client_text(flow, text);
	nat_addr(text, addr);
	return !(nat_word_flags(*at->word) & NAT_REPLY) &&
	       !memcmp(at->entry->client, addr, sizeof(addr)) &&
	       at->entry->client_port == htons(flow->client_port) &&
	       at->entry->service == nat_service_number(flow->version, flow->proto, flow->service);
}

static bool is_reply(const struct nat_place *at, const struct nat_flow *flow)
{
	__u32 flags = nat_word_flags(*at->word);

	return flags & NAT_REPLY && !!(flags & NAT_UDP) == (flow->proto == IPPROTO_UDP) &&
	       at->entry->target == flow_target_number(flow) &&
	       at->entry->source == nat_source_index(flow->version, flow->source) &&
	       at->entry->nat_port == htons(flow->nat_port);
}

static struct nat_place find(const struct lb_maps *lb, const struct nat_flow *flow, __u64 hash,
			     bool (*is)(const struct nat_place *at, const struct nat_flow *flow))
{
	for (int choice = 0; choice < 2; choice++) {
		__u32 set = nat_set_index(hash, choice, lb->nat_sets - 1);

		for (__u32 i = 0; i < NAT_PER_SET; i++) {
			struct nat_place at = place_at(lb, set * NAT_PER_SET + i);

			if (*at.word && nat_word_tag(*at.word) == flow_tag(hash) && is(&at, flow))
				return at;
		}
	}
	return (struct nat_place){ NULL };
}

struct nat_place nat_find(const struct lb_maps *lb, const struct nat_flow *flow)
{
	return find(lb, flow, nat_hash(lb, flow), is_clients);
}

struct nat_place nat_find_reply(const struct lb_maps *lb, const struct nat_flow *flow)
{
	return find(lb, flow, nat_reply_hash(lb, flow), is_reply);
}

struct nat_place nat_other(const struct lb_maps *lb, struct nat_place place)
{
	struct nat_place other;

	if (place.entry->other >= lb->nat_sets * NAT_PER_SET)
		return (struct nat_place){ NULL };
	other = place_at(lb, place.entry->other);
	if (!*other.word || nat_word_tag(*other.word) != place.entry->other_tag)
		return (struct nat_place){ NULL };
	return other;
}

bool nat_learn(const struct lb_maps *lb, struct nat_flow *flow)
{
	struct nat_place at = nat_find(lb, flow);
	__u16 first = nat_target(flow->version, flow->proto, flow->service, 'A');

	if (!at.word)
		return false;
	flow->backend = 'A' + (at.entry->target - first);
	flow->source = at.entry->source - nat_source_index(flow->version, 0);
	flow->nat_port = ntohs(at.entry->nat_port);
	return true;
}

/* ---- what is in the table */

static bool agree(const struct nat_entry *one, const struct nat_entry *other)
{
	return !memcmp(one->client, other->client, sizeof(one->client)) &&
	       one->client_port == other->client_port && one->nat_port == other->nat_port &&
	       one->service == other->service && one->target == other->target &&
	       one->source == other->source;
}

static bool word_is(__u64 word, __u32 flags, __u32 ticks, __u32 since, __u32 now)
{
	__u32 left = nat_word_left(word, now) - ticks + (now - since);

	/* Either tick, should time have gone on meanwhile. */
	if (nat_word_flags(word) == flags && left <= now - since)
		return true;
	printf("#   word %016llx: flags %#x, expected %#x; ticks left %d, expected %u\n",
	       (unsigned long long)word, nat_word_flags(word), flags, nat_word_left(word, now),
	       ticks);
	return false;
}

const char *nat_entries_wrong(const struct lb_maps *lb, const struct nat_flow *flow, __u32 flags,
			      __u32 ticks, __u32 since)
{
	__u32 now = lb_maps_nat_now(lb), udp = flow->proto == IPPROTO_UDP ? NAT_UDP : 0;
	struct nat_place at = nat_find(lb, flow), reply;
	struct nat_flow known = *flow;

	if (!at.word)
		return "no entry for the client's packets";
	if (!nat_learn(lb, &known))
		return "no entry";
	reply = nat_find_reply(lb, &known);
	if (!reply.word)
		return "no entry for the backend's packets";
	if (nat_other(lb, at).word != reply.word || nat_other(lb, reply).word != at.word)
		return "the entries do not name each other";
	if (!agree(at.entry, reply.entry))
		return "the entries do not agree";
	if (!word_is(*at.word, flags | udp, ticks, since, now))
		return "the client's word";
	if (!word_is(*reply.word, flags | udp | NAT_REPLY, ticks, since, now))
		return "the backend's word";
	return NULL;
}

/* The key by which packets find an entry. */
struct found_by {
	__u32 flags;
	__u8 addr[16];   /* the client's or the backend's */
	__be16 port;     /* the same's */
	__u16 to, port2; /* service; or source and port */
};

static struct found_by found_by(const struct lb_maps *lb, const struct nat_place *at)
{
	const struct target *target = &lb->targets[at->entry->target];
	struct found_by by;

	memset(&by, 0, sizeof(by)); /* compared as bytes */
	by.flags = nat_word_flags(*at->word) & (NAT_REPLY | NAT_UDP);
	if (by.flags & NAT_REPLY) {
		memcpy(by.addr, target->dst, sizeof(by.addr));
		by.port = target->port;
		by.to = at->entry->source;
		by.port2 = at->entry->nat_port;
	} else {
		memcpy(by.addr, at->entry->client, sizeof(by.addr));
		by.port = at->entry->client_port;
		by.to = at->entry->service;
	}
	return by;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct found_by));
}

const char *nat_table_wrong(const struct lb_maps *lb, unsigned int *flows)
{
	struct found_by *all = calloc(lb->nat_sets * NAT_PER_SET, sizeof(*all));
	const char *wrong = NULL;
	unsigned int count = 0;

	for (__u32 i = 0; i < lb->nat_sets * NAT_PER_SET && all && !wrong; i++) {
		struct nat_place at = place_at(lb, i), other;

		if (!*at.word)
			continue;
		other = nat_other(lb, at);
		if (nat_word_flags(*at.word) & NAT_BUSY)
			wrong = "an entry is still being written";
		else if (!other.word || nat_other(lb, other).word != at.word)
			wrong = "entries do not name each other";
		else if (!agree(at.entry, other.entry) ||
			 (nat_word_flags(*at.word) ^ nat_word_flags(*other.word)) != NAT_REPLY)
			wrong = "entries do not agree";
		else
			all[count++] = found_by(lb, &at);
	}
	*flows = count / 2;
	if (!all)
		return "no memory";
	qsort(all, count, sizeof(*all), compare);
	for (unsigned int i = 1; i < count && !wrong; i++)
		if (!compare(&all[i - 1], &all[i]))
			wrong = "two entries are found by the same packets";
	free(all);
	return wrong;
}

unsigned int nat_occupied(const struct lb_maps *lb)
{
	unsigned int count = 0;

	for (__u32 i = 0; i < lb->nat_sets; i++)
		for (int k = 0; k < NAT_PER_SET; k++)
			count += !!lb->nat[i].words[k];
	return count;
}

void nat_clear(struct lb_maps *lb)
{
	memset(lb->nat, 0, lb->nat_sets * sizeof(*lb->nat));
}

/* ---- changing and counting */

void nat_set_words(struct lb_maps *lb, const struct nat_flow *flow, int left, __u32 flags)
{
	struct nat_place places[2] = { nat_find(lb, flow), { NULL } };
	__u32 now = lb_maps_nat_now(lb);

	if (places[0].word)
		places[1] = nat_other(lb, places[0]);
	for (int i = 0; i < 2; i++) {
		__u32 kept;

		if (!places[i].word)
			continue;
		kept = nat_word_flags(*places[i].word);
		if (flags != ~0U)
			kept = (kept & ~NAT_SEEN) | flags;
		*places[i].word = nat_word(nat_word_tag(*places[i].word), now + left, kept);
	}
}

struct nat_counter nat_counted(struct lb_maps *lb)
{
	static struct nat_counter counted;
	struct nat_counter was = counted;
	int err = lb_maps_nat_counters(lb, &counted);

	if (err)
		harness_ok(&lb->harness, false, "NAT's counters: %s", strerror(-err));
	return (struct nat_counter){ counted.made - was.made, counted.evicted - was.evicted,
				     counted.broken - was.broken, counted.reused - was.reused };
}

bool nat_counted_is(struct lb_maps *lb, struct nat_counter want)
{
	struct nat_counter rose = nat_counted(lb);

	if (!memcmp(&rose, &want, sizeof(rose)))
		return true;
	printf("#   made, evicted, broken, reused: +%llu +%llu +%llu +%llu, "
	       "expected +%llu +%llu +%llu +%llu\n",
	       (unsigned long long)rose.made, (unsigned long long)rose.evicted,
	       (unsigned long long)rose.broken, (unsigned long long)rose.reused,
	       (unsigned long long)want.made, (unsigned long long)want.evicted,
	       (unsigned long long)want.broken, (unsigned long long)want.reused);
	return false;
}
