/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of `poise run` as text. */
#ifndef POISE_RUN_FRAME_H
#define POISE_RUN_FRAME_H

#include "run/run_rows.h"
#include "run/run_view.h"

/*
 * Returns lines, each with its end; free() them. NULL: out of memory. If not all rows fit into so
 * many lines, sums come first, then backends that are not up, and a line says how many more there
 * are.
 */
char *run_frame_make(const struct run_view *view, const struct run_row *rows, size_t count,
		     size_t lines);

#endif
