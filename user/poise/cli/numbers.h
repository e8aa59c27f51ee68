/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers and times as they are typed. */
#ifndef POISE_CLI_NUMBERS_H
#define POISE_CLI_NUMBERS_H

#include <linux/types.h>

/* A whole number in digits only (no sign, no blank, no leading zero). 0 or -EINVAL. */
int number_parse(const char *text, __u64 min, __u64 max, __u64 *out);
/* A whole number with or without a "%" behind it. 0 or -EINVAL. */
int percent_parse(const char *text, __u64 min, __u64 max, __u64 *out);
/* "500ms", "2s", "5m", "1h": digits and a unit. 0 or -EINVAL, also above a day. */
int duration_parse(const char *text, __u64 *out_ms);

#endif
