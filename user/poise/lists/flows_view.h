/* SPDX-License-Identifier: BSD-2-Clause */
/* The answer of `poise flows`, made from services in the shape of GET /v1/services. */
#ifndef POISE_FLOWS_VIEW_H
#define POISE_FLOWS_VIEW_H

#include <jansson.h>

/*
 * {"table", "nat"?, "services": [{"name", "mode", "track", "rows", "tracking", "flows", "closing",
 * "backends": [...]}]}. "flows" and "closing" are null where nobody knows: all rows are stable, or
 * poised alone counts sockets. Leaving backends stand behind the others, with state "leaving".
 * tables: {"flows", "nat"?}. only: one service's; NULL: all. NULL: out of memory.
 */
json_t *flows_encode(const json_t *services, const json_t *tables, const char *only);
/* Prints that as tables and sentences. Returns an enum poise_exit. */
int flows_print(const json_t *flows);

/* The sentence that says where flows of one of these services are remembered. */
const char *flows_rows_text(const json_t *service, char *buf, size_t size);
/* The table's state, and what to do where it is too small. */
const char *flows_table_text(const json_t *table, char *buf, size_t size);

#endif
