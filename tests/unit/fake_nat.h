/* SPDX-License-Identifier: BSD-2-Clause */
/* The fake kernel's maps of NAT. */
#ifndef POISE_TEST_FAKE_NAT_H
#define POISE_TEST_FAKE_NAT_H

#include "fake_kernel.h"

int lb_nat_make(struct lb *lb, struct lb_error *error)
{
	(void)lb;
	if (kernel.full) {
		snprintf(error->text, sizeof(error->text), "no memory for the NAT table");
		return -ENOMEM;
	}
	kernel.nat_made = true;
	return 0;
}

struct nat_set *lb_nat_table(const struct lb *lb, __u32 *count)
{
	(void)lb;
	*count = kernel.nat_made ? FAKE_NAT_SETS : 0;
	return kernel.nat_made ? kernel.nat_sets : NULL;
}

int lb_nat_source_get(const struct lb *lb, __u32 index, struct nat_source *out)
{
	(void)lb;
	*out = kernel.nat_sources[index];
	return 0;
}

int lb_nat_source_set(struct lb *lb, __u32 index, const struct nat_source *value)
{
	(void)lb;
	if (!store())
		return 0;
	kernel.nat_sources[index] = *value;
	stored();
	return 0;
}

void lb_switches_set(struct lb *lb, const struct switches *value)
{
	(void)lb;
	if (!store())
		return;
	kernel.switches = *value;
	stored();
}

#endif
