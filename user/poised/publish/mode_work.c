// SPDX-License-Identifier: BSD-2-Clause
#include "base/array.h"
#include "publish/local_backends.h"
#include "publish/mode_work.h"
#include "publish/publish.h"

static const struct mode_work works[] = {
	{
		.is = mode_has_nat_table,
		.plan = nat_plan,
		.conf_changed = nat_commit,
		.services_changed = nat_targets_update,
	},
	{
		.is = mode_has_sockets,
		.plan = local_backends_plan,
		.undo = local_backends_undo,
		.services_changed = local_backends_commit,
		.published = local_backends_committed,
		.look = local_backends_look,
	},
};

int mode_work_plan(struct model *model, const struct conf *conf, struct conf_error *error)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(works) && !err; i++)
		if (works[i].plan)
			err = works[i].plan(model, conf, error);
	return err;
}

void mode_work_undo(struct model *model)
{
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		if (works[i].undo)
			works[i].undo(model);
}

void mode_work_conf_changed(struct model *model)
{
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		if (works[i].conf_changed)
			works[i].conf_changed(model);
}

void mode_work_services_changed(struct model *model)
{
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		if (works[i].services_changed)
			works[i].services_changed(model);
}

void mode_work_published(struct model *model)
{
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		if (works[i].published)
			works[i].published(model);
}

void mode_work_look(struct live_backend *backend)
{
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		if (works[i].look && works[i].is(backend->service->delivery.mode))
			works[i].look(backend);
}
