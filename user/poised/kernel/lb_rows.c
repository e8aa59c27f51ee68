// SPDX-License-Identifier: BSD-2-Clause
/* Row tables: inner maps written through mmap. */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel/lb_impl.h"

#define CHUNK            256 /* tables per update: as many descriptors are open at once */
#define ENTERING_THREADS 32
#define ENOTSUPP_        524 /* the kernel's own errno for "this map has no batches" */

struct lb_rows {
	struct row *rows;
	size_t bytes; /* mapped */
	__u32 count;
	unsigned int holders;
};

static int rows_map(int fd, __u32 count, struct lb_rows **out)
{
	struct lb_rows *rows = malloc(sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	rows->count = count;
	rows->holders = 1;
	rows->bytes = (size_t)rows_slots(count) * POISE_ROWS_PER_SLOT * sizeof(struct row);
	/* The mapping holds the map, so that the descriptor can go: 4,096 tables stay within
	 * RLIMIT_NOFILE. */
	rows->rows = mmap(NULL, rows->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (rows->rows == MAP_FAILED) {
		int err = -errno;

		free(rows);
		return err;
	}
	*out = rows;
	return 0;
}

static int table_create(const char *name, __u32 size)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP | BPF_F_MMAPABLE);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(__u32),
				POISE_ROWS_PER_SLOT * sizeof(struct row), rows_slots(size), &opts);
	return fd < 0 ? -errno : fd;
}

static bool no_batches(int err)
{
	return err == -ENOTSUPP_ || err == -EOPNOTSUPP || err == -EINVAL;
}

/* Part of the tables to enter, by a thread of its own. */
struct entry_job {
	const __u32 *numbers;
	const int *fds;
	pthread_t thread;
	int map_fd;
	__u32 count;
	int err;
	bool threaded;
};

static void *enter_part(void *arg)
{
	struct entry_job *job = arg;
	__u32 done = job->count;

	job->err = bpf_map_update_batch(job->map_fd, job->numbers, job->fds, &done, NULL);
	if (!no_batches(job->err))
		return NULL;
	job->err = 0;
	for (__u32 i = 0; i < job->count && !job->err; i++)
		job->err =
			bpf_map_update_elem(job->map_fd, &job->numbers[i], &job->fds[i], BPF_ANY);
	return NULL;
}

/*
 * Each update of an array of maps waits for RCU, 12 to 18 ms; before Linux 6.8 a batch waits for
 * each of its entries. Those who wait at the same time wait for the same grace period.
 */
static int tables_enter(const struct lb *lb, const __u32 *numbers, const int *fds, __u32 count)
{
	struct entry_job jobs[ENTERING_THREADS];
	__u32 parts = count < ENTERING_THREADS ? count : ENTERING_THREADS;
	int err = 0;

	for (__u32 i = 0; i < parts; i++) {
		__u32 first = count * i / parts;

		jobs[i] = (struct entry_job){ .map_fd = lb->maps.rows,
					      .numbers = numbers + first,
					      .fds = fds + first,
					      .count = count * (i + 1) / parts - first };
		jobs[i].threaded = i + 1 < parts &&
				   !pthread_create(&jobs[i].thread, NULL, enter_part, &jobs[i]);
		if (!jobs[i].threaded)
			enter_part(&jobs[i]);
	}
	for (__u32 i = 0; i < parts; i++) {
		if (jobs[i].threaded)
			pthread_join(jobs[i].thread, NULL);
		if (!err)
			err = jobs[i].err;
	}
	return err;
}

static int chunk_create(struct lb *lb, const __u32 *numbers, const __u32 *sizes, __u32 count,
			struct lb_rows **out)
{
	int fds[CHUNK] = { -1 }, err = 0;
	char name[BPF_OBJ_NAME_LEN];
	__u32 opened = 0;

	while (opened < count && !err) {
		int fd;

		snprintf(name, sizeof(name), "rows_%u", numbers[opened]);
		fd = table_create(name, sizes[opened]);
		if (fd < 0) {
			err = fd;
			break;
		}
		err = rows_map(fd, sizes[opened], &out[opened]);
		fds[opened++] = fd;
	}
	if (!err)
		err = tables_enter(lb, numbers, fds, count);
	for (__u32 i = 0; i < opened; i++) {
		if (!err)
			lb->row_bytes[numbers[i]] = map_memory_bytes(fds[i]);
		close(fds[i]);
	}
	return err;
}

int lb_rows_create(struct lb *lb, const __u32 *numbers, const __u32 *sizes, size_t count,
		   struct lb_rows **out)
{
	size_t first = 0;
	int err = 0;

	memset(out, 0, count * sizeof(*out));
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] >= POISE_MAX_SERVICES || sizes[i] < 2 * POISE_ROWS_PER_SLOT)
			return -EINVAL;
	}
	for (; first < count && !err; first += CHUNK) {
		size_t n = count - first < CHUNK ? count - first : CHUNK;

		err = chunk_create(lb, numbers + first, sizes + first, n, out + first);
	}
	if (!err)
		return 0;
	lb_rows_delete(lb, numbers, first < count ? first : count);
	for (size_t i = 0; i < count; i++) {
		lb_rows_close(out[i]);
		out[i] = NULL;
	}
	return err;
}

int lb_rows_open(struct lb *lb, __u32 number, __u32 size, struct lb_rows **out)
{
	size_t bytes;
	int fd = rows_map_open(&lb->maps, number, size, &bytes), err;

	if (fd < 0)
		return fd;
	err = rows_map(fd, size, out);
	if (!err)
		lb->row_bytes[number] = map_memory_bytes(fd);
	close(fd);
	return err;
}

size_t lb_rows_write(struct lb_rows *rows, const struct row *want)
{
	__u32 *words = (__u32 *)rows->rows, word;
	size_t written = 0;

	for (__u32 i = 0; i < rows->count; i++) {
		memcpy(&word, &want[i], sizeof(word));
		if (words[i] == word)
			continue;
		/* Single store: a packet sees the old pair or the new one, never half of each. */
		__atomic_store_n(&words[i], word, __ATOMIC_RELAXED);
		written++;
	}
	return written;
}

const struct row *lb_rows_get(const struct lb_rows *rows)
{
	return rows->rows;
}

struct lb_rows *lb_rows_hold(struct lb_rows *rows)
{
	rows->holders++;
	return rows;
}

void lb_rows_close(struct lb_rows *rows)
{
	if (!rows || --rows->holders)
		return;
	munmap(rows->rows, rows->bytes);
	free(rows);
}

/*
 * A deleted number gets a table of one slot, all numbers the same one: arrays of maps can update
 * many entries at once but not delete them, and each single deletion waits for RCU.
 */
int lb_rows_delete(struct lb *lb, const __u32 *numbers, size_t count)
{
	int fds[CHUNK], err = 0, fd;

	if (!count)
		return 0;
	fd = table_create("rows_none", 1);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < CHUNK; i++)
		fds[i] = fd;
	for (size_t first = 0; first < count && !err; first += CHUNK) {
		size_t n = count - first < CHUNK ? count - first : CHUNK;

		err = tables_enter(lb, numbers + first, fds, n);
		for (size_t i = first; !err && i < first + n; i++)
			lb->row_bytes[numbers[i]] = 0;
	}
	close(fd);
	return err;
}
