/* SPDX-License-Identifier: BSD-2-Clause */
/* The pinned maps and links of an instance, read without poised. */
#ifndef POISE_OFFLINE_H
#define POISE_OFFLINE_H

#include <jansson.h>

#include "maps/maps.h"
#include "cli/command.h"
#include "pinned/tracking.h"

/* Names and numbers as last published; arrays are indexed by number, empty names are not in use. */
struct names {
	struct service_name *services; /* POISE_MAX_SERVICES of them */
	struct target_name *targets;
	size_t target_count;
};

/*
 * Opens the maps of the command's instance. Says why it cannot: EXIT_NO_DAEMON where nothing is
 * pinned, so nothing runs, else EXIT_REFUSED. offline_open also says that poised does not answer.
 */
int offline_open(const struct command *cmd, struct maps *maps);
int offline_open_maps(const struct command *cmd, struct maps *maps);
int offline_open_silent(const struct command *cmd, struct maps *maps); /* 0 or -errno */

int names_read(const struct maps *maps, struct names *out); /* 0 or -errno */
void names_free(struct names *names);                       /* an empty one is fine */

/*
 * In the shapes of GET /v1/services and /v1/status. NULL: not readable, or out of memory. *tables
 * (may be NULL, set on success only): the status's "flows", null where the tables cannot be read,
 * and "nat", if there is such a table.
 */
json_t *offline_services(const struct maps *maps, json_t **tables);
json_t *offline_status(const struct command *cmd, const struct maps *maps);

#endif
