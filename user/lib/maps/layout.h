/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The layouts of the pinned maps, which outlive the daemon that made them: which version of each
 * map this program reads and writes, which older versions it knows, how an entry of those becomes
 * one of today, and what is lost where that is not possible. `meta` names the versions of a pinned
 * set.
 */
#ifndef POISE_LAYOUT_H
#define POISE_LAYOUT_H

#include <bpf/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "poise/abi.h"

struct layout_older {
	__u32 version; /* 0 ends a list */
	__u32 value_size;
	__u32 max_entries; /* 0: as configured */
	/* Fills a value of today, which is all 0, from an older one. NULL: the older one's bytes
	 * stand at its beginning, and 0 behind them says what was meant before. */
	void (*convert)(const void *older, void *value);
};

struct layout {
	const char *name;
	__u32 version;
	enum bpf_map_type type;
	__u32 value_size;  /* keys have four bytes */
	__u32 max_entries; /* 0: as configured */
	bool mmapable;
	bool after_abi3; /* sets of ABI version 3 had no such map */
	const char
		*loss; /* what making it anew costs; NULL: the other maps make no sense without */
	const struct layout_older *older;
};

#define LAYOUTS 20
extern const struct layout layouts[LAYOUTS]; /* in the order of struct maps */

/* Compares a map with what its version says. The version of an unknown layout is 0 or above ours.
 * 0, or -EPROTO with `why` in words ("drops has layout 3, expected 2 or an older one"). */
int layout_check(const struct layout *layout, __u32 version, const struct bpf_map_info *info,
		 char *why, size_t size);

/* Fills a value of today from one of a version that layout_check() took. Of counters also sums of
 * several values. */
void layout_convert(const struct layout *layout, __u32 version, const void *found, void *value);

/* The version that a set of maps has of this layout; 0: its meta does not name the map. */
__u32 layout_version(const struct layout *layout, const struct meta *meta);
/* Enters today's versions of all. */
void layout_versions_set(struct meta *meta);

/* meta as ABI version 3 had it. All maps had layouts of version 1 then. */
struct meta_abi3 {
	__u32 abi_version;
	__u32 nat_sets;
	__u64 seed[2];
	struct flow_clock clock;
};

void layout_meta_from_abi3(const struct meta_abi3 *found, struct meta *out);

#endif
