/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of the command line -> bodies of requests, in the configuration's own keys. */
#ifndef POISE_CONFIG_OPTIONS_H
#define POISE_CONFIG_OPTIONS_H

#include <jansson.h>

#include "cli/command.h"

extern const struct option_row service_options[]; /* of service add and set */
extern const struct option_row backend_options[]; /* of backend add and set */

/*
 * The keys that the options change; of "check" only what they change in it. --check none makes it
 * null, as the other words for "none" do with theirs. Returns EXIT_DONE with *out, the caller's, or
 * EXIT_USAGE after saying which option makes no sense.
 */
int service_config(const struct command *cmd, json_t **out);

/* Puts the kind of check that --check names, other than "none", into the mapping `check`. EXIT_DONE
 * or EXIT_USAGE. */
int check_option_put(const char *text, json_t *check);

/*
 * Makes the "check" of a body, if it has one, whole: poised replaces keys, while options that only
 * tune a check keep the rest of it. present: the check so far, NULL: none. EXIT_DONE or
 * EXIT_REFUSED (nothing there to tune; said).
 */
int check_config_complete(json_t *body, const json_t *present);

/* {"address": "ADDR[:PORT]", "weight"?}; weight NULL leaves it out. EXIT_DONE or EXIT_USAGE. */
int backend_config(const char *endpoint, const char *weight, json_t **out);
/* Adds "state" and "sorry" where options ask for them. EXIT_DONE or EXIT_USAGE. */
int backend_config_put(const struct command *cmd, json_t *body);

#endif
