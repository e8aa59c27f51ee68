/* SPDX-License-Identifier: BSD-2-Clause */
/* Services and backends as people see them. */
#ifndef POISE_VIEW_H
#define POISE_VIEW_H

#include <jansson.h>

/* Tables on standard output; each returns an enum poise_exit. */
int view_services(const json_t *services);
int view_service(const json_t *service);   /* one, with its backends */
int view_backends(const json_t *services); /* of all these services, one table */

/* Says on standard error, in a line, where to look when something is down. */
void view_hint(const json_t *services);

#endif
