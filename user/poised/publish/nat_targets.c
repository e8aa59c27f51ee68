// SPDX-License-Identifier: BSD-2-Clause
/* Targets by nat follow their sources, and sources that no target and no flow names go. */
#include "publish/publish_impl.h"

static bool names_others(const struct live_backend *backend)
{
	struct target_sources sources;
	struct target value;

	/* There may be one now. */
	if (backend->sourceless)
		return true;
	if (!backend->hop_told || backend->hop.state != NEXTHOP_READY ||
	    lb_target_get(backend->service->model->deps.lb, backend->target, &value) ||
	    !mode_has_nat_table(value.mode) || nat_sources_of(backend, &sources))
		return false;
	return value.nat.first_source != sources.first || value.nat.source_count != sources.count;
}

void nat_targets_update(struct model *model)
{
	for (size_t i = 0; i < model->service_count; i++) {
		struct live_service *service = model->services[i];

		if (!mode_has_nat_table(service->delivery.mode))
			continue;
		for (size_t j = 0; j < service_members(service); j++)
			if (names_others(service_member(service, j)))
				backend_hop_update(service_member(service, j), false);
	}
}

/* ---- sources that nobody names */

static void named_mark(const struct model *model, bool named[POISE_MAX_NAT_SOURCES])
{
	struct target value;

	for (__u32 i = 1; i < lb_max_targets(model->deps.lb); i++) {
		if (lb_target_get(model->deps.lb, i, &value) || !mode_has_nat_table(value.mode))
			continue;
		for (__u32 j = 0; j < value.nat.source_count; j++)
			named[(value.nat.first_source + j) % POISE_MAX_NAT_SOURCES] = true;
	}
}

/* Those that no target has named since before the sweep began, and the sweep found no flow of. */
static bool is_idle(struct nat_source_slot *slot, bool named, bool flows, __u64 began_ns)
{
	if (named)
		slot->unnamed_ns = 0;
	else if (!slot->unnamed_ns)
		slot->unnamed_ns = now_ns();
	return slot->unnamed_ns && slot->unnamed_ns <= began_ns - IN_FLIGHT_NS && !flows;
}

void nat_conclude(struct model *model, const __u8 *sources_used, __u64 began_ns)
{
	static const struct nat_source none;
	struct nat_sources *sources = &model->nat.sources;
	bool named[POISE_MAX_NAT_SOURCES] = { false }, gone[POISE_MAX_NAT_SOURCES] = { false };
	bool any_gone = false;

	named_mark(model, named);
	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++) {
		struct nat_source_slot *slot = &sources->slots[i];

		if (!slot->used || !is_idle(slot, named[i], sources_used[i], began_ns))
			continue;
		gone[i] = !slot->listed || nat_sources_adjoin(sources, i);
		any_gone |= gone[i];
		if (!slot->listed)
			nat_sources_drop(sources, i);
	}
	if (!any_gone)
		return;
	nat_sources_store(model);
	extra_entries_publish(model, true);
	for (__u32 i = 0; i < POISE_MAX_NAT_SOURCES; i++)
		if (gone[i] && !sources->slots[i].used)
			lb_nat_source_set(model->deps.lb, i, &none);
	nat_targets_update(model);
	nat_split_tell(model);
}
