/* SPDX-License-Identifier: BSD-2-Clause */
/* One service, "web", whose rows move: what its rows say, and flows of theirs. */
#ifndef POISE_TEST_MOVING_BOX_H
#define POISE_TEST_MOVING_BOX_H

#include "reconcile_box.h"
#include "poise/flow.h"

#define CHECKED  "'mode': 'ipip', 'settle': '80s', 'check': {'tcp': true},"
#define SETTLING "'mode': 'ipip', 'settle': '80s',"
#define TWO      "'10.0.0.11', '10.0.0.12'"
#define THREE    "'10.0.0.11', '10.0.0.12', '10.0.0.13'"

static inline __u16 target_of(const char *id)
{
	struct run_service *service = service_find(rec, "web");
	struct addr addr;
	__u16 port;

	assert_int_equal(endpoint_parse(id, &addr, &port), 0);
	for (size_t i = 0; i < service_members(service); i++)
		if (addr_equal(&service_member(service, i)->addr, &addr))
			return service_member(service, i)->target;
	fail_msg("%s: neither there nor leaving", id);
	return 0;
}

/* Rows {current, previous}, current 0: any. */
static inline unsigned int rows_like(__u16 current, __u16 previous)
{
	const struct run_service *service = service_find(rec, "web");
	const struct row *rows = kernel.tables[service->number].rows;
	unsigned int count = 0;

	for (__u32 i = 0; i < service->row_count; i++)
		count += (!current || rows[i].current_target == current) &&
			 rows[i].previous_target == previous;
	return count;
}

static inline struct service entry(void)
{
	struct service value = { 0 };

	assert_int_equal(lb_service_get(NULL, &service_find(rec, "web")->key, &value), 0);
	return value;
}

/* A flow of a row of the service, as a packet would have noted it down. */
static inline __u64 *flow_make(__u32 row, __u16 target, __u32 ticks)
{
	__u32 now = flow_clock_tick(lb_clock(NULL), kernel.time_ns);
	__u32 tag = ((__u64)row << 32) / service_find(rec, "web")->row_count + 1;
	__u64 *at = &kernel.flows[row].entries[0];

	assert_int_equal(flow_row(tag, service_find(rec, "web")->row_count), row);
	*at = flow_entry(tag, target, now + ticks, FLOW_ESTABLISHED);
	return at;
}

static inline __u32 row_like(__u16 current, __u16 previous)
{
	const struct run_service *service = service_find(rec, "web");
	const struct row *rows = kernel.tables[service->number].rows;
	__u32 i = 0;

	while (rows[i].current_target != current || rows[i].previous_target != previous)
		i++;
	return i;
}

static inline void run(const char *more, unsigned int count)
{
	static const char *const addrs[] = { "10.0.0.11", "10.0.0.12", "10.0.0.13" };
	static const char *const lists[] = { "", "'10.0.0.11'", TWO, THREE };

	assert_int_equal(apply_web(more, lists[count]), 0);
	for (unsigned int i = 0; i < count; i++) {
		hop_ready(addrs[i]);
		if (check_of(addrs[i]))
			health_tell(addrs[i], HEALTH_UP);
	}
	for (int i = 0; i < 12; i++)
		pass_after(20000);
	assert_int_equal(rows_like(0, 0), ROWS);
	kernel.always_rows = true;
}

#endif
