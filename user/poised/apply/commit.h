/* SPDX-License-Identifier: BSD-2-Clause */
/* The second half of a change: a plan becomes what packets see. */
#ifndef POISE_COMMIT_H
#define POISE_COMMIT_H

#include "apply/plan.h"

struct commit {
	struct live_service **services; /* room for the plan's */
	struct service_key *keys;       /* the same */
	struct live_service **removed;  /* room for those that run */
	size_t removed_count;
};

int commit_init(const struct model *model, const struct plan *plan, struct commit *commit);
void commit_free(struct commit *commit);
/* Publishes a plan. Cannot fail: what the kernel refuses is logged. */
void commit_run(struct model *model, struct conf *conf, struct plan *plan, struct commit *commit);

#endif
