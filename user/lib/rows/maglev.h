/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weighted Maglev hashing: which backend owns each row of a look-up table.
 * Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, 3.4.
 */
#ifndef POISE_MAGLEV_H
#define POISE_MAGLEV_H

#include <linux/types.h>
#include <stddef.h>

#include "base/addr.h"

struct maglev_backend {
	__u64 id;     /* maglev_id() */
	__u32 weight; /* share of the rows relative to the others'; 0: none */
	__u16 target; /* what is written into its rows */
};

/*
 * The id of a backend: FNV-1a over its 16 address bytes and its port in network order, then the
 * finalizer of MurmurHash3. It depends on nothing else, so every balancer of a fleet and every
 * later poised places the backend on the same rows. port: host order, 0 where none was given.
 */
__u64 maglev_id(const struct addr *addr, __u16 port);

/*
 * Fills rows[row_count] with targets, 0 throughout when no backend has a weight. row_count is a
 * prime larger than the number of backends. The result depends on the set of backends and not on
 * its order. Every backend's number of rows differs by less than one from its exact weighted share.
 * 0, -EINVAL (row_count no prime, too small or above POISE_MAX_ROWS, two backends with one id) or
 * -ENOMEM.
 */
int maglev_build(const struct maglev_backend *backends, size_t count, __u32 row_count, __u16 *rows);

#endif
