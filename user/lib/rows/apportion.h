/* SPDX-License-Identifier: BSD-2-Clause */
/* How many rows of a table each backend is due by its weight. */
#ifndef POISE_APPORTION_H
#define POISE_APPORTION_H

#include "rows/maglev.h"

struct share {
	__u64 id;
	__u32 weight;
	__u32 rows;
	__u64 remainder; /* of weight * row_count / sum of weights */
	__u16 target;
};

/*
 * Largest remainder: first the whole part of each exact share, then one more for the largest rests,
 * of equal ones for the smallest ids. Fills shares[count] in the order of ids, without backends of
 * no weight, and *used. 0 or -EINVAL (two backends with one id, of whatever weight).
 */
int apportion(const struct maglev_backend *backends, size_t count, __u32 row_count,
	      struct share *shares, size_t *used);

#endif
