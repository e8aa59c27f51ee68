// SPDX-License-Identifier: BSD-2-Clause
/* How many rows are stable, moving and tracked, and whose they are. */
#include "publish/publish.h"

/* In mode nat the NAT table knows each flow and who has it; in mode local the kernel knows each
 * connection. But where a flow is all that a client sends, the flow table knows clients. */
bool rows_untracked(enum poise_mode mode, __u8 proto, __u16 flags)
{
	return mode_knows_flows(mode, proto) && !(flags & SERVICE_HASH_SOURCE);
}

void rows_count(struct live_service *service)
{
	struct model *model = service->model;
	const struct row *rows = lb_rows_get(service->rows);
	size_t members = service_members(service);

	for (size_t i = 0; i < members; i++) {
		__u16 target = service_member(service, i)->target;

		model->rows_of_target[target] = model->older_rows_of_target[target] = 0;
	}
	service->stable_rows = service->tracked_rows = 0;
	for (__u32 i = 0; i < service->row_count; i++) {
		model->rows_of_target[rows[i].current_target]++;
		model->older_rows_of_target[rows[i].previous_target]++;
		service->stable_rows += !rows[i].previous_target;
		service->tracked_rows += rows[i].previous_target == ROW_TRACKED;
	}
	service->moving_rows = service->row_count - service->stable_rows - service->tracked_rows;
	for (size_t i = 0; i < members; i++) {
		struct live_backend *backend = service_member(service, i);

		backend->rows = model->rows_of_target[backend->target];
		backend->older_rows = model->older_rows_of_target[backend->target];
		if (backend->rows || backend->older_rows)
			backend->unnamed_ns = 0;
		else if (!backend->unnamed_ns)
			backend->unnamed_ns = now_ns();
	}
}
