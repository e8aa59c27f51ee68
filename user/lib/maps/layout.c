// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "maps/layout.h"

/* Modes by number, as of layouts of version 1. */
static __u8 mode_from_1(__u8 mode)
{
	return mode == 5 ? MODE_LOCAL : mode == 6 ? MODE_NAT_KEEP : mode;
}

static void target_from_1(const void *older, void *value)
{
	struct target *target = value;

	memcpy(target, older, sizeof(*target));
	target->mode = mode_from_1(target->mode);
}

static void service_name_from_1(const void *older, void *value)
{
	struct service_name *name = value;

	memcpy(name, older, sizeof(*name));
	name->mode = mode_from_1(name->mode);
}

#define OLDER(...) ((const struct layout_older[]){ __VA_ARGS__, { 0 } })

/*
 * The maps that bpf/lb/maps.h declares. A layout that changes gets the next version, and its
 * earlier version gets a row among the older ones. A map that is new needs a row, and no more.
 */
const struct layout layouts[LAYOUTS] = {
	{ "services", 1, BPF_MAP_TYPE_ARRAY, sizeof(struct service_bucket), SERVICE_BUCKETS,
	  .mmapable = true },
	{ "rows", 1, BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, POISE_MAX_SERVICES },
	{ "targets", 2, BPF_MAP_TYPE_ARRAY, sizeof(struct target), .mmapable = true,
	  .older = OLDER({ 1, 64, 0, target_from_1 }) },
	{ "flows", 1, BPF_MAP_TYPE_ARRAY, sizeof(struct flow_set), .mmapable = true,
	  .loss = "tracked flows are forgotten" },
	{ "flow_counters", 2, BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct flow_counter), 1,
	  .loss = "the counters of the flow table start from zero", .older = OLDER({ 1, 32, 1 }) },
	{ "loads", 1, BPF_MAP_TYPE_ARRAY, sizeof(struct load), .mmapable = true,
	  .loss = "leastconn counts flows anew" },
	{ "rotations", 1, BPF_MAP_TYPE_ARRAY, sizeof(struct rotation), POISE_MAX_SERVICES,
	  .loss = "roundrobin begins with the first backend" },
	{ "nat_table", 1, BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 1,
	  .loss = "connections of services in mode nat are forgotten" },
	{ "nat_sources", 1, BPF_MAP_TYPE_ARRAY, sizeof(struct nat_source), POISE_MAX_NAT_SOURCES },
	{ "nat_counters", 2, BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct nat_counter), 1,
	  .loss = "the counters of the NAT table start from zero", .older = OLDER({ 1, 32, 1 }) },
	{ "nat_claims", 1, BPF_MAP_TYPE_ARRAY, sizeof(__u32), NAT_CLAIMS,
	  .loss = "nothing that lasts" },
	{ "switches", 2, BPF_MAP_TYPE_ARRAY, sizeof(struct switches), 1, .mmapable = true,
	  .loss = "replies of backends by `source: keep` pass until services are applied",
	  .older = OLDER({ 1, 8, 1 }) },
	{ "fragments", 1, BPF_MAP_TYPE_ARRAY, sizeof(struct frag_set), FRAG_SETS,
	  .after_abi3 = true, .loss = "datagrams whose fragments are on their way" },
	{ "counters", 2, BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct counter),
	  .loss = "the counters of backends start from zero", .older = OLDER({ 1, 48 }) },
	{ "drops", 2, BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(__u64), POISE_MAX_DROPS,
	  .loss = "the counters of drops start from zero", .older = OLDER({ 1, 8, 12 }) },
	{ "answers", 1, BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(struct answer_counter), POISE_MAX_ANSWERS,
	  .after_abi3 = true, .loss = "the counters of answers start from zero" },
	{ "tx_ports", 1, BPF_MAP_TYPE_DEVMAP_HASH, 4, POISE_MAX_TX_PORTS },
	{ "service_names", 2, BPF_MAP_TYPE_ARRAY, sizeof(struct service_name), POISE_MAX_SERVICES,
	  .older = OLDER({ 1, 128, POISE_MAX_SERVICES, service_name_from_1 }) },
	{ "target_names", 2, BPF_MAP_TYPE_ARRAY, sizeof(struct target_name),
	  .older = OLDER({ 1, 96 }) },
	{ "meta", 2, BPF_MAP_TYPE_ARRAY, sizeof(struct meta), 1 },
};

_Static_assert(LAYOUTS <= POISE_MAX_MAPS, "meta has room for all");

static const struct layout_older *older_find(const struct layout *layout, __u32 version)
{
	const struct layout_older *older = layout->older;

	while (older && older->version && older->version != version)
		older++;
	return older && older->version ? older : NULL;
}

static int version_refuse(const struct layout *layout, __u32 version, char *why, size_t size)
{
	if (version)
		snprintf(why, size, "%s has layout %u, expected %u%s", layout->name, version,
			 layout->version, layout->older ? " or an older one" : "");
	else
		snprintf(why, size, "meta names no layout of %s", layout->name);
	return -EPROTO;
}

int layout_check(const struct layout *layout, __u32 version, const struct bpf_map_info *info,
		 char *why, size_t size)
{
	struct layout_older want = { layout->version, layout->value_size, layout->max_entries };
	const struct layout_older *older = older_find(layout, version);

	if (version != layout->version) {
		if (!version || !older)
			return version_refuse(layout, version, why, size);
		want = *older;
	}
	if (info->type != layout->type)
		snprintf(why, size, "%s is not a map of the expected type", layout->name);
	else if (info->key_size != sizeof(__u32) || info->value_size != want.value_size)
		snprintf(why, size, "%s has keys of %u and values of %u bytes, expected 4 and %u",
			 layout->name, info->key_size, info->value_size, want.value_size);
	else if (layout->mmapable && !(info->map_flags & BPF_F_MMAPABLE))
		snprintf(why, size, "%s cannot be mapped into memory", layout->name);
	else if (want.max_entries && info->max_entries != want.max_entries)
		snprintf(why, size, "%s has %u entries, expected %u", layout->name,
			 info->max_entries, want.max_entries);
	else
		return 0;
	return -EPROTO;
}

void layout_convert(const struct layout *layout, __u32 version, const void *found, void *value)
{
	const struct layout_older *older = older_find(layout, version);

	memset(value, 0, layout->value_size);
	if (older && older->convert)
		older->convert(found, value);
	else
		memcpy(value, found, older ? older->value_size : layout->value_size);
}

__u32 layout_version(const struct layout *layout, const struct meta *meta)
{
	for (size_t i = 0; i < POISE_MAX_MAPS && meta->layouts[i].map[0]; i++) {
		if (!strncmp(meta->layouts[i].map, layout->name, sizeof(meta->layouts[i].map)))
			return meta->layouts[i].version;
	}
	return 0;
}

void layout_versions_set(struct meta *meta)
{
	for (size_t i = 0; i < LAYOUTS; i++) {
		struct map_layout *entry = &meta->layouts[i];

		snprintf(entry->map, sizeof(entry->map), "%s", layouts[i].name);
		entry->version = layouts[i].version;
	}
}

void layout_meta_from_abi3(const struct meta_abi3 *found, struct meta *out)
{
	memset(out, 0, sizeof(*out));
	out->abi_version = found->abi_version;
	out->nat_sets = found->nat_sets;
	memcpy(out->seed, found->seed, sizeof(out->seed));
	out->clock = found->clock;
	layout_versions_set(out);
	for (size_t i = 0; i < LAYOUTS; i++)
		out->layouts[i].version = layouts[i].after_abi3 ? 0 : 1;
}
