// SPDX-License-Identifier: BSD-2-Clause
#include <stdarg.h>
#include <stdio.h>

#include "cli/refuse.h"

static void complain(const char *format, va_list args)
{
	fflush(stdout);
	fputs("poise: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int command_refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return EXIT_REFUSED;
}

int command_misuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return EXIT_USAGE;
}
