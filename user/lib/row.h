/* SPDX-License-Identifier: BSD-2-Clause */
/* What becomes of a row when its owner, or who serves, changes. Pure; poise/abi.h tells what a
 * row's two targets mean. */
#ifndef POISE_ROW_H
#define POISE_ROW_H

#include <stdbool.h>

#include "poise/abi.h"

/*
 * The row once `owner` (0: nobody) is to have its new flows. serves[target] tells whose flows are
 * not lost; serves[0] is false. always: the service tracks each flow, so that a row that nobody
 * older may have flows in is {owner, ROW_TRACKED} and never stable.
 */
struct row row_next(struct row row, __u16 owner, bool always, const bool *serves);

/* Whether somebody older than its current target may have flows that the table does not know. */
bool row_moving(struct row row);

/* A moving row once such flows are taken for gone: {current, ROW_TRACKED}. Others stay. A row that
 * nobody has the new flows of stays as well. */
struct row row_settle(struct row row);

#endif
