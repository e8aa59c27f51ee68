/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON trees: printing them, and reading members that may be absent. */
#ifndef POISE_JSON_H
#define POISE_JSON_H

#include <jansson.h>
#include <linux/types.h>

/* Indented, on standard output. Takes the reference over; NULL counts as out of memory. Returns an
 * enum poise_exit. */
int print_json(json_t *tree);

/* Text of a member, "-" where it is absent, null or empty. */
const char *member_text(const json_t *object, const char *key);
__u64 member_number(const json_t *object, const char *key); /* 0 where it is absent or negative */

#endif
