// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "kernel/lb_impl.h"
#include "kernel/lb_room.h"
#include "base/log.h"
#include "base/needs.h"
#include "maps/layout.h"
#include "maps/pins.h"

/* The pinned maps of ours, or those of ABI version 3. 0, -ENOENT, -EPROTO or -errno. */
static int found_read(const struct lb *lb, struct maps_found *found, char dir[PATH_MAX], char *why,
		      size_t size)
{
	int err = maps_dir(lb->dir, dir, PATH_MAX);

	if (!err)
		err = maps_find(dir, found, why, size);
	if (err != -ENOENT)
		return err;
	err = maps_dir_abi3(lb->dir, dir, PATH_MAX);
	return err ? err : maps_find(dir, found, why, size);
}

/* Says which maps are made anew and which are carried over. */
static void found_log(const struct maps_found *found, const char *dir)
{
	char carried[400] = "";
	size_t len = 0;

	for (size_t i = 0; i < MAPS_COUNT; i++) {
		if (found->why[i][0])
			log_warn("%s: %s: made anew: %s", dir, found->why[i], layouts[i].loss);
		else if (found->versions[i] != layouts[i].version &&
			 ((const int *)&found->maps)[i] >= 0 && len < sizeof(carried))
			len += snprintf(carried + len, sizeof(carried) - len, "%s%s",
					len ? ", " : "", layouts[i].name);
	}
	if (len)
		log_info("%s: maps of older layouts are carried over: %s", dir, carried);
}

/* The pinned maps, or none. A set that cannot be used is left to be replaced, with a warning. */
static int find_maps(const struct lb *lb, struct maps_found *found, struct lb_error *error)
{
	char dir[PATH_MAX], why[MAPS_WHY_SIZE + 32];
	int err = pins_recover(lb->dir);

	found->maps = maps_none;
	if (!err)
		err = found_read(lb, found, dir, why, sizeof(why));
	if (!err)
		found_log(found, dir);
	if (err == -ENOENT && pins_other_abi(lb->dir))
		log_warn("%s: the pinned maps are of ABI version %d, this program's of %d: "
			 "counters start from zero; the old maps serve until the new ones are "
			 "filled",
			 lb->dir, pins_other_abi(lb->dir), POISE_ABI_VERSION);
	if (err == -EPROTO) {
		log_warn("%s: the pinned maps cannot be kept, as %s: counters start from zero and "
			 "flows are forgotten; the old maps serve until the new ones are filled",
			 dir, why);
		return 0;
	}
	if (err && err != -ENOENT)
		lb_error_set(error, "%s: pinned maps: %s", lb->dir, strerror(-err));
	return err == -ENOENT ? 0 : err;
}

static int choose_seed(struct lb *lb, const struct lb_options *options,
		       const struct maps_found *found, struct lb_error *error)
{
	bool adopted = found->maps.meta >= 0;

	if (adopted)
		memcpy(lb->seed, found->meta.seed, sizeof(lb->seed));
	else if (options->last_seed_set)
		memcpy(lb->seed, options->last_seed, sizeof(lb->seed));
	else if (getrandom(lb->seed, sizeof(lb->seed), 0) != sizeof(lb->seed)) {
		lb_error_set(error, "seed: no random numbers");
		return -EIO;
	}
	if (!options->seed_set || !memcmp(lb->seed, options->seed, sizeof(lb->seed)))
		return 0;
	if (adopted)
		log_warn("the configured seed is not the running one: flows change their backends");
	memcpy(lb->seed, options->seed, sizeof(lb->seed));
	return 0;
}

static int write_meta(const struct lb *lb)
{
	struct meta meta = { .abi_version = POISE_ABI_VERSION,
			     .nat_sets = lb->nat_sets,
			     .seed = { lb->seed[0], lb->seed[1] },
			     .clock = lb->clock };
	__u32 zero = 0;

	layout_versions_set(&meta);
	return bpf_map_update_elem(lb->maps.meta, &zero, &meta, BPF_ANY);
}

/* Those of today's layout. */
static void keep_current(const struct maps_found *found, struct maps *keep)
{
	int *fds = (int *)keep;

	*keep = found->maps;
	for (size_t i = 0; i < MAPS_COUNT; i++) {
		if (found->versions[i] != layouts[i].version)
			fds[i] = -1;
	}
}

static bool all_open(const struct maps *maps)
{
	const int *fds = (const int *)maps;
	size_t i = 0;

	while (i < MAPS_COUNT && fds[i] >= 0)
		i++;
	return i == MAPS_COUNT;
}

/* Maps that are too small, and tables of another size, are left out of `keep`: others are made. 0
 * or -errno with *error. */
static int choose_sizes(struct lb *lb, const struct lb_options *options,
			const struct maps_found *found, struct maps *keep, struct lb_error *error)
{
	__u32 want = options->max_targets ? options->max_targets : POISE_DEFAULT_BACKENDS;
	__u32 flows = options->flows ? options->flows : POISE_DEFAULT_FLOWS;
	__u64 room_bytes = lb_room_bytes("");
	int err;

	lb->flow_sets = flows / FLOWS_PER_SET;
	lb->max_targets = lb->adopted ? maps_max_targets(&found->maps) : want;
	if (lb->max_targets < want) {
		lb->max_targets = want;
		keep->targets = keep->loads = keep->counters = keep->target_names = -1;
	}
	if (keep->flows < 0 || maps_flow_sets(keep) != lb->flow_sets) {
		keep->flows = -1;
		err = lb_room_check(&lb_room_flows, flows, room_bytes, error);
		if (err)
			return err;
		if (room_bytes != LB_ROOM_UNKNOWN)
			room_bytes -= (__u64)lb->flow_sets * sizeof(struct flow_set);
	}
	err = lb_nat_choose(lb, options, found, keep, room_bytes);
	if (err)
		lb_error_set(error, "%s: the pinned NAT table: %s", lb->dir, strerror(-err));
	return err;
}

/* Fills the maps that are new from those that were found, and pins them. */
static int fill(struct lb *lb, const struct maps_found *found, const struct maps *keep)
{
	int err = lb_map_memory(lb);

	if (!err && lb->adopted)
		err = lb_take_over(lb, found, keep);
	if (!err && lb->adopted)
		err = lb_carry_found(lb, found);
	if (!err)
		err = lb_guard_open(lb);
	if (!err)
		err = write_meta(lb);
	if (!err && keep->meta < 0)
		err = pins_replace_maps(lb->dir, &lb->maps);
	return err;
}

/* Program, maps and pins; links still run what they ran. */
static int load(struct lb *lb, const struct lb_options *options, struct lb_error *error)
{
	struct maps_found found;
	struct maps keep;
	int err = find_maps(lb, &found, error);

	if (!err)
		err = choose_seed(lb, options, &found, error);
	if (err)
		goto out;
	lb->adopted = found.maps.meta >= 0;
	keep_current(&found, &keep);
	err = choose_sizes(lb, options, &found, &keep, error);
	/* A set that is pinned anew has a meta of its own: after a crash it is known which one is
	 * pinned, and what its maps are. */
	if (!all_open(&keep))
		keep.meta = -1;
	if (!err)
		err = lb_program_load(lb, &keep, error);
	if (err)
		goto out;
	err = fill(lb, &found, &keep);
	if (err)
		lb_error_set(error, "%s: filling and pinning maps: %s", lb->dir, strerror(-err));
out:
	maps_close(&found.maps);
	return err;
}

static bool options_valid(const struct lb_options *options)
{
	return options->max_targets <= POISE_MAX_BACKENDS &&
	       (!options->flows || (options->flows % FLOWS_PER_SET == 0 &&
				    maps_flow_sets_valid(options->flows / FLOWS_PER_SET))) &&
	       lb_nat_valid(options);
}

int lb_open(const struct lb_options *options, struct lb **out, struct lb_error *error)
{
	struct lb *lb;
	int err = needs_check(error->text, sizeof(error->text));

	if (err)
		return err;
	lb = calloc(1, sizeof(*lb));
	if (!lb) {
		lb_error_set(error, "out of memory");
		return -ENOMEM;
	}
	lb->maps = maps_none;
	lb->guard = (struct lb_guard){ .memory_fd = -1, .own_fd = -1 };
	lb->prog_fd = -1;
	lb->cpus = libbpf_num_possible_cpus();
	if ((size_t)snprintf(lb->dir, sizeof(lb->dir), "%s", options->instance_dir) >=
		    sizeof(lb->dir) ||
	    lb->cpus < 0 || !options_valid(options)) {
		lb_error_set(error, "lb_open: bad option");
		err = -EINVAL;
	}
	if (!err)
		err = load(lb, options, error);
	if (!err)
		err = lb_adopt_links(lb, error);
	if (err) {
		lb_close(lb);
		return err;
	}
	*out = lb;
	return 0;
}

void lb_close(struct lb *lb)
{
	if (!lb)
		return;
	lb_close_links(lb);
	lb_carry_free(lb);
	lb_take_end(lb);
	lb_unmap_memory(lb);
	lb_guard_close(lb);
	maps_close(&lb->maps);
	if (lb->prog_fd >= 0)
		close(lb->prog_fd);
	free(lb);
}

const struct maps *lb_maps(const struct lb *lb)
{
	return &lb->maps;
}

bool lb_adopted(const struct lb *lb)
{
	return lb->adopted;
}

const __u64 *lb_seed(const struct lb *lb)
{
	return lb->seed;
}

__u32 lb_max_targets(const struct lb *lb)
{
	return lb->max_targets;
}

const struct flow_clock *lb_clock(const struct lb *lb)
{
	return &lb->clock;
}

int lb_remove(const char *instance_dir)
{
	return pins_remove(instance_dir);
}
