// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rows/apportion.h"
#include "rows/sequence.h"

#define NOBODY UINT32_MAX

/*
 * A backend with c of r rows is due its row k (from 0) within [k * r / c, (k + 1) * r / c): never
 * before, and of those whose time has come the first to become overdue goes first. Such a schedule
 * exists, and earliest deadline first finds it (Baruah et al., "Proportionate Progress", 1996): at
 * any row each backend has had its exact share so far, give or take less than one.
 */
struct walker {
	__u32 rows, done;
	__u32 next; /* in the list of the same row to wait for */
	__u16 target;
};

struct layout {
	struct walker *walkers; /* in the order of ids */
	__u32 *ready; /* heap of indices: those that may have a row, first deadline first */
	__u32 ready_count;
	__u32 *waiting; /* by row: list of those who may have that one or a later one */
	__u32 row_count;
};

/* Equal deadlines: whoever may wait longer has waited longer. */
static bool goes_first(const struct layout *l, __u32 one, __u32 other)
{
	const struct walker *x = &l->walkers[one], *y = &l->walkers[other];
	__u64 deadline = (x->done + (__u64)1) * y->rows;
	__u64 other_deadline = (y->done + (__u64)1) * x->rows;

	if (deadline != other_deadline)
		return deadline < other_deadline;
	if (x->rows != y->rows)
		return x->rows < y->rows;
	return one < other;
}

static void make_ready(struct layout *l, __u32 walker)
{
	__u32 at = l->ready_count++;

	while (at && goes_first(l, walker, l->ready[(at - 1) / 2])) {
		l->ready[at] = l->ready[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	l->ready[at] = walker;
}

/* Somebody is always ready: before any row, more rows have become due than were given out. */
static __u32 take_ready(struct layout *l)
{
	__u32 first = l->ready[0], last = l->ready[--l->ready_count], at = 0, child;

	while ((child = 2 * at + 1) < l->ready_count) {
		if (child + 1 < l->ready_count &&
		    goes_first(l, l->ready[child + 1], l->ready[child]))
			child++;
		if (!goes_first(l, l->ready[child], last))
			break;
		l->ready[at] = l->ready[child];
		at = child;
	}
	l->ready[at] = last;
	return first;
}

/* From `row` on at the earliest. */
static void wait_for_row(struct layout *l, __u32 walker, __u32 row)
{
	struct walker *w = &l->walkers[walker];
	__u32 due = (__u64)w->done * l->row_count / w->rows;

	if (due < row)
		due = row;
	w->next = l->waiting[due];
	l->waiting[due] = walker;
}

static void walk(struct layout *l, __u16 *rows)
{
	for (__u32 row = 0; row < l->row_count; row++) {
		struct walker *w;
		__u32 first;

		for (__u32 i = l->waiting[row]; i != NOBODY; i = l->walkers[i].next)
			make_ready(l, i);
		first = take_ready(l);
		w = &l->walkers[first];
		rows[row] = w->target;
		if (++w->done < w->rows)
			wait_for_row(l, first, row + 1);
	}
}

static int lay_out(const struct share *shares, size_t count, __u32 row_count, __u16 *rows)
{
	struct layout l = { .row_count = row_count };
	int err = -ENOMEM;

	l.walkers = calloc(count, sizeof(*l.walkers));
	l.ready = calloc(count, sizeof(*l.ready));
	l.waiting = malloc(row_count * sizeof(*l.waiting));
	if (!l.walkers || !l.ready || !l.waiting)
		goto out;
	memset(l.waiting, 0xff, row_count * sizeof(*l.waiting));
	for (__u32 i = 0; i < count; i++) {
		l.walkers[i] =
			(struct walker){ .rows = shares[i].rows, .target = shares[i].target };
		if (shares[i].rows)
			wait_for_row(&l, i, 0);
	}
	walk(&l, rows);
	err = 0;
out:
	free(l.walkers);
	free(l.ready);
	free(l.waiting);
	return err;
}

int sequence_build(const struct maglev_backend *backends, size_t count, __u32 row_count,
		   __u16 *rows)
{
	struct share *shares = calloc(count + 1, sizeof(*shares)); /* one more: count may be 0 */
	size_t used;
	int err;

	if (!shares)
		return -ENOMEM;
	err = apportion(backends, count, row_count, shares, &used);
	if (!err && used > row_count)
		err = -EINVAL;
	if (!err && used)
		err = lay_out(shares, used, row_count, rows);
	else if (!err)
		memset(rows, 0, row_count * sizeof(*rows));
	free(shares);
	return err;
}
