// SPDX-License-Identifier: BSD-2-Clause
/* Loads the programs; looks for sockets, and counts connections, by running them. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "kernel/lb_impl.h"
#include "kernel/local_impl.h"
#include "poise/hash.h"

#include "gen/local.skel.h" /* needs the types above */

#define TALLIES_AT_ONCE 1024

int local_pin_path(const char *instance_dir, const char *name, char *buf, size_t size)
{
	int len = snprintf(buf, size, "%s/local/%s", instance_dir, name);

	return len < 0 || (size_t)len >= size ? -ENAMETOOLONG : 0;
}

/* Those of poise_lb are its own. */
static int maps_reuse(struct local_bpf *skel, const struct maps *maps)
{
	const int *fds = (const int *)maps;
	int err = 0;

	for (size_t i = 0; i < MAPS_COUNT && !err; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(skel->obj, maps_name(i));

		if (map)
			err = bpf_map__reuse_fd(map, fds[i]);
	}
	return err;
}

/* Sockets carry the marks of an earlier poised in its map: they are lost with it. */
static int marks_reuse(struct local *local)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	char path[PATH_MAX];
	int err = local_pin_path(local->dir, "marks", path, sizeof(path)), fd;

	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	err = bpf_obj_get_info_by_fd(fd, &info, &len);
	if (!err && info.type == BPF_MAP_TYPE_SK_STORAGE &&
	    info.value_size == sizeof(struct local_mark)) {
		err = bpf_map__reuse_fd(local->skel->maps.local_marks, fd);
		local->marked = !err;
	}
	close(fd);
	return err;
}

static int marks_pin(const struct local *local)
{
	char path[PATH_MAX];
	int err = local_pin_path(local->dir, "", path, sizeof(path));

	if (local->marked)
		return 0;
	if (!err && mkdir(path, 0700) && errno != EEXIST)
		return -errno;
	if (!err)
		err = local_pin_path(local->dir, "marks", path, sizeof(path));
	if (!err && unlink(path) && errno != ENOENT)
		return -errno;
	return err ? err : bpf_obj_pin(bpf_map__fd(local->skel->maps.local_marks), path);
}

static int configure(struct local *local, const struct lb *lb)
{
	struct local_bpf *skel = local->skel;
	int err;

	flow_hash_key_expand(lb->seed, (struct flow_hash_key *)&skel->rodata->hash_key);
	*(__u32 *)&skel->rodata->flow_set_mask = lb->flow_sets - 1;
	*(__u32 *)&skel->rodata->flow_tick_shift = lb->clock.tick_shift;
	err = bpf_map__set_max_entries(skel->maps.local_sockets, lb->max_targets);
	if (!err)
		err = maps_reuse(skel, &lb->maps);
	return err ? err : marks_reuse(local);
}

static int counter_attach(struct local *local)
{
	local->counter = bpf_program__attach_iter(local->skel->progs.poise_local_count, NULL);
	return local->counter ? 0 : -errno;
}

int local_open(struct lb *lb, struct local **out, struct lb_error *error)
{
	struct local *local = calloc(1, sizeof(*local));
	int err = local ? 0 : -ENOMEM;

	if (!err) {
		local->link_fd = -1;
		local->holders = 1;
		snprintf(local->dir, sizeof(local->dir), "%s", lb->dir);
		local->skel = local_bpf__open();
		err = local->skel ? configure(local, lb) : -errno;
	}
	if (!err)
		err = local_bpf__load(local->skel);
	if (!err)
		err = counter_attach(local);
	if (!err)
		err = marks_pin(local);
	if (err) {
		lb_error_set(error, "mode local: its programs do not load: %s", strerror(-err));
		local_close(local);
		return err;
	}
	*out = local;
	return 0;
}

struct local *local_hold(struct local *local)
{
	local->holders++;
	return local;
}

void local_close(struct local *local)
{
	if (!local || --local->holders)
		return;
	if (local->link_fd >= 0)
		close(local->link_fd);
	bpf_link__destroy(local->counter);
	local_bpf__destroy(local->skel);
	free(local);
}

int local_find(struct local *local, __u32 target, const struct addr *addr, __u16 port, __u8 proto)
{
	struct local_request request = { .proto = proto,
					 .target = target,
					 .backend.port = htons(port) };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &request, .data_size_in = sizeof(request));
	int err;

	request.salt = (__u32)now_ns();
	memcpy(request.backend.addr, addr->b, sizeof(request.backend.addr));
	err = bpf_prog_test_run_opts(bpf_program__fd(local->skel->progs.poise_local_find), &opts);
	return err ? err : (int)opts.retval;
}

/* Runs the iterator once over all TCP sockets of this network namespace. */
static int counts_fill(const struct local *local)
{
	int fd = bpf_iter_create(bpf_link__fd(local->counter));
	char nothing[64];
	ssize_t len;

	if (fd < 0)
		return -errno;
	do {
		/* A million sockets are as many as the kernel goes through at a time. */
		len = read(fd, nothing, sizeof(nothing));
	} while (len > 0 || (len < 0 && (errno == EAGAIN || errno == EINTR)));
	len = len < 0 ? -errno : 0;
	close(fd);
	return len;
}

/* Empties the map, too. */
static int counts_take(int fd, struct local_tally **out, size_t *count)
{
	struct local_pair *pairs = calloc(TALLIES_AT_ONCE, sizeof(*pairs));
	struct local_count *counts = calloc(TALLIES_AT_ONCE, sizeof(*counts));
	struct local_tally *tallies = NULL, *grown;
	__u32 batch = 0, got;
	bool first = true;
	int err = pairs && counts ? 0 : -ENOMEM;

	*count = 0;
	while (!err) {
		got = TALLIES_AT_ONCE;
		err = bpf_map_lookup_and_delete_batch(fd, first ? NULL : &batch, &batch, pairs,
						      counts, &got, NULL);
		first = false;
		if (err && err != -ENOENT)
			break;
		grown = realloc(tallies, (*count + got + 1) * sizeof(*tallies));
		if (!grown) {
			err = -ENOMEM;
			break;
		}
		tallies = grown;
		for (__u32 i = 0; i < got; i++)
			tallies[(*count)++] = (struct local_tally){ pairs[i], counts[i] };
	}
	free(pairs);
	free(counts);
	if (err != -ENOENT) {
		free(tallies);
		return err;
	}
	*out = tallies;
	return 0;
}

int local_count(struct local *local, struct local_tally **out, size_t *count)
{
	int fd = bpf_map__fd(local->skel->maps.local_counts);
	int err = counts_take(fd, out, count);

	/* These counts were left by one that failed, so they are thrown away. */
	if (err)
		return err;
	free(*out);
	err = counts_fill(local);
	return err ? err : counts_take(fd, out, count);
}
