// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps.h"

const char *const maps_names[MAPS_COUNT] = {
	"services",  "rows",      "targets",     "flows",         "flow_counters", "loads",
	"rotations", "nat_table", "nat_sources", "nat_counters",  "nat_claims",    "switches",
	"counters",  "drops",     "tx_ports",    "service_names", "target_names",  "meta",
};

const struct maps maps_none = { -1, -1, -1, -1, -1, -1, -1, -1, -1,
				-1, -1, -1, -1, -1, -1, -1, -1, -1 };
_Static_assert(MAPS_COUNT == 18, "maps_none has them all");

/* What bpf/maps.h declares. Of flags only that: the kernel adds its own. */
static const struct map_shape {
	enum bpf_map_type type;
	__u32 key_size, value_size;
	__u32 max_entries; /* 0: as configured */
	bool mmapable;
} shapes[MAPS_COUNT] = {
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct service_bucket), SERVICE_BUCKETS, true },
	{ BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, POISE_MAX_SERVICES },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct target), 0, true },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct flow_set), 0, true },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct flow_counter), 1 },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct load), 0, true },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct rotation), POISE_MAX_SERVICES },
	{ BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 1 },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct nat_source), POISE_MAX_NAT_SOURCES },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct nat_counter), 1 },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(__u32), NAT_CLAIMS },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct switches), 1, true },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct counter), 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(__u64), DROP_MAX },
	{ BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, POISE_MAX_TX_PORTS },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct service_name), POISE_MAX_SERVICES },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct target_name), 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct meta), 1 },
};

int maps_dir(const char *instance_dir, char *buf, size_t size)
{
	int len = snprintf(buf, size, "%s/maps-v%d", instance_dir, POISE_ABI_VERSION);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

static int map_info(int fd, struct bpf_map_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

static int shape_check(int fd, size_t i, char *why, size_t size)
{
	const struct map_shape *want = &shapes[i];
	struct bpf_map_info info;

	if (map_info(fd, &info) || info.type != want->type) {
		snprintf(why, size, "%s is not a map of the expected type", maps_names[i]);
		return -EPROTO;
	}
	if (info.key_size != want->key_size || info.value_size != want->value_size) {
		snprintf(why, size, "%s has keys of %u and values of %u bytes, expected %u and %u",
			 maps_names[i], info.key_size, info.value_size, want->key_size,
			 want->value_size);
		return -EPROTO;
	}
	if (want->mmapable && !(info.map_flags & BPF_F_MMAPABLE)) {
		snprintf(why, size, "%s cannot be mapped into memory", maps_names[i]);
		return -EPROTO;
	}
	if (want->max_entries && info.max_entries != want->max_entries) {
		snprintf(why, size, "%s has %u entries, expected %u", maps_names[i],
			 info.max_entries, want->max_entries);
		return -EPROTO;
	}
	return 0;
}

/* The maps that have an entry for each target. */
static int targets_check(const struct maps *maps, char *why, size_t size)
{
	const int fds[] = { maps->targets, maps->loads, maps->counters, maps->target_names };
	__u32 entries[4];

	for (int i = 0; i < 4; i++) {
		struct bpf_map_info info;
		int err = map_info(fds[i], &info);

		if (err)
			return err;
		entries[i] = info.max_entries;
	}
	if (entries[0] == entries[1] && entries[0] == entries[2] && entries[0] == entries[3])
		return 0;
	snprintf(why, size,
		 "targets, loads, counters and target_names differ in size: %u, %u, %u, %u entries",
		 entries[0], entries[1], entries[2], entries[3]);
	return -EPROTO;
}

static int flows_check(const struct maps *maps, char *why, size_t size)
{
	struct bpf_map_info info;
	int err = map_info(maps->flows, &info);

	if (err || maps_flow_sets_valid(info.max_entries))
		return err;
	snprintf(why, size, "flows has %u sets, expected a power of two from %u to %u",
		 info.max_entries, POISE_MIN_FLOWS / FLOWS_PER_SET,
		 POISE_MAX_FLOWS / FLOWS_PER_SET);
	return -EPROTO;
}

static int nat_check(const struct maps *maps, char *why, size_t size)
{
	__u32 sets;
	int fd = nat_map_open(maps, &sets);

	if (fd >= 0)
		close(fd);
	if (fd != -EPROTO)
		return 0;
	snprintf(why, size, "nat_table is not made of %u to %u sets of %zu bytes",
		 maps_nat_sets(POISE_MIN_NAT_FLOWS), maps_nat_sets(POISE_MAX_NAT_FLOWS),
		 sizeof(struct nat_set));
	return -EPROTO;
}

static int meta_check(const struct maps *maps, char *why, size_t size)
{
	struct meta meta;
	int err = meta_read(maps, &meta);

	if (err || meta.abi_version == POISE_ABI_VERSION)
		return err;
	snprintf(why, size, "meta names ABI version %u, expected %d", meta.abi_version,
		 POISE_ABI_VERSION);
	return -EPROTO;
}

static int pin_open(const char *dir, const char *name)
{
	char path[512];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", dir, name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = bpf_obj_get(path);
	return fd < 0 ? -errno : fd;
}

int maps_open_why(const char *dir, struct maps *out, char *why, size_t size)
{
	struct maps maps = maps_none;
	int *fds = (int *)&maps;
	size_t missing = 0, absent = 0;
	int err = 0;

	snprintf(why, size, "not readable");
	for (size_t i = 0; i < MAPS_COUNT; i++) {
		fds[i] = pin_open(dir, maps_names[i]);
		if (fds[i] >= 0)
			continue;
		if (fds[i] != -ENOENT) {
			err = fds[i];
			goto fail;
		}
		missing++;
		absent = i;
	}
	if (missing) {
		err = missing == MAPS_COUNT ? -ENOENT : -EPROTO;
		snprintf(why, size, "%s is missing", maps_names[absent]);
		goto fail;
	}
	for (size_t i = 0; i < MAPS_COUNT && !err; i++)
		err = shape_check(fds[i], i, why, size);
	if (!err)
		err = targets_check(&maps, why, size);
	if (!err)
		err = flows_check(&maps, why, size);
	if (!err)
		err = nat_check(&maps, why, size);
	if (!err)
		err = meta_check(&maps, why, size);
	if (err)
		goto fail;
	*out = maps;
	return 0;
fail:
	maps_close(&maps);
	*out = maps_none;
	return err;
}

int maps_open(const char *dir, struct maps *out)
{
	char why[128];

	return maps_open_why(dir, out, why, sizeof(why));
}

void maps_close(struct maps *maps)
{
	int *fds = (int *)maps;

	for (size_t i = 0; i < MAPS_COUNT; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

__u32 maps_max_targets(const struct maps *maps)
{
	struct bpf_map_info info;

	return map_info(maps->targets, &info) ? 0 : info.max_entries;
}

__u32 maps_flow_sets(const struct maps *maps)
{
	struct bpf_map_info info;

	return map_info(maps->flows, &info) ? 0 : info.max_entries;
}

const struct flow_set *maps_flows_map(const struct maps *maps)
{
	size_t bytes = maps_flow_sets(maps) * sizeof(struct flow_set);
	void *sets = bytes ? mmap(NULL, bytes, PROT_READ, MAP_SHARED, maps->flows, 0) : NULL;

	return sets == MAP_FAILED ? NULL : sets;
}

/* A descriptor of an inner map; -ENOENT: none is there. */
static int inner_open(int outer_fd, __u32 key, struct bpf_map_info *info)
{
	__u32 id;
	int err = bpf_map_lookup_elem(outer_fd, &key, &id), fd;

	if (err)
		return err;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	err = map_info(fd, info);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int nat_map_open(const struct maps *maps, __u32 *sets)
{
	struct bpf_map_info info = { 0 };
	int fd = inner_open(maps->nat_table, 0, &info);

	if (fd < 0)
		return fd;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != sizeof(struct nat_set) ||
	    !(info.map_flags & BPF_F_MMAPABLE) || !maps_nat_sets_valid(info.max_entries)) {
		close(fd);
		return -EPROTO;
	}
	*sets = info.max_entries;
	return fd;
}

struct nat_set *maps_nat_map(const struct maps *maps, bool writable, __u32 *sets)
{
	int fd = nat_map_open(maps, sets), err;
	void *table;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	table = mmap(NULL, *sets * sizeof(struct nat_set), PROT_READ | (writable ? PROT_WRITE : 0),
		     MAP_SHARED, fd, 0);
	err = errno;
	close(fd);
	errno = err;
	return table == MAP_FAILED ? NULL : table;
}

int rows_map_open(const struct maps *maps, __u32 service_number, __u32 row_count, size_t *bytes)
{
	struct bpf_map_info info = { 0 };
	int fd = inner_open(maps->rows, service_number, &info), err = 0;

	if (fd < 0)
		return fd;
	/* What lb_rows_delete() leaves. */
	if (info.max_entries == 1)
		err = -ENOENT;
	if (!err && (info.type != BPF_MAP_TYPE_ARRAY ||
		     info.value_size != POISE_ROWS_PER_SLOT * sizeof(struct row) ||
		     info.max_entries != rows_slots(row_count)))
		err = -EPROTO;
	if (err) {
		close(fd);
		return err;
	}
	*bytes = (size_t)info.max_entries * info.value_size;
	return fd;
}

__u64 map_memory_bytes(int fd)
{
	char path[64], line[128];
	unsigned long long bytes = 0;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	if (!info)
		return 0;
	while (fgets(line, sizeof(line), info)) {
		if (sscanf(line, "memlock: %llu", &bytes) == 1)
			break;
	}
	fclose(info);
	return bytes;
}
