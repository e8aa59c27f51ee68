// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/refusal.h"

int refuse(struct refusal *refusal, int status, const char *path, const char *format, ...)
{
	struct conf_error *error = &refusal->error;
	va_list args;

	memset(refusal, 0, sizeof(*refusal));
	refusal->status = status;
	if (path)
		snprintf(error->path, sizeof(error->path), "%s", path);
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -EINVAL;
}
