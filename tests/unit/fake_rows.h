/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake kernel's row tables. */
#ifndef POISE_TEST_FAKE_ROWS_H
#define POISE_TEST_FAKE_ROWS_H

#include "fake_kernel.h"

int lb_rows_open(struct lb *lb, __u32 number, __u32 size, struct lb_rows **out)
{
	(void)lb;
	if (!kernel.tables[number].rows || kernel.tables[number].count != size)
		return -ENOENT;
	*out = calloc(1, sizeof(**out));
	(*out)->rows = kernel.tables[number].rows;
	(*out)->count = size;
	(*out)->holders = 1;
	return 0;
}

int lb_rows_create(struct lb *lb, const __u32 *numbers, const __u32 *sizes, size_t count,
		   struct lb_rows **out)
{
	if (kernel.full)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!store()) {
			out[i] = calloc(1, sizeof(**out));
			*out[i] = (struct lb_rows){ .rows = calloc(sizes[i], sizeof(struct row)),
						    .count = sizes[i],
						    .holders = 1,
						    .own = true };
			continue;
		}
		/* There is one if poised died before it was deleted. */
		free(kernel.tables[numbers[i]].rows);
		kernel.tables[numbers[i]].rows = calloc(sizes[i], sizeof(struct row));
		kernel.tables[numbers[i]].count = sizes[i];
		kernel.tables_made++;
		lb_rows_open(lb, numbers[i], sizes[i], &out[i]);
	}
	return 0;
}

size_t lb_rows_write(struct lb_rows *rows, const struct row *want)
{
	size_t written = 0;

	for (__u32 i = 0; i < rows->count; i++) {
		if (!memcmp(&rows->rows[i], &want[i], sizeof(*want)))
			continue;
		written++;
		if (!store())
			continue;
		rows->rows[i] = want[i];
		kernel.rows_set++;
		stored();
	}
	return written;
}

const struct row *lb_rows_get(const struct lb_rows *rows)
{
	return rows->rows;
}

struct lb_rows *lb_rows_hold(struct lb_rows *rows)
{
	rows->holders++;
	return rows;
}

void lb_rows_close(struct lb_rows *rows)
{
	if (!rows || --rows->holders)
		return;
	if (rows->own)
		free(rows->rows);
	free(rows);
}

int lb_rows_delete(struct lb *lb, const __u32 *numbers, size_t count)
{
	(void)lb;
	if (!store())
		return 0;
	for (size_t i = 0; i < count; i++) {
		free(kernel.tables[numbers[i]].rows);
		kernel.tables[numbers[i]].rows = NULL;
	}
	stored();
	return 0;
}

#endif
