/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of services and backends, from poised or, when it is down, from what it last published. */
#ifndef POISE_LISTING_H
#define POISE_LISTING_H

#include <jansson.h>

#include "cli/command.h"
#include "mode/mode.h"
#include "print/table.h"

#define LISTING_STATE_SIZE 32

/* All services, or one, as the API gives them; what only poised knows is null offline. Prints why
 * not. Returns an enum poise_exit; *out is the caller's. */
int listing_services(const struct command *cmd, json_t **out);
int listing_service(const struct command *cmd, const char *name, json_t **out);
/* GET /v1/status, or its likeness with "pid" null. */
int listing_status(const struct command *cmd, json_t **out);

/* The service of that name in an array of services. NULL: none, said with the nearest names. */
json_t *listing_find(json_t *services, const char *name);

/* The backends of all these services in one array, each with its "service" first; those that leave
 * have "leaving". */
json_t *listing_backends(const json_t *services);

enum poise_mode listing_mode(const json_t *service); /* MODE_NONE: one that is not known here */
/* The same in a word or two: "nat keep". */
const char *listing_mode_text(const json_t *service);

/* How many of a service's backends are up: their health is (or they have no check) and they can be
 * reached, as far as is known. *unreachable (may be NULL): those to which only a way is missing. */
size_t listing_count_up(const json_t *service, size_t *unreachable);
/* "ready", "drain", "maint", "leaving", with ", sorry" for one of these; a sorry one that is ready
 * is "sorry". */
const char *listing_state(const json_t *backend, bool leaving, char buf[LISTING_STATE_SIZE]);
enum table_color listing_state_color(const char *state);
/* Are flows of a service known, by a table or as sockets? Those on stable rows of other
 * modes are not. */
bool listing_tracks(const json_t *service);
enum table_color listing_health_color(const char *health);

#endif
