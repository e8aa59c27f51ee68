// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "explain/explain_local.h"

#define TRIES 1024 /* LOCAL_TRIES of bpf/local_choose.h */

struct explain_choice explain_local_choose(const struct explanation *flow, const struct row *rows,
					   struct explain_choice choice, explain_takes takes,
					   void *arg)
{
	__u32 row = flow->row_index, count = flow->service.row_count;
	__u16 tried = choice.target;

	if (choice.why == EXPLAIN_NO_BACKEND || (tried && takes(arg, tried)))
		return choice;
	for (int i = 0; i < TRIES; i++) {
		__u16 target;

		row = row + 1 < count ? row + 1 : 0;
		target = rows[row].current_target;
		if (!target || target == tried)
			continue;
		tried = target;
		if (!takes(arg, target))
			continue;
		/* Nobody can foretell whom the scheduler `random` names first. */
		if (!choice.target)
			return choice;
		return (struct explain_choice){ EXPLAIN_NEXT_ROW, target };
	}
	return (struct explain_choice){ EXPLAIN_REFUSED, 0 };
}

int explain_local(const struct maps *maps, struct explanation *flow, explain_takes takes, void *arg)
{
	__u32 count = flow->service.row_count;
	struct row *rows = calloc(count + 1, sizeof(*rows));
	int err = rows ? rows_read(maps, flow->service_number, rows, count) : -ENOMEM;

	if (!err) {
		flow->first_chosen = flow->first.target;
		flow->first = explain_local_choose(flow, rows, flow->first, takes, arg);
		flow->others = explain_local_choose(flow, rows, flow->others, takes, arg);
	}
	free(rows);
	return err;
}
