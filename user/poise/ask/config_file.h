/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration file that the command was given. */
#ifndef POISE_CONFIG_FILE_H
#define POISE_CONFIG_FILE_H

#include <jansson.h>
#include <stddef.h>

#include "conf/conf_error.h"

struct config_file {
	const char *name; /* for messages */
	json_t *tree;
	conf_marks *marks;
	size_t services, backends;
};

/* Reads and decodes a file, "-" being standard input. EXIT_DONE with *out, or EXIT_REFUSED after
 * saying what is wrong and where. */
int config_file_load(const char *path, struct config_file *out);
void config_file_free(struct config_file *file);

/* "poise.yaml: applied: 2 services, 5 backends" */
void config_file_print(const struct config_file *file, const char *verdict);
/* Says what is wrong with it: an error with line and column. Returns EXIT_REFUSED. */
int config_file_refuse(const char *name, const struct conf_error *error);

#endif
