// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "rows/apportion.h"

static int compare_id(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int compare_remainder(const void *a, const void *b)
{
	const struct share *x = a, *y = b;

	if (x->remainder != y->remainder)
		return x->remainder > y->remainder ? -1 : 1;
	return compare_id(a, b);
}

/* In the order of ids. 0, or -EINVAL for a twin id. */
static int take_backends(struct share *shares, const struct maglev_backend *backends, size_t count,
			 size_t *used)
{
	*used = 0;
	for (size_t i = 0; i < count; i++)
		shares[i] = (struct share){ .id = backends[i].id,
					    .weight = backends[i].weight,
					    .target = backends[i].target };
	qsort(shares, count, sizeof(*shares), compare_id);
	for (size_t i = 1; i < count; i++)
		if (shares[i].id == shares[i - 1].id)
			return -EINVAL;
	for (size_t i = 0; i < count; i++)
		if (shares[i].weight)
			shares[(*used)++] = shares[i];
	return 0;
}

int apportion(const struct maglev_backend *backends, size_t count, __u32 row_count,
	      struct share *shares, size_t *used)
{
	__u64 weight_sum = 0;
	__u32 left = row_count;
	int err;

	err = take_backends(shares, backends, count, used);
	if (err || !*used)
		return err;
	for (size_t i = 0; i < *used; i++)
		weight_sum += shares[i].weight;
	for (size_t i = 0; i < *used; i++) {
		__u64 product = (__u64)shares[i].weight * row_count;

		shares[i].rows = product / weight_sum;
		shares[i].remainder = product % weight_sum;
		left -= shares[i].rows;
	}
	qsort(shares, *used, sizeof(*shares), compare_remainder);
	for (__u32 i = 0; i < left; i++)
		shares[i].rows++;
	qsort(shares, *used, sizeof(*shares), compare_id);
	return 0;
}
