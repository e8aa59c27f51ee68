/* SPDX-License-Identifier: BSD-2-Clause */
/* A balancer and its NAT table. */
#ifndef POISE_TEST_LB_NAT_BOX_H
#define POISE_TEST_LB_NAT_BOX_H

#include "lb_box.h"
#include "caught.h"
#include "poised/lb_impl.h"

static char said[2000];

static inline struct lb *open_nat(__u32 nat_flows)
{
	const struct lb_options options = { .instance_dir = dir, .nat_flows = nat_flows };
	struct caught caught;
	struct lb *lb;

	caught_begin(&caught);
	lb = open_with(&options);
	caught_end(&caught, said, sizeof(said));
	return lb;
}

static inline struct nat_set *make(struct lb *lb, __u32 want_flows)
{
	struct nat_set *table;
	__u32 count;

	if (lb_nat_make(lb, &error))
		fail_msg("lb_nat_make: %s", error.text);
	table = lb_nat_table(lb, &count);
	assert_non_null(table);
	assert_int_equal(count, want_flows * 2 / NAT_PER_SET);
	return table;
}

static inline __u32 table_id(const struct lb *lb)
{
	__u32 zero = 0, id = 0;
	int err = bpf_map_lookup_elem(lb_maps(lb)->nat_table, &zero, &id);

	return err ? 0 : id;
}

#endif
