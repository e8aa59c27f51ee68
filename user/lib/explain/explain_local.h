/* SPDX-License-Identifier: BSD-2-Clause */
/* Mode local: the socket that a connection gets in the end, found as bpf/local/local_choose.h does.
 */
#ifndef POISE_EXPLAIN_LOCAL_H
#define POISE_EXPLAIN_LOCAL_H

#include "explain/explain.h"

/* Tells whether a target has a socket that takes clients of the flow's family. */
typedef bool (*explain_takes)(void *arg, __u16 target);

/* A pure function: what becomes of a choice. rows: all rows of the service. */
struct explain_choice explain_local_choose(const struct explanation *flow, const struct row *rows,
					   struct explain_choice choice, explain_takes takes,
					   void *arg);

/* Does that to both answers of a flow of mode local, with the rows as they are. 0 or -errno. */
int explain_local(const struct maps *maps, struct explanation *flow, explain_takes takes,
		  void *arg);

#endif
