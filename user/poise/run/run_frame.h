/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of `poise run` as text. */
#ifndef POISE_RUN_FRAME_H
#define POISE_RUN_FRAME_H

#include "run_rows.h"
#include "run_view.h"

/*
 * Lines, each with its end; free() it. NULL without memory. Of what has no place in so many lines
 * sums are kept, then backends that are not up; how many more there are is said.
 */
char *run_frame_make(const struct run_view *view, const struct run_row *rows, size_t count,
		     size_t lines);

#endif
