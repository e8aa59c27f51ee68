// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "conf_error.h"
#include "marks.h"

/* "services[1].weight" -> "services[1]" -> "services" -> "" */
static void cut_last(struct conf_path *path)
{
	size_t length = path->length;

	while (length && path->text[length - 1] != '.' && path->text[length - 1] != '[')
		length--;
	conf_path_cut(path, length ? length - 1 : 0);
}

void marks_find(const conf_marks *marks, const char *path, int *line, int *column)
{
	struct conf_path at = { 0 };

	*line = *column = 0;
	if (!marks)
		return;
	snprintf(at.text, sizeof(at.text), "%s", path);
	at.length = strlen(at.text);
	while (!conf_mark_get(marks, &at, CONF_MARK_VALUE, line, column) && at.length)
		cut_last(&at);
}
