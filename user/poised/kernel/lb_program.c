// SPDX-License-Identifier: BSD-2-Clause
/* Loads the program; what libbpf and the verifier said goes into the error. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/lb_impl.h"
#include "kernel/lb_room.h"
#include "poise/guard.h"
#include "poise/hash.h"

#include "gen/lb.skel.h" /* needs the types above */

/* The end of what libbpf warned of: a verifier log tells its reason in its last lines. */
static struct {
	char text[4096];
	size_t len;
} said;

static int keep_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	const size_t half = sizeof(said.text) / 2;
	char *text = NULL;
	int len;
	size_t skip;

	if (level != LIBBPF_WARN)
		return 0;
	len = vasprintf(&text, format, args);
	if (len < 0)
		return 0;
	skip = (size_t)len > half ? len - half : 0;
	len -= skip;
	if (said.len + len >= sizeof(said.text)) {
		memmove(said.text, said.text + said.len - half, half);
		said.len = half;
	}
	memcpy(said.text + said.len, text + skip, len + 1);
	said.len += len;
	free(text);
	return 0;
}

/* The start of the line before the one that starts at `at`. */
static char *line_before(char *at)
{
	if (at > said.text)
		at--;
	while (at > said.text && at[-1] != '\n')
		at--;
	return at;
}

/* The verifier's last lines before its statistics (instruction, state, reason) as one, else
 * libbpf's first line: "" when there is neither. */
static const char *reason(void)
{
	char *end = strstr(said.text, "\nprocessed "), *start = said.text;

	if (!end) {
		if (!strncmp(start, "libbpf: ", 8))
			start += 8;
		start[strcspn(start, "\n")] = '\0';
		return start;
	}
	*end = '\0';
	start = line_before(line_before(line_before(end + 1)));
	for (char *c = start; c < end; c++) {
		if (*c == '\n' || *c == '\t')
			*c = *c == '\n' ? '|' : ' ';
	}
	return start;
}

static int reuse(struct lb_bpf *skel, const struct maps *maps)
{
	const int *fds = (const int *)maps;
	int err = 0;

	for (size_t i = 0; i < MAPS_COUNT && !err; i++) {
		if (fds[i] >= 0)
			err = bpf_map__reuse_fd(
				bpf_object__find_map_by_name(skel->obj, maps_name(i)), fds[i]);
	}
	return err;
}

static int configure(struct lb_bpf *skel, const struct lb *lb, const struct maps *maps)
{
	int err = bpf_map__set_max_entries(skel->maps.nat_scarce, lb->max_targets);

	flow_hash_key_expand(lb->seed, (struct flow_hash_key *)&skel->rodata->hash_key);
	*(__u32 *)&skel->rodata->flow_set_mask = lb->flow_sets - 1;
	*(__u32 *)&skel->rodata->flow_tick_shift = lb->clock.tick_shift;
	*(__u32 *)&skel->rodata->nat_set_mask = lb->nat_sets - 1;
	*(__u32 *)&skel->rodata->nat_port_first = lb->nat_port_first;
	*(__u32 *)&skel->rodata->nat_port_count = lb->nat_port_count;
	if (!err && maps->targets < 0)
		err = bpf_map__set_max_entries(skel->maps.targets, lb->max_targets);
	if (!err && maps->loads < 0)
		err = bpf_map__set_max_entries(skel->maps.loads, lb->max_targets);
	if (!err && maps->counters < 0)
		err = bpf_map__set_max_entries(skel->maps.counters, lb->max_targets);
	if (!err && maps->target_names < 0)
		err = bpf_map__set_max_entries(skel->maps.target_names, lb->max_targets);
	if (!err && maps->flows < 0)
		err = bpf_map__set_max_entries(skel->maps.flows, lb->flow_sets);
	return err ? err : reuse(skel, maps);
}

static void explain(const struct lb *lb, const struct maps *maps, int err, struct lb_error *error)
{
	if (err == -EPERM)
		lb_error_set(error,
			     "bpf: not permitted in spite of all capabilities: a user namespace, "
			     "seccomp or a security module forbids it: %s",
			     reason());
	else if (err == -ENOMEM && maps->flows < 0 && strstr(said.text, "'flows'"))
		lb_room_refused(&lb_room_flows, lb->flow_sets * FLOWS_PER_SET, lb_room_bytes(""),
				error);
	else
		lb_error_set(error, "bpf: the program does not load: %s: %s", strerror(-err),
			     reason());
}

/* Shows the kernel a table of the size that nat_table is to take. 0 or -errno with *error. */
static int load_with_nat(struct lb_bpf *skel, const struct lb *lb, const struct maps *maps,
			 struct lb_error *error)
{
	int table = maps->nat_table < 0 ? lb_nat_create(lb, error) : -1, err = 0;

	if (maps->nat_table < 0 && table < 0)
		return table;
	/* Setting the size of the template that the object has ends in a null pointer of
	 * libbpf 1.1's. */
	if (table >= 0)
		err = bpf_map__set_inner_map_fd(skel->maps.nat_table, table);
	if (!err)
		err = lb_bpf__load(skel);
	if (table >= 0)
		close(table);
	if (err)
		explain(lb, maps, err, error);
	return err;
}

/* The skeleton goes, what lb needs of it stays open. */
static int keep(struct lb *lb, const struct lb_bpf *skel)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int *fds = (int *)&lb->maps;

	for (size_t i = 0; i < MAPS_COUNT; i++) {
		fds[i] = fcntl(bpf_object__find_map_fd_by_name(skel->obj, maps_name(i)),
			       F_DUPFD_CLOEXEC, 3);
		if (fds[i] < 0)
			return -errno;
	}
	lb->prog_fd = fcntl(bpf_program__fd(skel->progs.poise_lb), F_DUPFD_CLOEXEC, 3);
	if (lb->prog_fd < 0)
		return -errno;
	lb->guard.memory_fd = fcntl(bpf_map__fd(skel->maps.data_guard), F_DUPFD_CLOEXEC, 3);
	lb->guard.own_fd = fcntl(bpf_map__fd(skel->maps.own_addresses), F_DUPFD_CLOEXEC, 3);
	if (lb->guard.memory_fd < 0 || lb->guard.own_fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(lb->prog_fd, &info, &len))
		return -errno;
	lb->prog_id = info.id;
	return 0;
}

int lb_program_load(struct lb *lb, const struct maps *maps, struct lb_error *error)
{
	libbpf_print_fn_t before = libbpf_set_print(keep_warnings);
	struct lb_bpf *skel = NULL;
	int err = lb_clock_init(&lb->clock);

	memset(&said, 0, sizeof(said));
	if (!err) {
		skel = lb_bpf__open();
		err = skel ? configure(skel, lb, maps) : -errno;
	}
	if (err)
		explain(lb, maps, err, error);
	else
		err = load_with_nat(skel, lb, maps, error);
	if (err)
		goto out;
	err = keep(lb, skel);
	if (err) {
		explain(lb, maps, err, error);
		goto out;
	}
	err = lb_clock_set(&lb->clock, bpf_program__fd(skel->progs.poise_jiffies));
	if (err)
		lb_error_set(error, "bpf: the program poise_jiffies does not run: %s",
			     strerror(-err));
out:
	lb_bpf__destroy(skel);
	libbpf_set_print(before);
	return err;
}
