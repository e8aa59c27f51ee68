// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "model/numbers.h"

int numbers_init(struct numbers *numbers, __u32 first, __u32 end)
{
	numbers->used = calloc(end, sizeof(*numbers->used));
	if (!numbers->used)
		return -ENOMEM;
	numbers->first = first;
	numbers->end = end;
	numbers->next = first;
	numbers->used_count = 0;
	return 0;
}

void numbers_free(struct numbers *numbers)
{
	free(numbers->used);
	numbers->used = NULL;
}

__u32 numbers_left(const struct numbers *numbers)
{
	return numbers->end - numbers->first - numbers->used_count;
}

static __u32 after(const struct numbers *numbers, __u32 number)
{
	return number + 1 < numbers->end ? number + 1 : numbers->first;
}

int numbers_take(struct numbers *numbers, __u32 *out)
{
	if (!numbers_left(numbers))
		return -ENOSPC;
	while (numbers->used[numbers->next])
		numbers->next = after(numbers, numbers->next);
	*out = numbers->next;
	numbers->used[*out] = true;
	numbers->used_count++;
	numbers->next = after(numbers, *out);
	return 0;
}

int numbers_mark(struct numbers *numbers, __u32 number)
{
	if (number < numbers->first || number >= numbers->end)
		return -ERANGE;
	if (numbers->used[number])
		return -EEXIST;
	numbers->used[number] = true;
	numbers->used_count++;
	/* Whoever marks numbers took them earlier: go on behind the highest. */
	if (number >= numbers->next)
		numbers->next = after(numbers, number);
	return 0;
}

void numbers_hold(struct numbers *numbers, __u32 number)
{
	numbers->used_count += !numbers->used[number];
	numbers->used[number] = true;
}

void numbers_release(struct numbers *numbers, __u32 number)
{
	if (!numbers->used[number])
		return;
	numbers->used[number] = false;
	numbers->used_count--;
}
