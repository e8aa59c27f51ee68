// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps/layout.h"
#include "maps/maps.h"

const struct maps maps_none = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
				-1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };
_Static_assert(MAPS_COUNT == 20, "maps_none has them all");

_Static_assert(MAPS_COUNT == LAYOUTS, "every map has a layout");

const char *maps_name(size_t i)
{
	return layouts[i].name;
}

static int dir_of_abi(const char *instance_dir, int version, char *buf, size_t size)
{
	int len = snprintf(buf, size, "%s/maps-v%d", instance_dir, version);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

int maps_dir(const char *instance_dir, char *buf, size_t size)
{
	return dir_of_abi(instance_dir, POISE_ABI_VERSION, buf, size);
}

int maps_dir_abi3(const char *instance_dir, char *buf, size_t size)
{
	return dir_of_abi(instance_dir, 3, buf, size);
}

static int map_info(int fd, struct bpf_map_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

/* The maps that have an entry for each target. */
static int targets_check(const struct maps *maps, char *why, size_t size)
{
	const int fds[] = { maps->targets, maps->loads, maps->counters, maps->target_names };
	__u32 entries[4] = { 0 };

	for (int i = 0; i < 4; i++) {
		struct bpf_map_info info = { 0 };
		int err = fds[i] < 0 ? 0 : map_info(fds[i], &info);

		if (err)
			return err;
		entries[i] = fds[i] < 0 ? entries[0] : info.max_entries;
	}
	if (entries[0] == entries[1] && entries[0] == entries[2] && entries[0] == entries[3])
		return 0;
	snprintf(why, size,
		 "targets, loads, counters and target_names differ in size: %u, %u, %u, %u entries",
		 entries[0], entries[1], entries[2], entries[3]);
	return -EPROTO;
}

static int flows_check(const struct bpf_map_info *info, char *why, size_t size)
{
	if (maps_flow_sets_valid(info->max_entries))
		return 0;
	snprintf(why, size, "flows has %u sets, expected a power of two from %u to %u",
		 info->max_entries, POISE_MIN_FLOWS / FLOWS_PER_SET,
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

/* As today's, also if ABI version 3 wrote it. */
static int meta_check(int fd, struct meta *out, char *why, size_t size)
{
	union {
		struct meta meta;
		struct meta_abi3 abi3;
	} found = { 0 };
	struct bpf_map_info info;
	__u32 zero = 0;
	int err = map_info(fd, &info);

	if (err)
		return err;
	if (info.type != BPF_MAP_TYPE_ARRAY || info.key_size != sizeof(zero) ||
	    (info.value_size != sizeof(found.meta) && info.value_size != sizeof(found.abi3))) {
		snprintf(why, size, "meta has values of %u bytes, expected %zu", info.value_size,
			 sizeof(found.meta));
		return -EPROTO;
	}
	err = bpf_map_lookup_elem(fd, &zero, &found);
	if (err)
		return err;
	if (info.value_size == sizeof(found.abi3) && found.abi3.abi_version == 3) {
		layout_meta_from_abi3(&found.abi3, out);
		return 0;
	}
	if (info.value_size == sizeof(found.meta) && found.meta.abi_version == POISE_ABI_VERSION) {
		*out = found.meta;
		return 0;
	}
	snprintf(why, size, "meta names ABI version %u, expected %d", found.meta.abi_version,
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

/* Opens those that are there. 0, -ENOENT (none) or -errno. */
static int pins_open(const char *dir, struct maps *maps)
{
	int *fds = (int *)maps;
	size_t opened = 0;

	for (size_t i = 0; i < MAPS_COUNT; i++) {
		fds[i] = pin_open(dir, layouts[i].name);
		if (fds[i] < 0 && fds[i] != -ENOENT)
			return fds[i];
		opened += fds[i] >= 0;
	}
	return opened ? 0 : -ENOENT;
}

/* True if a map is there and has a layout that is known. */
static int map_check(const struct maps_found *found, size_t i, char *why, size_t size)
{
	int fd = ((const int *)&found->maps)[i], err;
	struct bpf_map_info info;

	if (fd < 0) {
		snprintf(why, size, "%s is missing", layouts[i].name);
		return -EPROTO;
	}
	err = map_info(fd, &info);
	if (!err)
		err = layout_check(&layouts[i], found->versions[i], &info, why, size);
	if (!err && fd == found->maps.flows)
		err = flows_check(&info, why, size);
	if (!err && fd == found->maps.nat_table)
		err = nat_check(&found->maps, why, size);
	return err;
}

/* A map that cannot be used is closed, if the others do without. One that is not there and that the
 * set does not know is newer than the set: nothing is lost. */
static int map_take(struct maps_found *found, size_t i, char *why, size_t size)
{
	int *fds = (int *)&found->maps, err;

	if (fds[i] < 0 && !found->versions[i] && layouts[i].loss)
		return 0;
	err = map_check(found, i, why, size);
	if (err != -EPROTO || !layouts[i].loss)
		return err;
	snprintf(found->why[i], sizeof(found->why[i]), "%s", why);
	if (fds[i] >= 0)
		close(fds[i]);
	fds[i] = -1;
	return 0;
}

int maps_find(const char *dir, struct maps_found *out, char *why, size_t size)
{
	struct maps_found found = { .maps = maps_none };
	int err = pins_open(dir, &found.maps);

	snprintf(why, size, "not readable");
	if (!err && found.maps.meta < 0) {
		snprintf(why, size, "meta is missing");
		err = -EPROTO;
	}
	if (!err)
		err = meta_check(found.maps.meta, &found.meta, why, size);
	for (size_t i = 0; i < MAPS_COUNT && !err; i++) {
		found.versions[i] = layout_version(&layouts[i], &found.meta);
		/* It has been checked, as the others' versions are in it. */
		if (((int *)&found.maps)[i] != found.maps.meta)
			err = map_take(&found, i, why, size);
	}
	if (!err)
		err = targets_check(&found.maps, why, size);
	if (err)
		maps_close(&found.maps);
	*out = found;
	return err;
}

/* The reason why a map cannot be read as it is; "": it can. */
static const char *unfit(const struct maps_found *found, size_t i, char *buf, size_t size)
{
	if (found->why[i][0])
		return found->why[i];
	if (((const int *)&found->maps)[i] < 0)
		snprintf(buf, size, "%s is missing", layouts[i].name);
	else if (found->versions[i] != layouts[i].version)
		snprintf(buf, size, "%s has layout %u, expected %u", layouts[i].name,
			 found->versions[i], layouts[i].version);
	else
		return "";
	return buf;
}

int maps_open_why(const char *dir, struct maps *out, char *why, size_t size)
{
	struct maps_found found;
	char buf[MAPS_WHY_SIZE];
	int err = maps_find(dir, &found, why, size);
	size_t len = 0;

	*out = maps_none;
	for (size_t i = 0; i < MAPS_COUNT && !err; i++) {
		const char *one = unfit(&found, i, buf, sizeof(buf));

		if (*one && len < size)
			len += snprintf(why + len, size - len, "%s%s", len ? "; " : "", one);
	}
	if (err)
		return err;
	if (len) {
		maps_close(&found.maps);
		return -EPROTO;
	}
	*out = found.maps;
	return 0;
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
	/* lb_rows_delete() leaves a table of one entry. */
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
