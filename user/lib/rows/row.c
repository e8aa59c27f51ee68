// SPDX-License-Identifier: BSD-2-Clause
#include "rows/row.h"

static struct row make_row(__u16 current, __u16 previous)
{
	return (struct row){ .current_target = current, .previous_target = previous };
}

bool row_moving(struct row row)
{
	return row.previous_target && row.previous_target != ROW_TRACKED;
}

/* A stable row: whatever flows it has are its current target's, and few are in the table. */
static struct row leave_stable(struct row row, __u16 owner, bool always, const bool *serves)
{
	__u16 current = row.current_target;

	if (owner == current && !always)
		return row;
	if (serves[current])
		return make_row(owner, current);
	/*
	 * Entries of a target that failed may be left over from when the row was not stable. If it
	 * came back they would be followed, also by flows that began elsewhere in the meantime with
	 * the same ports. So those have to be in the table.
	 */
	return make_row(owner, current || always ? ROW_TRACKED : 0);
}

/* A tracked row: flows that are not in the table are its current target's. */
static struct row leave_tracked(struct row row, __u16 owner, bool always, const bool *serves)
{
	__u16 current = row.current_target;

	if (!always && owner != current && serves[current])
		return make_row(owner, current);
	return make_row(owner, ROW_TRACKED);
}

/* A moving row: flows that are not in the table are its previous target's, whoever had the new ones
 * in the meantime. */
static struct row move_on(struct row row, __u16 owner, bool always, const bool *serves)
{
	__u16 previous = row.previous_target;

	if (!serves[previous] || (owner == previous && !always))
		return make_row(owner, ROW_TRACKED);
	return make_row(owner, previous);
}

struct row row_next(struct row row, __u16 owner, bool always, const bool *serves)
{
	if (!row.previous_target)
		return leave_stable(row, owner, always, serves);
	if (row.previous_target == ROW_TRACKED)
		return leave_tracked(row, owner, always, serves);
	return move_on(row, owner, always, serves);
}

struct row row_track_all(struct row row, const bool *serves)
{
	if (!row_moving(row) && serves[row.current_target])
		return make_row(row.current_target, row.current_target);
	return row;
}

struct row row_settle(struct row row)
{
	if (!row_moving(row) || !row.current_target)
		return row;
	return make_row(row.current_target, ROW_TRACKED);
}
