/* SPDX-License-Identifier: BSD-2-Clause */
/* Help texts, made from the same rows that the words are checked against. */
#ifndef POISE_HELP_H
#define POISE_HELP_H

#include "cli/command.h"

void help_command(FILE *out, const struct object *const *objects, size_t count);
void help_object(FILE *out, const struct object *object);
void help_verb(FILE *out, const struct object *object, const struct verb *verb);

#endif
