// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "explain/explain_impl.h"
#include "explain/explain_reply.h"

static bool is_backend(const struct target *target, const struct addr *addr, __be16 port)
{
	struct addr backend = { .b = { [10] = 0xff, [11] = 0xff } };

	if (target->outer_version == 4)
		memcpy(backend.b + 12, target->dst, 4);
	else
		memcpy(backend.b, target->dst, sizeof(backend.b));
	return target->port == port && addr_equal(&backend, addr);
}

bool explain_reply_match(const struct explain_reply_key *key, __u64 word,
			 const struct nat_entry *entry, const struct target *target,
			 const struct nat_source *source, __u32 now)
{
	__u32 flags = nat_word_flags(word);

	return nat_word_live(word, now) && nat_word_tag(word) == flow_tag(key->hash) &&
	       flags & NAT_REPLY && !(flags & NAT_BUSY) && !!(flags & NAT_UDP) == key->udp &&
	       entry->nat_port == key->nat_port &&
	       !memcmp(source->addr, key->source.b, sizeof(source->addr)) &&
	       is_backend(target, &key->backend, key->backend_port);
}

/* 1: the entry is it; 0 or -errno. */
static int entry_match(const struct maps *maps, const struct explain_reply_key *key, __u64 word,
		       const struct nat_entry *entry, __u32 now)
{
	__u32 number = entry->target, slot = entry->source;
	struct nat_source source;
	struct target target;
	int err;

	if (!word || nat_word_tag(word) != flow_tag(key->hash))
		return 0;
	err = bpf_map_lookup_elem(maps->targets, &number, &target);
	if (!err)
		err = bpf_map_lookup_elem(maps->nat_sources, &slot, &source);
	if (err)
		return err == -ENOENT ? 0 : err;
	return explain_reply_match(key, word, entry, &target, &source, now);
}

/* 0 with the entry in *out, -ENOENT or -errno. */
static int table_search(const struct maps *maps, const struct explain_reply_key *key, __u32 now,
			struct nat_entry *out, __u64 *word)
{
	struct nat_set set;
	__u32 sets;
	int table = nat_map_open(maps, &sets), err = -ENOENT;

	if (table < 0)
		return table;
	for (int choice = 0; choice < 2 && err == -ENOENT; choice++) {
		__u32 index = nat_set_index(key->hash, choice, sets - 1);
		int found = bpf_map_lookup_elem(table, &index, &set);

		for (int i = 0; i < NAT_PER_SET && !found; i++) {
			*out = set.entries[i];
			*word = set.words[i];
			found = entry_match(maps, key, *word, out, now);
		}
		err = found == 1 ? 0 : found ? found : -ENOENT;
	}
	close(table);
	return err;
}

/* A name that is not in use is nobody's. */
static int name_read(const struct maps *maps, __u32 number, struct service_name *out)
{
	int err = bpf_map_lookup_elem(maps->service_names, &number, out);

	if (err)
		return err;
	out->name[POISE_NAME_SIZE - 1] = '\0';
	return out->name[0] ? 0 : -ENOENT;
}

static int find_translated(const struct maps *maps, const struct explain_reply_key *key,
			   struct explain_reply *out)
{
	struct nat_entry entry = { 0 };
	struct meta meta;
	__u32 now;
	int err = meta_read(maps, &meta);

	if (err)
		return err;
	now = nat_clock_tick(&meta.clock, now_ns());
	err = table_search(maps, key, now, &entry, &out->word);
	if (!err)
		err = name_read(maps, entry.service, &out->name);
	if (err)
		return err;
	out->target = entry.target;
	out->left_ticks = nat_word_left(out->word, now);
	memcpy(out->client.b, entry.client, sizeof(out->client.b));
	out->client_port = ntohs(entry.client_port);
	return 0;
}

/* The backend's own address and port tell the service with `source: keep`. */
static int find_kept(const struct maps *maps, const struct addr *source, __u16 source_port,
		     __u8 proto, struct explain_reply *out)
{
	struct service_key key = { .port = htons(source_port), .proto = proto, .kind = KEY_REPLY };
	struct service service;
	int err;

	memcpy(key.addr, source->b, sizeof(key.addr));
	err = explain_find_service(maps, &key, &service);
	if (!err)
		err = name_read(maps, service.number, &out->name);
	out->target = err ? 0 : service.row_count;
	out->kept = true;
	return err;
}

int explain_reply(const struct maps *maps, const struct addr *source, __u16 source_port,
		  const struct addr *dest, __u16 dest_port, __u8 proto, struct explain_reply *out)
{
	struct explain_reply_key key = { .backend = *source,
					 .source = *dest,
					 .backend_port = htons(source_port),
					 .nat_port = htons(dest_port),
					 .udp = proto == IPPROTO_UDP };
	struct service_key to = { .port = htons(dest_port), .proto = proto };
	struct explain_reply reply = { 0 };
	struct meta meta;
	int err = meta_read(maps, &meta);

	if (err)
		return err;
	memcpy(to.addr, dest->b, sizeof(to.addr));
	key.hash = explain_hash(meta.seed, source, source_port, &to);
	err = find_translated(maps, &key, &reply);
	if (err == -ENOENT) {
		reply.client = *dest;
		reply.client_port = dest_port;
		err = find_kept(maps, source, source_port, proto, &reply);
	}
	if (!err)
		*out = reply;
	return err;
}
