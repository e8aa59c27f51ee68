/* SPDX-License-Identifier: BSD-2-Clause */
/* Mode local: whose socket a connection gets in the end, as bpf/local_choose.h looks for it. */
#ifndef POISE_EXPLAIN_LOCAL_H
#define POISE_EXPLAIN_LOCAL_H

#include "explain.h"

/* Whether a target has a socket, and one that takes clients of the flow's family. */
typedef bool (*explain_takes)(void *arg, __u16 target);

/* Pure: what becomes of a choice. rows: all of the service's. */
struct explain_choice explain_local_choose(const struct explanation *flow, const struct row *rows,
					   struct explain_choice choice, explain_takes takes,
					   void *arg);

/* The same for both answers of a flow of mode local, with the rows as they are. 0 or -errno. */
int explain_local(const struct maps *maps, struct explanation *flow, explain_takes takes,
		  void *arg);

#endif
