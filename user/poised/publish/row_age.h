/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a row has been what it is, in one byte. A moving row grows older by slices of the settle
 * time; a tracked one waits for a sweep over the flow table that began after it became so. Pure.
 */
#ifndef POISE_ROW_AGE_H
#define POISE_ROW_AGE_H

#include "rows/row.h"

#define ROW_AGE_SLICES 8 /* of the settle time */
/* The first slice was not seen from its beginning. */
#define ROW_AGE_SETTLED (ROW_AGE_SLICES + 1)
#define ROW_AGE_TRACKED 0x80 /* no sweep has begun since it became tracked, or changed */
#define ROW_AGE_JUDGED  0x81 /* the next sweep that ends may find that it is stable */

/* The age of a row that nothing is known of yet. */
__u8 row_age_first(struct row row);
/* The age once `before` is replaced by `after`. A moving row that only gets another current target
 * grows on: the flows that are waited for are older than its first change. */
__u8 row_age_next(__u8 age, struct row before, struct row after);
/* After so many slices. */
__u8 row_age_grow(__u8 age, __u64 slices);
/* When a sweep begins, long enough after the last change of rows. */
__u8 row_age_begin_sweep(__u8 age);

/*
 * Returns what the row becomes after a sweep. held: a live flow of the row is another target's.
 * always: the service never gets stable rows.
 */
struct row row_age_judge(struct row row, __u8 age, bool held, bool always);

#endif
