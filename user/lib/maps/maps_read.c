// SPDX-License-Identifier: BSD-2-Clause
/* These functions copy out what the maps hold. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps/maps.h"

#define CHUNK     1024 /* entries per system call: bounds the buffer with many CPUs */
#define ENOTSUPP_ 524  /* the kernel's own errno for "this map has no batches" */

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

int maps_sums_read(int fd, __u64 *out, size_t words, size_t count)
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
	return maps_sums_read(maps->counters, (__u64 *)out, sizeof(*out) / sizeof(__u64), count);
}

int drops_read(const struct maps *maps, __u64 out[DROP_MAX])
{
	return maps_sums_read(maps->drops, out, 1, DROP_MAX);
}

int answers_read(const struct maps *maps, struct answer_counter out[ANSWER_MAX])
{
	return maps_sums_read(maps->answers, (__u64 *)out, sizeof(*out) / sizeof(__u64),
			      ANSWER_MAX);
}

int flow_counters_read(const struct maps *maps, struct flow_counter *out)
{
	return maps_sums_read(maps->flow_counters, (__u64 *)out, sizeof(*out) / sizeof(__u64), 1);
}

int nat_counters_read(const struct maps *maps, struct nat_counter *out)
{
	return maps_sums_read(maps->nat_counters, (__u64 *)out, sizeof(*out) / sizeof(__u64), 1);
}

int nat_sources_read(const struct maps *maps, struct nat_source *out)
{
	return array_read_all(maps->nat_sources, out, sizeof(*out), POISE_MAX_NAT_SOURCES);
}

int meta_read(const struct maps *maps, struct meta *out)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(maps->meta, &zero, out);
}

int service_names_read(const struct maps *maps, struct service_name *out, size_t count)
{
	return array_read_all(maps->service_names, out, sizeof(*out), count);
}

int target_names_read(const struct maps *maps, struct target_name *out, size_t count)
{
	return array_read_all(maps->target_names, out, sizeof(*out), count);
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
