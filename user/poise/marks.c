// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "marks.h"

/* "services[1].weight" -> "services[1]" -> "services" -> "" */
static void cut_last(char *path)
{
	size_t length = strlen(path);

	while (length && path[length - 1] != '.' && path[length - 1] != '[')
		length--;
	path[length ? length - 1 : 0] = '\0';
}

void marks_find(const conf_marks *marks, const char *path, int *line, int *column)
{
	char buf[sizeof(((struct conf_error *)NULL)->path)];
	const json_t *mark;

	*line = *column = 0;
	snprintf(buf, sizeof(buf), "%s", path);
	mark = json_object_get(marks, buf);
	while (!mark && buf[0]) {
		cut_last(buf);
		mark = json_object_get(marks, buf);
	}
	*line = json_integer_value(json_array_get(mark, 0));
	*column = json_integer_value(json_array_get(mark, 1));
}
