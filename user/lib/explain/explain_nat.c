// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "explain_nat.h"

int explain_nat_match(const struct nat_set *set, const struct addr *client, __be16 client_port,
		      __u16 service, __u64 hash)
{
	int at;

	for (at = 0; at < NAT_PER_SET; at++) {
		const struct nat_entry *entry = &set->entries[at];
		__u64 word = set->words[at];

		if (word && nat_word_tag(word) == flow_tag(hash) &&
		    !(nat_word_flags(word) & (NAT_REPLY | NAT_BUSY)) &&
		    entry->client_port == client_port && entry->service == service &&
		    !memcmp(entry->client, client->b, sizeof(client->b)))
			break;
	}
	return at;
}

bool explain_nat_follows(const struct explain_nat *nat, bool fresh)
{
	return nat->word && nat->left_ticks >= 0 && nat->serves &&
	       !(fresh && nat_ended(nat_word_flags(nat->word)));
}

/* *out stays as it is where there is no such entry. 0 or -errno. */
static int table_search(int table, __u32 set_count, const struct addr *client, __be16 client_port,
			__u16 service, __u64 hash, struct explain_nat *out)
{
	struct nat_set set;
	int err = 0;

	for (int choice = 0; choice < 2 && !err; choice++) {
		__u32 index = nat_set_index(hash, choice, set_count - 1);
		int at;

		err = bpf_map_lookup_elem(table, &index, &set);
		at = err ? NAT_PER_SET
			 : explain_nat_match(&set, client, client_port, service, hash);
		if (at == NAT_PER_SET)
			continue;
		out->word = set.words[at];
		out->entry = set.entries[at];
		break;
	}
	return err;
}

/* Who serves the entry's flow, and as whom the backend sees its client. */
static int entry_judge(const struct maps *maps, __u16 service, struct explain_nat *nat)
{
	__u32 number = nat->entry.target, source = nat->entry.source;
	struct nat_source ours;
	struct target target;
	int err = bpf_map_lookup_elem(maps->targets, &number, &target);

	if (err)
		return err == -ENOENT ? 0 : err;
	nat->serves = target.mode == MODE_NAT && target.owner == (service | TARGET_SERVES);
	err = bpf_map_lookup_elem(maps->nat_sources, &source, &ours);
	if (!err)
		memcpy(nat->source.b, ours.addr, sizeof(ours.addr));
	return err == -ENOENT ? 0 : err;
}

int explain_nat_find(const struct maps *maps, const struct addr *client, __be16 client_port,
		     __u16 service, __u64 hash, const struct flow_clock *clock,
		     struct explain_nat *out)
{
	struct explain_nat nat = { 0 };
	struct timespec now;
	__u32 sets;
	int table = nat_map_open(maps, &sets), err;

	*out = nat;
	if (table < 0)
		return table == -ENOENT ? 0 : table;
	err = table_search(table, sets, client, client_port, service, hash, &nat);
	close(table);
	if (err || !nat.word)
		return err;
	clock_gettime(CLOCK_MONOTONIC, &now);
	nat.left_ticks = nat_word_left(
		nat.word, nat_clock_tick(clock, now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec));
	err = entry_judge(maps, service, &nat);
	if (!err)
		*out = nat;
	return err;
}
