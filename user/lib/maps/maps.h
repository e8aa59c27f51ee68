/* SPDX-License-Identifier: BSD-2-Clause */
/* The pinned maps of one instance, as the command and a restarted daemon find them. */
#ifndef POISE_MAPS_H
#define POISE_MAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "poise/abi.h"

/* File descriptors; -1: not open. The order is that of layouts[] (layout.h). */
struct maps {
	int services, rows, targets, flows, flow_counters, loads, rotations, nat_table, nat_sources,
		nat_counters, nat_claims, switches, fragments, counters, drops, answers, tx_ports,
		service_names, target_names, meta;
};

#define MAPS_COUNT (sizeof(struct maps) / sizeof(int))
const char *maps_name(size_t i);    /* of a map, and of its pin; i < MAPS_COUNT */
extern const struct maps maps_none; /* none is open */

/* "<instance directory>/maps-v<ABI version>". 0 or -ENAMETOOLONG. */
int maps_dir(const char *instance_dir, char *buf, size_t size);
/* The same of ABI version 3, which maps_find() knows, too. */
int maps_dir_abi3(const char *instance_dir, char *buf, size_t size);

/* Opens all of them, to be read as they are. 0, -ENOENT (none there), -EPROTO (one is missing, or
 * is of another layout) or -errno. *out is empty (all -1) after an error. */
int maps_open(const char *dir, struct maps *out);
/* The same; after -EPROTO `why` names those at fault ("drops has layout 3, expected 2"). */
int maps_open_why(const char *dir, struct maps *out, char *why, size_t size);

#define MAPS_WHY_SIZE 128

/* The worth of a set of pinned maps to a program that goes on with it. */
struct maps_found {
	struct maps maps;           /* those of a layout that layout.h knows; -1: to be made anew */
	__u32 versions[MAPS_COUNT]; /* their layouts */
	struct meta meta;           /* in today's layout */
	char why[MAPS_COUNT][MAPS_WHY_SIZE]; /* why one that was there cannot be used; else "" */
};

/* As maps_open_why(), for a program that can convert maps and make some anew. -EPROTO: one without
 * which the others make no sense cannot be used. */
int maps_find(const char *dir, struct maps_found *out, char *why, size_t size);
void maps_close(struct maps *maps); /* an empty one is fine */

/* Largest number of targets these maps hold, number 0 included. 0: not readable. */
__u32 maps_max_targets(const struct maps *maps);

/* A power of two within the limits. */
static inline bool maps_flow_sets_valid(__u32 sets)
{
	return sets >= POISE_MIN_FLOWS / FLOWS_PER_SET && sets <= POISE_MAX_FLOWS / FLOWS_PER_SET &&
	       !(sets & (sets - 1));
}

/* Number of sets of the flow table; 0: not readable. */
__u32 maps_flow_sets(const struct maps *maps);
/* The flow table in memory, read only; NULL: not possible. munmap() by the caller, of
 * maps_flow_sets() x sizeof(struct flow_set) bytes. */
const struct flow_set *maps_flows_map(const struct maps *maps);
int flow_counters_read(const struct maps *maps, struct flow_counter *out); /* sum over CPUs */

/* Entries on both sides of a power of two of flows within the limits. */
static inline __u32 maps_nat_sets(__u32 flows)
{
	return flows / NAT_PER_SET * 2;
}

static inline bool maps_nat_sets_valid(__u32 sets)
{
	return sets >= POISE_MIN_NAT_FLOWS / NAT_PER_SET * 2 &&
	       sets <= POISE_MAX_NAT_FLOWS / NAT_PER_SET * 2 && !(sets & (sets - 1));
}

/* The map of the NAT table: a descriptor, and how many sets it has. -ENOENT (there is none),
 * -EPROTO (of another shape), -EPERM (the kernel wants CAP_SYS_ADMIN for opening a map by its id)
 * or -errno. */
int nat_map_open(const struct maps *maps, __u32 *sets);
/* The NAT table in memory, and how many sets it has. NULL: there is none (errno is ENOENT), or it
 * cannot be mapped. munmap() by the caller, of *sets x sizeof(struct nat_set) bytes. */
struct nat_set *maps_nat_map(const struct maps *maps, bool writable, __u32 *sets);
int nat_counters_read(const struct maps *maps, struct nat_counter *out); /* sum over CPUs */
/* Fills out[0 .. POISE_MAX_NAT_SOURCES - 1]. 0 or -errno. */
int nat_sources_read(const struct maps *maps, struct nat_source *out);
int meta_read(const struct maps *maps, struct meta *out); /* 0 or -errno */

/* Entries 0 .. count - 1 of a per-CPU array, each of so many 64-bit words: their sums over CPUs. 0
 * or -errno. */
int maps_sums_read(int fd, __u64 *out, size_t words, size_t count);
/* Sums over CPUs. counters_read fills out[0 .. count-1] for targets 0 .. count-1. 0 or -errno. */
int counters_read(const struct maps *maps, struct counter *out, size_t count);
int drops_read(const struct maps *maps, __u64 out[DROP_MAX]);
int answers_read(const struct maps *maps, struct answer_counter out[ANSWER_MAX]);

/* Fills out[0 .. count-1]; entries with an empty name are not in use. 0 or -errno. */
int service_names_read(const struct maps *maps, struct service_name *out, size_t count);
int target_names_read(const struct maps *maps, struct target_name *out, size_t count);

/* Rows of a service as last published, row_count of them. -ENOENT: number not in use. 0 or -errno.
 */
int rows_read(const struct maps *maps, __u32 service_number, struct row *out, __u32 row_count);
/* Its map: a descriptor, and the size to mmap. -ENOENT, -EPROTO (of another size), -EPERM (the
 * kernel wants CAP_SYS_ADMIN for opening a map by its id) or -errno. */
int rows_map_open(const struct maps *maps, __u32 service_number, __u32 row_count, size_t *bytes);

static inline __u32 rows_slots(__u32 row_count)
{
	return (row_count + POISE_ROWS_PER_SLOT - 1) / POISE_ROWS_PER_SLOT;
}

/* Kernel memory of one map as the kernel accounts for it (fdinfo's memlock), bytes; 0: not known.
 */
__u64 map_memory_bytes(int fd);

#endif
