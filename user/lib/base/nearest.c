// SPDX-License-Identifier: BSD-2-Clause
#include <ctype.h>
#include <string.h>

#include "base/nearest.h"

#define LONGEST  64 /* longer names are never taken for slips of each other */
#define FAR_AWAY (LONGEST + 1)

static int fold(char c)
{
	return tolower((unsigned char)c);
}

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return least < c ? least : c;
}

/* Optimal string alignment, three rows of the matrix at a time. */
static unsigned int edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned int rows[3][LONGEST + 1];
	unsigned int *before = rows[0], *above = rows[1], *now = rows[2], *spare;
	size_t i, j;

	for (j = 0; j <= b_length; j++)
		above[j] = j;
	for (i = 1; i <= a_length; i++) {
		now[0] = i;
		for (j = 1; j <= b_length; j++) {
			unsigned int differs = fold(a[i - 1]) != fold(b[j - 1]);

			now[j] = min3(above[j] + 1, now[j - 1] + 1, above[j - 1] + differs);
			if (i > 1 && j > 1 && fold(a[i - 1]) == fold(b[j - 2]) &&
			    fold(a[i - 2]) == fold(b[j - 1]) && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		spare = before;
		before = above;
		above = now;
		now = spare;
	}
	return above[b_length];
}

static unsigned int slip_distance(const char *name, const char *known)
{
	size_t a = strnlen(name, LONGEST + 1), b = strnlen(known, LONGEST + 1);
	size_t longer = a > b ? a : b;
	unsigned int distance;

	if (!a || !b || longer > LONGEST)
		return FAR_AWAY;
	distance = edit_distance(name, a, known, b);
	if (distance <= longer / 3 || (distance == 1 && longer == 2))
		return distance;
	return FAR_AWAY;
}

size_t nearest_names(const char *name, const char *const *known, size_t count, const char **out,
		     size_t max)
{
	unsigned int distances[NEAREST_MAX] = { 0 };
	size_t found = 0;
	size_t i, at;

	if (max > NEAREST_MAX)
		max = NEAREST_MAX;
	for (i = 0; max && i < count; i++) {
		unsigned int distance = slip_distance(name, known[i]);

		if (distance == FAR_AWAY || (found == max && distance >= distances[max - 1]))
			continue;
		at = found < max ? found++ : max - 1;
		for (; at > 0 && distances[at - 1] > distance; at--) {
			distances[at] = distances[at - 1];
			out[at] = out[at - 1];
		}
		distances[at] = distance;
		out[at] = known[i];
	}
	return found;
}

const char *nearest_name(const char *name, const char *const *known, size_t count)
{
	const char *nearest;

	return nearest_names(name, known, count, &nearest, 1) ? nearest : NULL;
}
