// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "explain/explain_nat.h"
#include "mode/mode.h"

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
	return nat->word && nat->left_ticks >= 0 && nat->serves && !(fresh && nat->syn_is_new);
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

/* Fills in who serves the entry's flow, and the address that the backend sees for its client. */
static int entry_judge(const struct maps *maps, __u16 service, __u32 now, struct explain_nat *nat)
{
	__u32 number = nat->entry.target, source = nat->entry.source;
	struct nat_source ours;
	struct target target;
	int err = bpf_map_lookup_elem(maps->targets, &number, &target);

	if (err)
		return err == -ENOENT ? 0 : err;
	nat->syn_is_new = nat_begins_anew(nat->word, TCP_SYN, &target, now);
	nat->serves = mode_has_nat_table(target.mode) && target.owner == (service | TARGET_SERVES);
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
	__u32 sets, now;
	int table = nat_map_open(maps, &sets), err;

	*out = nat;
	if (table < 0)
		return table == -ENOENT ? 0 : table;
	err = table_search(table, sets, client, client_port, service, hash, &nat);
	close(table);
	if (err || !nat.word)
		return err;
	now = nat_clock_tick(clock, now_ns());
	nat.left_ticks = nat_word_left(nat.word, now);
	err = entry_judge(maps, service, now, &nat);
	if (!err)
		*out = nat;
	return err;
}
