// SPDX-License-Identifier: BSD-2-Clause
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"

static const char *program_name = "poise";
static bool level_prefix;

/* Who else is told. */
static _Thread_local void (*overhear)(const char *text, void *arg);
static _Thread_local void *overhear_arg;

/* systemd tells device:inode of what it reads: a redirected standard error gets no prefixes. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) != 2)
		return false;
	return !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

void log_init(const char *program)
{
	program_name = program;
	level_prefix = stderr_is_journal();
}

void log_overhear(void (*hear)(const char *text, void *arg), void *arg)
{
	overhear = hear;
	overhear_arg = arg;
}

/* One write per message, so that those of two processes on one terminal do not mix. */
static void log_write(int level, const char *format, va_list args)
{
	char line[2048];
	size_t length;
	int n;

	if (level_prefix)
		n = snprintf(line, sizeof(line), "<%d>", level);
	else
		n = snprintf(line, sizeof(line), "%s: ", program_name);
	if (n < 0 || (size_t)n >= sizeof(line) / 2)
		return;
	vsnprintf(line + n, sizeof(line) - n - 1, format, args);
	if (overhear && level <= LOG_WARNING)
		overhear(line + n, overhear_arg);
	length = strlen(line);
	line[length++] = '\n';
	/* Nowhere is left to complain to. */
	if (write(STDERR_FILENO, line, length) < 0)
		return;
}

void log_err(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_write(LOG_ERR, format, args);
	va_end(args);
}

void log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_write(LOG_WARNING, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_write(LOG_INFO, format, args);
	va_end(args);
}
