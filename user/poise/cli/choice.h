/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of the command line that must be one of a few: whole, or cut short as in ip(8). */
#ifndef POISE_CHOICE_H
#define POISE_CHOICE_H

#include <stddef.h>

/*
 * Index of the name that `word` is or that it alone begins. -ENOENT: none, also for an empty word;
 * -EEXIST: several begin so.
 */
int choice_find(const char *word, const char *const *names, size_t count);

/* Says what choice_find found wrong, with the names that come near or fit: "unknown verb "lsit":
 * did you mean "list"?". `what` is "verb", "object". Returns EXIT_USAGE. */
int choice_misuse(const char *what, const char *word, const char *const *names, size_t count);

#endif
