/* SPDX-License-Identifier: BSD-2-Clause */
/* Weighted round robin laid out in the rows of a table. */
#ifndef POISE_SEQUENCE_H
#define POISE_SEQUENCE_H

#include "rows/maglev.h"

/*
 * Fills rows[row_count] with targets so that whoever walks them from any row meets each backend in
 * proportion to its weight and as evenly as possible: with equal weights one after the other. Every
 * backend's number of rows differs by less than one from its exact share. 0 throughout when no
 * backend has a weight. 0, -EINVAL (more backends with a weight than rows) or -ENOMEM.
 */
int sequence_build(const struct maglev_backend *backends, size_t count, __u32 row_count,
		   __u16 *rows);

#endif
