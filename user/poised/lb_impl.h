/* SPDX-License-Identifier: BSD-2-Clause */
/* What the lb*.c files share. */
#ifndef POISE_LB_IMPL_H
#define POISE_LB_IMPL_H

#include <limits.h>

#include "lb.h"

struct lb_slot {
	int fd;
	__u32 ifindex;   /* as attached, also once the interface is gone */
	char ifname[16]; /* as last seen */
};

struct lb {
	char dir[PATH_MAX];
	struct maps maps;
	int prog_fd;
	__u32 prog_id;
	bool adopted;
	__u64 seed[2];
	__u32 max_targets;
	int cpus;
	struct lb_slot *slots;
	size_t slot_count;
	__u64 row_bytes[POISE_MAX_SERVICES]; /* kernel memory of each row table */
};

__attribute__((format(printf, 2, 3))) void lb_error_set(struct lb_error *error, const char *format,
							...);

/* Loads the program with lb's seed and size over those of `maps` that are open; descriptors of all
 * maps and of the program go to *lb. 0 or -errno with *error. */
int lb_load(struct lb *lb, const struct maps *maps, struct lb_error *error);

/* lb_rows.c, lb_copy.c: entries 0 .. count - 1 of the three maps that are sized by targets. */
int lb_copy_targets(const struct lb *lb, const struct maps *from, __u32 count);

/* Takes over the pinned links: those that run a program over our maps get ours at once, others in
 * lb_attach. Drops those whose interface is gone. 0 or -errno with *error. */
int lb_adopt_links(struct lb *lb, struct lb_error *error);
void lb_close_links(struct lb *lb);

#endif
