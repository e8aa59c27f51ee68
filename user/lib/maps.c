// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps.h"

#define CHUNK     1024 /* entries per system call: bounds the buffer with many CPUs */
#define ENOTSUPP_ 524  /* the kernel's own errno for "this map has no batches" */

const char *const maps_names[MAPS_COUNT] = {
	"services", "rows",          "targets",      "counters", "drops",
	"tx_ports", "service_names", "target_names", "meta",
};

/* What bpf/maps.h declares. Flags are left out: the kernel adds its own. */
static const struct map_shape {
	enum bpf_map_type type;
	__u32 key_size, value_size;
	__u32 max_entries; /* 0: as configured */
} shapes[MAPS_COUNT] = {
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct service_bucket), SERVICE_BUCKETS },
	{ BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, POISE_MAX_SERVICES },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct target), 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(struct counter), 0 },
	{ BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(__u64), DROP_MAX },
	{ BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, POISE_MAX_TX_PORTS },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct service_name), POISE_MAX_SERVICES },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct target_name), 0 },
	{ BPF_MAP_TYPE_ARRAY, 4, sizeof(struct meta), 1 },
};

static const struct maps empty = { -1, -1, -1, -1, -1, -1, -1, -1, -1 };

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
	if (want->max_entries && info.max_entries != want->max_entries) {
		snprintf(why, size, "%s has %u entries, expected %u", maps_names[i],
			 info.max_entries, want->max_entries);
		return -EPROTO;
	}
	return 0;
}

static int targets_check(const struct maps *maps, char *why, size_t size)
{
	const int fds[] = { maps->targets, maps->counters, maps->target_names };
	__u32 entries[3];

	for (int i = 0; i < 3; i++) {
		struct bpf_map_info info;
		int err = map_info(fds[i], &info);

		if (err)
			return err;
		entries[i] = info.max_entries;
	}
	if (entries[0] == entries[1] && entries[0] == entries[2])
		return 0;
	snprintf(why, size, "targets, counters and target_names differ in size: %u, %u, %u entries",
		 entries[0], entries[1], entries[2]);
	return -EPROTO;
}

static int meta_check(const struct maps *maps, char *why, size_t size)
{
	struct meta meta;
	__u32 zero = 0;
	int err = bpf_map_lookup_elem(maps->meta, &zero, &meta);

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
	struct maps maps = empty;
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
		err = meta_check(&maps, why, size);
	if (err)
		goto fail;
	*out = maps;
	return 0;
fail:
	maps_close(&maps);
	*out = empty;
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

/* Entries first to first + count - 1 of an array: one system call where the kernel has batches. */
static int array_read(int fd, __u32 first, __u32 count, char *values, size_t value_size)
{
	__u32 keys[CHUNK], before = first - 1, last, got = count;
	int err = bpf_map_lookup_batch(fd, first ? &before : NULL, &last, keys, values, &got, NULL);

	if ((!err || err == -ENOENT) && got == count)
		return 0;
	if (err && err != -ENOTSUPP_ && err != -EOPNOTSUPP && err != -EINVAL)
		return err == -ENOENT ? -ERANGE : err;
	for (__u32 i = 0; i < count; i++) {
		__u32 key = first + i;

		err = bpf_map_lookup_elem(fd, &key, values + i * value_size);
		if (err)
			return err == -ENOENT ? -ERANGE : err;
	}
	return 0;
}

static int array_read_all(int fd, void *out, size_t value_size, size_t count)
{
	int err = 0;

	for (size_t first = 0; first < count && !err; first += CHUNK) {
		size_t n = count - first < CHUNK ? count - first : CHUNK;

		err = array_read(fd, first, n, (char *)out + first * value_size, value_size);
	}
	return err;
}

/* Sums the CPUs' 64-bit words: an entry is `words` of them per CPU. */
static int percpu_read(int fd, __u64 *out, size_t words, size_t count)
{
	int cpus = libbpf_num_possible_cpus();
	size_t each = words * sizeof(__u64) * (cpus > 0 ? cpus : 0);
	size_t chunk = count < CHUNK ? count : CHUNK;
	__u64 *values;
	int err = 0;

	if (cpus < 0)
		return cpus;
	values = malloc(chunk * each + 1);
	if (!values)
		return -ENOMEM;
	memset(out, 0, count * words * sizeof(__u64));
	for (size_t first = 0; first < count; first += chunk) {
		size_t n = count - first < chunk ? count - first : chunk;
		const __u64 *value = values;

		err = array_read(fd, first, n, (char *)values, each);
		if (err)
			break;
		for (size_t i = first; i < first + n; i++) {
			for (int cpu = 0; cpu < cpus; cpu++) {
				for (size_t w = 0; w < words; w++)
					out[i * words + w] += *value++;
			}
		}
	}
	free(values);
	return err;
}

int counters_read(const struct maps *maps, struct counter *out, size_t count)
{
	return percpu_read(maps->counters, (__u64 *)out, sizeof(*out) / sizeof(__u64), count);
}

int drops_read(const struct maps *maps, __u64 out[DROP_MAX])
{
	return percpu_read(maps->drops, out, 1, DROP_MAX);
}

int service_names_read(const struct maps *maps, struct service_name *out, size_t count)
{
	return array_read_all(maps->service_names, out, sizeof(*out), count);
}

int target_names_read(const struct maps *maps, struct target_name *out, size_t count)
{
	return array_read_all(maps->target_names, out, sizeof(*out), count);
}

int rows_map_open(const struct maps *maps, __u32 service_number, __u32 row_count, size_t *bytes)
{
	struct bpf_map_info info;
	__u32 id;
	int err = bpf_map_lookup_elem(maps->rows, &service_number, &id);
	int fd;

	if (err)
		return err;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	err = map_info(fd, &info);
	/* What lb_rows_delete() leaves. */
	if (!err && info.max_entries == 1)
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

int rows_read(const struct maps *maps, __u32 service_number, struct row *out, __u32 row_count)
{
	size_t bytes = 0;
	int fd = rows_map_open(maps, service_number, row_count, &bytes);
	void *rows;

	if (fd < 0)
		return fd;
	rows = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (rows == MAP_FAILED)
		return -errno;
	memcpy(out, rows, row_count * sizeof(*out));
	munmap(rows, bytes);
	return 0;
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
