// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "abi3/abi3.h"
#include "maps/maps.h"
#include "poise/hash.h"

#include "gen/abi3.skel.h" /* needs the types above */

/* The last build's include/poise/abi.h, of what is different today. */
enum {
	ABI3_MODE_NAT = 4,
	ABI3_MODE_LOCAL = 5,
	ABI3_MODE_NAT_KEEP = 6,
	ABI3_DROP_MAX = 12,
};

struct abi3_target {
	__u8 mode;
	__u8 rest[63];
};

struct abi3_counter {
	__u64 packets, bytes, new_flows, reply_packets, reply_bytes, pad;
};

struct abi3_table_counter { /* of flows, of NAT */
	__u64 words[4];
};

struct abi3_target_name {
	char service[64];
	__u8 addr[16];
	__be16 port;
	__u16 weight;
	__u8 health, admin, flags, pad[9];
};

struct abi3_meta {
	__u32 abi_version;
	__u32 nat_sets;
	__u64 seed[2];
	struct flow_clock clock;
};

_Static_assert(sizeof(struct abi3_target) == 64, "ABI 3");
_Static_assert(sizeof(struct abi3_counter) == 48, "ABI 3");
_Static_assert(sizeof(struct abi3_target_name) == 96, "ABI 3");
_Static_assert(sizeof(struct abi3_meta) == 48, "ABI 3");

static const char *const same[] = { "services",    "rows",       "flows",
				    "loads",       "rotations",  "nat_table",
				    "nat_sources", "nat_claims", "tx_ports" };

static __u8 mode_of(__u8 mode)
{
	return mode == MODE_LOCAL      ? ABI3_MODE_LOCAL
	       : mode == MODE_NAT_KEEP ? ABI3_MODE_NAT_KEEP
				       : mode;
}

static int fd_of(const struct abi3_bpf *skel, const char *name)
{
	return bpf_object__find_map_fd_by_name(skel->obj, name);
}

static int fd_now(const struct maps *maps, const char *name)
{
	for (size_t i = 0; i < MAPS_COUNT; i++) {
		if (!strcmp(maps_name(i), name))
			return ((const int *)maps)[i];
	}
	return -1;
}

static int configure(struct abi3_bpf *skel, const struct maps *maps, const struct meta *meta)
{
	__u32 targets = maps_max_targets(maps), nat_sets = meta->nat_sets;
	struct bpf_map *const sized[] = { skel->maps.targets, skel->maps.counters,
					  skel->maps.target_names };
	int err = 0;

	flow_hash_key_expand(meta->seed, (struct flow_hash_key *)&skel->rodata->hash_key);
	*(__u32 *)&skel->rodata->flow_set_mask = maps_flow_sets(maps) - 1;
	*(__u32 *)&skel->rodata->flow_tick_shift = meta->clock.tick_shift;
	*(__u32 *)&skel->rodata->nat_set_mask = nat_sets - 1;
	for (size_t i = 0; i < 3 && !err; i++)
		err = bpf_map__set_max_entries(sized[i], targets);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]) && !err; i++)
		err = bpf_map__reuse_fd(bpf_object__find_map_by_name(skel->obj, same[i]),
					fd_now(maps, same[i]));
	return err;
}

static int targets_write(const struct abi3_bpf *skel, const struct maps *maps)
{
	struct target target;
	int err = 0;

	for (__u32 i = 0; i < maps_max_targets(maps) && !err; i++) {
		struct abi3_target older;
		struct target_name name;
		struct abi3_target_name older_name = { .pad = { 0 } };

		err = bpf_map_lookup_elem(maps->targets, &i, &target);
		if (!err)
			err = bpf_map_lookup_elem(maps->target_names, &i, &name);
		if (err)
			break;
		memcpy(&older, &target, sizeof(older));
		older.mode = mode_of(target.mode);
		memcpy(older_name.service, name.service, sizeof(older_name.service));
		memcpy(older_name.addr, name.addr, sizeof(older_name.addr));
		older_name.port = name.port;
		older_name.weight = name.weight;
		older_name.health = name.health;
		older_name.admin = name.admin;
		older_name.flags = name.flags;
		err = bpf_map_update_elem(fd_of(skel, "targets"), &i, &older, 0);
		if (!err)
			err = bpf_map_update_elem(fd_of(skel, "target_names"), &i, &older_name, 0);
	}
	return err;
}

static int services_write(const struct abi3_bpf *skel, const struct maps *maps)
{
	struct service_name name;
	int err = 0;

	for (__u32 i = 0; i < POISE_MAX_SERVICES && !err; i++) {
		err = bpf_map_lookup_elem(maps->service_names, &i, &name);
		name.mode = mode_of(name.mode);
		if (!err)
			err = bpf_map_update_elem(fd_of(skel, "service_names"), &i, &name, 0);
	}
	return err;
}

/* Sums over CPUs become what the first CPU has counted. */
static int counts_write(int from, size_t words, int to, size_t older_words, __u32 count)
{
	int cpus = libbpf_num_possible_cpus(), err;
	__u64 *sums = calloc(count * words, sizeof(*sums));
	__u64 *value = calloc(cpus * older_words, sizeof(*value));

	err = sums && value ? maps_sums_read(from, sums, words, count) : -ENOMEM;
	for (__u32 i = 0; i < count && !err; i++) {
		memcpy(value, sums + i * words, older_words * sizeof(*value));
		err = bpf_map_update_elem(to, &i, value, 0);
	}
	free(sums);
	free(value);
	return err;
}

static int all_counts_write(const struct abi3_bpf *skel, const struct maps *maps)
{
	const struct {
		const char *name;
		size_t words, older_words;
		__u32 count;
	} all[] = {
		{ "counters", sizeof(struct counter) / 8, sizeof(struct abi3_counter) / 8,
		  maps_max_targets(maps) },
		{ "drops", 1, 1, ABI3_DROP_MAX },
		{ "flow_counters", sizeof(struct flow_counter) / 8,
		  sizeof(struct abi3_table_counter) / 8, 1 },
		{ "nat_counters", sizeof(struct nat_counter) / 8,
		  sizeof(struct abi3_table_counter) / 8, 1 },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && !err; i++)
		err = counts_write(fd_now(maps, all[i].name), all[i].words,
				   fd_of(skel, all[i].name), all[i].older_words, all[i].count);
	return err;
}

static int rest_write(const struct abi3_bpf *skel, const struct maps *maps, const struct meta *meta)
{
	const struct abi3_meta older = { .abi_version = 3,
					 .nat_sets = meta->nat_sets,
					 .seed = { meta->seed[0], meta->seed[1] },
					 .clock = meta->clock };
	struct switches switches;
	__u32 zero = 0;
	__u64 older_switches = 0;
	int err = bpf_map_lookup_elem(maps->switches, &zero, &switches);

	older_switches = switches.nat_keep;
	if (!err)
		err = bpf_map_update_elem(fd_of(skel, "switches"), &zero, &older_switches, 0);
	if (!err)
		err = bpf_map_update_elem(fd_of(skel, "meta"), &zero, &older, 0);
	return err;
}

static int fill(const struct abi3_bpf *skel, const struct maps *maps, const struct meta *meta)
{
	int err = targets_write(skel, maps);

	if (!err)
		err = services_write(skel, maps);
	if (!err)
		err = all_counts_write(skel, maps);
	return err ? err : rest_write(skel, maps, meta);
}

static int pin_all(const struct abi3_bpf *skel, const char *instance_dir)
{
	char path[PATH_MAX];
	int err;

	snprintf(path, sizeof(path), "%s/maps-v3", instance_dir);
	err = mkdir(path, 0700) ? -errno : 0;
	for (size_t i = 0; i < MAPS_COUNT && !err; i++) {
		int fd = fd_of(skel, maps_name(i));

		snprintf(path, sizeof(path), "%s/maps-v3/%s", instance_dir, maps_name(i));
		if (fd >= 0) /* else it came after ABI version 3 */
			err = bpf_obj_pin(fd, path);
	}
	return err;
}

/* For each entry of a directory. */
static int each(const char *dir, int (*visit)(const char *path, const struct abi3_bpf *skel),
		const struct abi3_bpf *skel)
{
	DIR *entries = opendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];
	int err = 0;

	if (!entries)
		return -errno;
	while (!err && (entry = readdir(entries))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		err = visit(path, skel);
	}
	closedir(entries);
	return err;
}

static int link_update(const char *path, const struct abi3_bpf *skel)
{
	int fd = bpf_obj_get(path), err;

	if (fd < 0)
		return -errno;
	err = bpf_link_update(fd, bpf_program__fd(skel->progs.poise_lb), NULL);
	close(fd);
	return err;
}

static int unpin(const char *path, const struct abi3_bpf *skel)
{
	(void)skel;
	return unlink(path) ? -errno : 0;
}

int abi3_go_back(const char *instance_dir)
{
	char maps_path[PATH_MAX], links[PATH_MAX], why[256] = "";
	struct abi3_bpf *skel = abi3_bpf__open();
	struct maps maps = maps_none;
	struct meta meta;
	int err = skel ? maps_dir(instance_dir, maps_path, sizeof(maps_path)) : -errno;

	snprintf(links, sizeof(links), "%s/links", instance_dir);
	if (!err)
		err = maps_open_why(maps_path, &maps, why, sizeof(why));
	if (!err)
		err = meta_read(&maps, &meta);
	if (!err)
		err = configure(skel, &maps, &meta);
	if (!err)
		err = abi3_bpf__load(skel);
	if (!err)
		err = fill(skel, &maps, &meta);
	if (!err)
		err = pin_all(skel, instance_dir);
	if (!err)
		err = each(links, link_update, skel);
	if (!err)
		err = each(maps_path, unpin, NULL);
	if (!err && rmdir(maps_path))
		err = -errno;
	if (err)
		fprintf(stderr, "back to ABI version 3: %s %s\n", strerror(-err), why);
	maps_close(&maps);
	abi3_bpf__destroy(skel);
	return err;
}
