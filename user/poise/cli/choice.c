// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/nearest.h"
#include "cli/command.h"
#include "cli/choice.h"

int choice_find(const char *word, const char *const *names, size_t count)
{
	size_t length = strlen(word);
	int found = -ENOENT;
	size_t i;

	for (i = 0; length && i < count; i++) {
		if (strncmp(word, names[i], length))
			continue;
		if (!names[i][length])
			return i;
		found = found == -ENOENT ? (int)i : -EEXIST;
	}
	return found;
}

/* "a, b or c"; names that `word` does not begin are left out. */
static void join_matches(const char *word, const char *const *names, size_t count, char *buf,
			 size_t size)
{
	size_t length = strlen(word), used = 0, left = 0;
	size_t i;

	for (i = 0; i < count; i++)
		left += !strncmp(word, names[i], length);
	buf[0] = '\0';
	for (i = 0; i < count && used < size; i++) {
		if (strncmp(word, names[i], length))
			continue;
		left--;
		used += snprintf(buf + used, size - used, "%s%s", names[i],
				 left > 1    ? ", "
				 : left == 1 ? " or "
					     : "");
	}
}

int choice_misuse(const char *what, const char *word, const char *const *names, size_t count)
{
	const char *nearest = nearest_name(word, names, count);
	char all[512];

	if (*word && choice_find(word, names, count) == -EEXIST) {
		join_matches(word, names, count, all, sizeof(all));
		return command_misuse("%s \"%s\" is ambiguous: %s", what, word, all);
	}
	if (nearest)
		return command_misuse("unknown %s \"%s\": did you mean \"%s\"?", what, word,
				      nearest);
	join_matches("", names, count, all, sizeof(all));
	return command_misuse("unknown %s \"%s\": expected %s", what, word, all);
}
