// SPDX-License-Identifier: BSD-2-Clause
/* Rows that are not stable: how old they are, and when they settle. */
#include <stdlib.h>
#include <string.h>

#include "publish/publish.h"
#include "publish/row_age.h"

static bool ages_needed(const struct live_service *service, const struct row *rows)
{
	for (__u32 i = 0; i < service->row_count; i++)
		if (rows[i].previous_target && (!service->always || row_moving(rows[i])))
			return true;
	return false;
}

/* Without memory rows just stay what they are, until there is some. */
static void ages_make(struct live_service *service, const struct row *rows)
{
	service->ages = malloc(service->row_count);
	service->aged_ns = now_ns();
	for (__u32 i = 0; i < service->row_count && service->ages; i++)
		service->ages[i] = row_age_first(rows[i]);
}

void ages_follow(struct live_service *service, const struct row *want)
{
	const struct row *now = lb_rows_get(service->rows);

	if (!ages_needed(service, want)) {
		free(service->ages);
		service->ages = NULL;
	} else if (!service->ages) {
		ages_make(service, want);
	} else {
		for (__u32 i = 0; i < service->row_count; i++)
			service->ages[i] = row_age_next(service->ages[i], now[i], want[i]);
	}
}

void ages_advance(struct live_service *service)
{
	__u64 slice_ns = service->conf->settle_ms * 1000000ULL / ROW_AGE_SLICES;
	__u64 slices = (now_ns() - service->aged_ns) / slice_ns;

	if (!service->ages || !slices)
		return;
	service->aged_ns += slices * slice_ns;
	for (__u32 i = 0; i < service->row_count; i++)
		service->ages[i] = row_age_grow(service->ages[i], slices);
}

void ages_restart(struct live_service *service)
{
	const struct row *rows = lb_rows_get(service->rows);

	service->aged_ns = now_ns();
	for (__u32 i = 0; i < service->row_count && service->ages; i++)
		service->ages[i] = row_age_first(rows[i]);
}

bool ages_begin_sweep(struct live_service *service, __u64 began_ns)
{
	const struct row *rows = lb_rows_get(service->rows);
	bool judged = false;

	if (!service->ages && ages_needed(service, rows))
		ages_make(service, rows);
	/* A packet may still be on its way to make an entry by a row as it was. */
	if (!service->ages || service->always || began_ns - service->stored_ns < IN_FLIGHT_NS)
		return false;
	for (__u32 i = 0; i < service->row_count; i++) {
		service->ages[i] = row_age_begin_sweep(service->ages[i]);
		judged |= service->ages[i] == ROW_AGE_JUDGED;
	}
	return judged;
}

/* A row that nobody has the new flows of waits for silent ones for ever, as nobody else could take
 * them; but not if they are a removed backend's, which is to go in the end. */
static bool is_given_up(const struct live_service *service, struct row row, __u8 age)
{
	if (!row_moving(row) || row.current_target || age != ROW_AGE_SETTLED)
		return false;
	for (size_t i = 0; i < service->leaving_count; i++)
		if (service->leaving[i]->target == row.previous_target)
			return true;
	return false;
}

void rows_judge(struct live_service *service, const __u8 *held)
{
	const struct row *now = lb_rows_get(service->rows);
	struct row *want = service->model->rows;
	bool stays = service->always || !held;

	if (!service->ages)
		return;
	ages_advance(service);
	for (__u32 i = 0; i < service->row_count; i++) {
		want[i] = row_age_judge(now[i], service->ages[i], held && held[i], stays);
		if (is_given_up(service, want[i], service->ages[i]))
			want[i].previous_target = ROW_TRACKED;
	}
	ages_follow(service, want);
	if (!lb_rows_write(service->rows, want))
		return;
	service->stored_ns = now_ns();
	rows_count(service);
}
