// SPDX-License-Identifier: BSD-2-Clause
#include "publish/row_age.h"

static bool is_tracked(struct row row)
{
	return row.previous_target == ROW_TRACKED;
}

__u8 row_age_first(struct row row)
{
	return is_tracked(row) ? ROW_AGE_TRACKED : 0;
}

__u8 row_age_next(__u8 age, struct row before, struct row after)
{
	if (before.previous_target != after.previous_target)
		return row_age_first(after);
	if (is_tracked(after) && before.current_target != after.current_target)
		return ROW_AGE_TRACKED;
	return age;
}

__u8 row_age_grow(__u8 age, __u64 slices)
{
	if (age >= ROW_AGE_SETTLED)
		return age;
	return slices < (__u64)(ROW_AGE_SETTLED - age) ? age + slices : ROW_AGE_SETTLED;
}

__u8 row_age_begin_sweep(__u8 age)
{
	return age == ROW_AGE_TRACKED ? ROW_AGE_JUDGED : age;
}

struct row row_age_judge(struct row row, __u8 age, bool held, bool always)
{
	if (row_moving(row))
		return age == ROW_AGE_SETTLED ? row_settle(row) : row;
	if (is_tracked(row) && age == ROW_AGE_JUDGED && !held && !always)
		row.previous_target = 0;
	return row;
}
