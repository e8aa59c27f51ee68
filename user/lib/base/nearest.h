/* SPDX-License-Identifier: BSD-2-Clause */
/* "Did you mean …": known names that are a slip of the fingers away from one that is not. */
#ifndef POISE_NEAREST_H
#define POISE_NEAREST_H

#include <stddef.h>

#define NEAREST_MAX 8

/*
 * Writes up to max (at most NEAREST_MAX) of the known names that are near `name` to out, nearest
 * first, equally near ones in the order given, and returns how many. Near is an edit distance
 * (insertions, deletions, substitutions, swapped neighbours; upper and lower case are one) of at
 * most a third of the longer name's length; two characters may differ in one.
 */
size_t nearest_names(const char *name, const char *const *known, size_t count, const char **out,
		     size_t max);

/* The first of them, NULL when none is near. */
const char *nearest_name(const char *name, const char *const *known, size_t count);

#endif
