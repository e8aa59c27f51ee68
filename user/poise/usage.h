/* SPDX-License-Identifier: BSD-2-Clause */
/* Help texts, made from the same rows that the words are checked against. */
#ifndef POISE_USAGE_H
#define POISE_USAGE_H

#include "poise.h"

void usage_object(FILE *out, const char *object, const struct verb *verbs, size_t count);
void usage_verb(FILE *out, const char *object, const struct verb *verb);

#endif
