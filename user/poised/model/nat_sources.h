/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which address has which index in nat_sources. An address keeps its index for as long as flows may
 * name it, so that answers find their flow, and a target names its sources as a range: those of the
 * configuration are to adjoin, each family's. Pure.
 */
#ifndef POISE_NAT_SOURCES_H
#define POISE_NAT_SOURCES_H

#include "mode/target.h"

struct nat_sources {
	struct nat_source_slot {
		struct addr addr;
		bool used;
		bool listed; /* one of the configuration's; else some interface's, or left over */
		bool stored; /* the kernel knows it; kept by who stores */
		__u64 unnamed_ns; /* since when no target names it; 0: some may. Kept by who looks
				   */
	} slots[POISE_MAX_NAT_SOURCES];
};

/* The index of an address, or -ENOENT. */
int nat_sources_find(const struct nat_sources *sources, const struct addr *addr);
/* Found in the kernel at an index. */
void nat_sources_adopt(struct nat_sources *sources, __u32 index, const struct addr *addr);
/* True if there is an index for each of them. */
bool nat_sources_room(const struct nat_sources *sources, const struct addr *addrs, size_t count);
/* These are the configuration's from now on. */
void nat_sources_list(struct nat_sources *sources, const struct addr *addrs, size_t count);
/* An interface's own address. Its index or -ENOSPC. */
int nat_sources_take(struct nat_sources *sources, const struct addr *addr);
void nat_sources_drop(struct nat_sources *sources, __u32 index);

/* Returns the sources that targets are to name: the longest run of listed ones of a family. count
 * is 0 if there are none. */
struct target_sources nat_sources_run(const struct nat_sources *sources, bool v4);
/* Gives a listed one that nobody uses an index that adjoins the run, if it is not part of it and
 * there is such an index. Whether it has moved. */
bool nat_sources_adjoin(struct nat_sources *sources, __u32 index);

#endif
