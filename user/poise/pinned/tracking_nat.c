// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sweep/nat_sweep.h"
#include "pinned/tracking_nat.h"

/* NULL with *err 0: there is none. */
static struct nat_set *table_map(const struct maps *maps, __u32 *sets, int *err)
{
	struct nat_set *table = maps_nat_map(maps, false, sets);

	*err = table || errno == ENOENT ? 0 : -errno;
	return table;
}

int tracking_nat_read(const struct maps *maps, __u32 now, struct sweep_tally *flows,
		      __u32 target_count, struct tracking_nat *out)
{
	__u16 *service_of = calloc(target_count + 1, sizeof(*service_of));
	struct nat_sweep sweep = { .now = now,
				   .service_of_target = service_of,
				   .target_count = target_count,
				   .flows = flows };
	int err;

	memset(out, 0, sizeof(*out));
	sweep.sets = table_map(maps, &sweep.set_count, &err);
	if (!err && !service_of)
		err = -ENOMEM;
	if (!err && sweep.sets) {
		for (__u32 i = 0; i < target_count; i++)
			service_of[i] = SWEEP_NO_SERVICE;
		nat_sweep_run(&sweep);
		out->size = sweep.set_count * (NAT_PER_SET / 2);
		out->flows = sweep.live;
		out->new_flows = sweep.new_flows;
		out->closing = sweep.closing;
		err = nat_counters_read(maps, &out->counter);
	}
	if (sweep.sets)
		munmap(sweep.sets, sweep.set_count * sizeof(*sweep.sets));
	free(service_of);
	return err;
}

bool tracking_nat_is_heard(__u64 word, const struct target *target, __u32 now, __u32 within)
{
	__u32 flags = nat_word_flags(word);
	int left = nat_word_left(word, now), whole = nat_ticks(flags, target);

	if (!word || left < 0 || flags & (NAT_BUSY | NAT_REPLY))
		return false;
	if (nat_ended(flags) && within > NAT_END_TICKS)
		within = NAT_END_TICKS;
	return left >= whole || (__u32)(whole - left) <= within;
}

int tracking_nat_heard(const struct maps *maps, __u32 now, __u16 number,
		       const struct target *target, __u32 within, __u64 *heard)
{
	__u32 count;
	int err;
	struct nat_set *sets = table_map(maps, &count, &err);

	for (__u32 i = 0; sets && i < count; i++) {
		for (int k = 0; k < NAT_PER_SET; k++) {
			const volatile __u64 *word = &sets[i].words[k];

			*heard += sets[i].entries[k].target == number &&
				  tracking_nat_is_heard(*word, target, now, within);
		}
	}
	if (sets)
		munmap(sets, count * sizeof(*sets));
	return err;
}
