// SPDX-License-Identifier: BSD-2-Clause
/* Maps that are made anew take over what those had that they replace. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/lb_impl.h"
#include "maps/layout.h"

/* A map of counters that packets of the older program go on counting in. */
struct lb_taken {
	struct lb_taken *next;
	const struct layout *layout;
	__u32 version; /* of the older map */
	int from, to;  /* to is one of lb->maps */
	__u32 count;
	size_t words; /* of an entry of the older map */
	__u64 *seen;  /* what has been added already: sums over CPUs */
};

static int map_info(int fd, struct bpf_map_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	return bpf_obj_get_info_by_fd(fd, info, &len);
}

/* Entries that both maps have. 0 or -errno. */
static int common(int from, int to, __u32 *count, __u32 *value_size)
{
	struct bpf_map_info older, newer;
	int err = map_info(from, &older);

	if (!err)
		err = map_info(to, &newer);
	if (err)
		return err;
	*count = older.max_entries < newer.max_entries ? older.max_entries : newer.max_entries;
	*value_size = older.value_size;
	return 0;
}

static int copy_entries(const struct layout *layout, __u32 version, int from, int to)
{
	__u32 count = 0, value_size = 0;
	int err = common(from, to, &count, &value_size);
	void *found = err ? NULL : malloc(value_size), *value = malloc(layout->value_size);

	if (!err && (!found || !value))
		err = -ENOMEM;
	for (__u32 i = 0; !err && i < count; i++) {
		err = bpf_map_lookup_elem(from, &i, found);
		if (err)
			break;
		layout_convert(layout, version, found, value);
		err = bpf_map_update_elem(to, &i, value, BPF_ANY);
	}
	free(found);
	free(value);
	return err;
}

static void taken_free(struct lb_taken *taken)
{
	if (taken->from >= 0)
		close(taken->from);
	free(taken->seen);
	free(taken);
}

/* Adds to an entry of the new map. Packets of the new program write it, too: what one counts
 * between the two calls, a few microseconds, is not counted. */
static int count_add(const struct lb_taken *taken, __u32 index, const __u64 *value, __u64 *cpus)
{
	int err = bpf_map_lookup_elem(taken->to, &index, cpus);

	for (size_t i = 0; i < taken->layout->value_size / sizeof(__u64); i++)
		cpus[i] += value[i];
	return err ? err : bpf_map_update_elem(taken->to, &index, cpus, BPF_ANY);
}

/* Stores in by[] how much an entry has counted since it was last seen; false: nothing. */
static bool grown(const struct lb_taken *taken, __u32 index, const __u64 *now, __u64 *by)
{
	__u64 *seen = &taken->seen[index * taken->words], any = 0;

	for (size_t i = 0; i < taken->words; i++) {
		by[i] = now[i] - seen[i];
		any |= by[i];
		seen[i] = now[i];
	}
	return any;
}

static int counts_add(const struct lb *lb, const struct lb_taken *taken)
{
	__u64 *now = calloc(taken->count, taken->words * sizeof(*now));
	__u64 *by = calloc(taken->words, sizeof(*by)), *value = malloc(taken->layout->value_size);
	__u64 *cpus = calloc(lb->cpus, taken->layout->value_size);
	int err = now && by && value && cpus ? 0 : -ENOMEM;

	if (!err)
		err = maps_sums_read(taken->from, now, taken->words, taken->count);
	for (__u32 i = 0; !err && i < taken->count; i++) {
		if (!grown(taken, i, &now[i * taken->words], by))
			continue;
		layout_convert(taken->layout, taken->version, by, value);
		err = count_add(taken, i, value, cpus);
	}
	free(now);
	free(by);
	free(value);
	free(cpus);
	return err;
}

static int counts_take(struct lb *lb, const struct layout *layout, __u32 version, int from, int to)
{
	struct lb_taken *taken = calloc(1, sizeof(*taken));
	__u32 value_size = 0;
	int err;

	if (!taken)
		return -ENOMEM;
	taken->layout = layout;
	taken->version = version;
	taken->to = to;
	taken->from = dup(from);
	err = taken->from < 0 ? -errno : common(from, to, &taken->count, &value_size);
	if (!err) {
		taken->words = value_size / sizeof(__u64);
		taken->seen = calloc(1, (size_t)taken->count * value_size + 1);
		err = taken->seen ? counts_add(lb, taken) : -ENOMEM;
	}
	if (err) {
		taken_free(taken);
		return err;
	}
	taken->next = lb->taken;
	lb->taken = taken;
	return 0;
}

/* The flow table is carried apart (lb_carry.c), meta is written. */
static bool is_copied(const struct lb *lb, size_t i)
{
	int fd = ((const int *)&lb->maps)[i];

	return layouts[i].type == BPF_MAP_TYPE_ARRAY && fd != lb->maps.flows && fd != lb->maps.meta;
}

int lb_take_over(struct lb *lb, const struct maps_found *found, const struct maps *keep)
{
	const int *from = (const int *)&found->maps, *kept = (const int *)keep;
	const int *to = (const int *)&lb->maps;
	int err = 0;

	for (size_t i = 0; i < MAPS_COUNT && !err; i++) {
		if (kept[i] >= 0 || from[i] < 0)
			continue;
		if (layouts[i].type == BPF_MAP_TYPE_PERCPU_ARRAY)
			err = counts_take(lb, &layouts[i], found->versions[i], from[i], to[i]);
		else if (is_copied(lb, i))
			err = copy_entries(&layouts[i], found->versions[i], from[i], to[i]);
	}
	return err;
}

int lb_take_counts(struct lb *lb)
{
	int err = 0;

	for (const struct lb_taken *taken = lb->taken; taken && !err; taken = taken->next)
		err = counts_add(lb, taken);
	return err;
}

void lb_take_end(struct lb *lb)
{
	while (lb->taken) {
		struct lb_taken *taken = lb->taken;

		lb->taken = taken->next;
		taken_free(taken);
	}
}
