// SPDX-License-Identifier: BSD-2-Clause
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lb_impl.h"
#include "lb_room.h"
#include "log.h"
#include "needs.h"
#include "pins.h"

void lb_error_set(struct lb_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}

/* The pinned maps, or none. A set that does not fit is left to be replaced, with a warning. */
static int find_maps(const struct lb *lb, struct maps *found, struct lb_error *error)
{
	char dir[PATH_MAX], why[160];
	int err = pins_recover(lb->dir);

	if (!err)
		err = maps_dir(lb->dir, dir, sizeof(dir));
	if (!err)
		err = maps_open_why(dir, found, why, sizeof(why));
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

static int choose_seed(struct lb *lb, const struct lb_options *options, const struct maps *found,
		       struct lb_error *error)
{
	struct meta meta;
	int err;

	if (found->meta >= 0) {
		err = meta_read(found, &meta);
		if (!err)
			memcpy(lb->seed, meta.seed, sizeof(lb->seed));
	} else {
		err = getrandom(lb->seed, sizeof(lb->seed), 0) == sizeof(lb->seed) ? 0 : -EIO;
	}
	if (err) {
		lb_error_set(error, "seed: %s", strerror(-err));
		return err;
	}
	if (!options->seed_set || !memcmp(lb->seed, options->seed, sizeof(lb->seed)))
		return 0;
	if (found->meta >= 0)
		log_warn("the configured seed is not the running one: flows change their backends");
	memcpy(lb->seed, options->seed, sizeof(lb->seed));
	return 0;
}

static int write_meta(const struct lb *lb, __u32 nat_sets)
{
	struct meta meta = { .abi_version = POISE_ABI_VERSION,
			     .nat_sets = nat_sets,
			     .seed = { lb->seed[0], lb->seed[1] },
			     .clock = lb->clock };
	__u32 zero = 0;

	return bpf_map_update_elem(lb->maps.meta, &zero, &meta, BPF_ANY);
}

/* Maps that are too small, and tables of another size, are left out of `keep`: others are made. 0
 * or -errno with *error. */
static int choose_sizes(struct lb *lb, const struct lb_options *options, const struct maps *found,
			struct maps *keep, struct lb_error *error)
{
	__u32 want = options->max_targets ? options->max_targets : POISE_DEFAULT_BACKENDS;
	__u32 flows = options->flows ? options->flows : POISE_DEFAULT_FLOWS;
	__u64 room_bytes = lb_room_bytes("");
	bool adopted = found->targets >= 0;
	int err;

	*keep = *found;
	lb->flow_sets = flows / FLOWS_PER_SET;
	lb->max_targets = adopted ? maps_max_targets(found) : want;
	if (lb->max_targets < want) {
		lb->max_targets = want;
		keep->targets = keep->loads = keep->counters = keep->target_names = -1;
	}
	if (!adopted || maps_flow_sets(found) != lb->flow_sets) {
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

/* What the new ones of the maps take over from those found, and pins. */
static int fill(struct lb *lb, const struct maps *found, const struct maps *keep)
{
	int err = lb_map_memory(lb);

	if (!err && lb->adopted && keep->targets < 0)
		err = lb_copy_targets(lb, found, maps_max_targets(found));
	if (!err && lb->adopted)
		err = lb_carry_found(lb, found);
	/* After a crash in between it is not known which nat_table is pinned. */
	if (!err)
		err = write_meta(lb, keep->nat_table < 0 ? 0 : lb->nat_sets);
	if (!err && (keep->targets < 0 || keep->flows < 0 || keep->nat_table < 0))
		err = pins_replace_maps(lb->dir, &lb->maps);
	if (!err && keep->nat_table < 0)
		err = write_meta(lb, lb->nat_sets);
	return err;
}

/* Program, maps and pins; links still run what they ran. */
static int load(struct lb *lb, const struct lb_options *options, struct lb_error *error)
{
	struct maps found = maps_none, keep;
	int err = find_maps(lb, &found, error);

	if (!err)
		err = choose_seed(lb, options, &found, error);
	if (err)
		goto out;
	lb->adopted = found.meta >= 0;
	err = choose_sizes(lb, options, &found, &keep, error);
	if (!err)
		err = lb_load(lb, &keep, error);
	if (err)
		goto out;
	err = fill(lb, &found, &keep);
	if (err)
		lb_error_set(error, "%s: filling and pinning maps: %s", lb->dir, strerror(-err));
out:
	maps_close(&found);
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
	lb_unmap_memory(lb);
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
