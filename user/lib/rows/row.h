/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A row changes when its owner, or who serves, changes. All is pure; poise/abi.h tells what a row's
 * two targets mean. serves[target] tells whose flows are not lost; serves[0] is false.
 *
 * A tracked row becomes stable, {B, 0}, when a sweep that began after the row's last change (and
 * after its service ceased to track each flow) left no entry of another target in the table,
 * whether that one serves or not: one that does not may serve again.
 */
#ifndef POISE_ROW_H
#define POISE_ROW_H

#include <stdbool.h>

#include "poise/abi.h"

/*
 * The row once `owner` (0: nobody) is to have its new flows. always: the service tracks each flow,
 * so that a row that nobody older may have flows in is {owner, ROW_TRACKED} and never stable. {0,
 * 0} is a row that never had a flow: where entries of older flows may exist, start with {0,
 * ROW_TRACKED}.
 */
struct row row_next(struct row row, __u16 owner, bool always, const bool *serves);

/*
 * To go before row_next() when a service begins to track each flow: {B, B}. Its scheduler will
 * place what the table does not know, but of a row that has been stable B may have flows that are
 * not in the table, also once the row is tracked. Stored before packets see the new scheduler.
 */
struct row row_track_all(struct row row, const bool *serves);

/* True if a target that had the row before may have flows that the flow table does not know. */
bool row_moving(struct row row);

/* A moving row once such flows are taken for gone: {current, ROW_TRACKED}. Others stay. A row that
 * nobody has the new flows of stays as well. */
struct row row_settle(struct row row);

#endif
