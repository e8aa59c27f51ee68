/* SPDX-License-Identifier: BSD-2-Clause */
/* What `poise flows` tells, from services in the shape of GET /v1/services. */
#ifndef POISE_FLOWS_H
#define POISE_FLOWS_H

#include <jansson.h>

/*
 * {"table", "services": [{"name", "track", "rows", "tracking", "flows", "closing", "backends":
 * [...]}]}. "flows" and "closing" are null where all rows are stable: then nothing is tracked.
 * Leaving backends stand behind the others, with state "leaving". only: one service's; NULL: all.
 * NULL: out of memory.
 */
json_t *flows_encode(const json_t *services, const json_t *table, const char *only);

/* The rows of one service of these in a sentence. */
const char *flows_rows_text(const json_t *service, char *buf, size_t size);
/* The table's state, and what to do where it is too small. */
const char *flows_table_text(const json_t *table, char *buf, size_t size);

#endif
