/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers handed out round robin, so that one that came back is the last to be used again. */
#ifndef POISE_NUMBERS_H
#define POISE_NUMBERS_H

#include <linux/types.h>
#include <stdbool.h>

struct numbers {
	bool *used;
	__u32 first, end; /* first .. end - 1 */
	__u32 next;
	__u32 used_count;
};

int numbers_init(struct numbers *numbers, __u32 first, __u32 end); /* 0 or -ENOMEM */
void numbers_free(struct numbers *numbers);

int numbers_take(struct numbers *numbers, __u32 *out);   /* 0 or -ENOSPC */
int numbers_mark(struct numbers *numbers, __u32 number); /* 0, -ERANGE or -EEXIST */
/* The same, of one that nobody has; the next one taken stays. */
void numbers_hold(struct numbers *numbers, __u32 number);
void numbers_release(struct numbers *numbers, __u32 number);
__u32 numbers_left(const struct numbers *numbers);

#endif
