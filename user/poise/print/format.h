/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people read them. JSON gets them raw. */
#ifndef POISE_FORMAT_H
#define POISE_FORMAT_H

#include <linux/types.h>

#define FORMAT_SIZE 32

/* "9999", "12.3k", "1.2M": whole below 10,000, above it three digits at most, powers of 1000. */
const char *format_count(__u64 count, char buf[FORMAT_SIZE]);
/* "512 B", "3.4 GB", powers of 1000. */
const char *format_bytes(__u64 bytes, char buf[FORMAT_SIZE]);
/* "0.5/s", "12.3k/s", "3.4 MB/s"; unit is "" or "B". */
const char *format_rate(double per_s, const char *unit, char buf[FORMAT_SIZE]);
/* "33.3 %"; "-" for a negative share, which stands for none. */
const char *format_share(double share, char buf[FORMAT_SIZE]);
/* "42s", "5m 12s", "3h 4m", "12d 3h". */
const char *format_duration(__u64 seconds, char buf[FORMAT_SIZE]);

#endif
