// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>

#include "print/format.h"
#include "cli/command.h"

static const char *const prefixes[] = { "", "k", "M", "G", "T", "P", "E" };

/* Scales down to less than 1000 as it will be printed: 999,960 is 1.0M, not 1000.0k. */
static double scale(double value, size_t *prefix)
{
	*prefix = 0;
	while (value >= 999.5 && *prefix + 1 < ARRAY_SIZE(prefixes)) {
		value /= 1000;
		(*prefix)++;
	}
	return value;
}

static int digits_after_point(double value)
{
	return value < 99.95 ? 1 : 0;
}

const char *format_count(__u64 count, char buf[FORMAT_SIZE])
{
	size_t prefix;
	double value;

	if (count < 10000) {
		snprintf(buf, FORMAT_SIZE, "%llu", (unsigned long long)count);
		return buf;
	}
	value = scale(count, &prefix);
	snprintf(buf, FORMAT_SIZE, "%.*f%s", digits_after_point(value), value, prefixes[prefix]);
	return buf;
}

const char *format_bytes(__u64 bytes, char buf[FORMAT_SIZE])
{
	size_t prefix;
	double value;

	if (bytes < 1000) {
		snprintf(buf, FORMAT_SIZE, "%llu B", (unsigned long long)bytes);
		return buf;
	}
	value = scale(bytes, &prefix);
	snprintf(buf, FORMAT_SIZE, "%.*f %sB", digits_after_point(value), value, prefixes[prefix]);
	return buf;
}

const char *format_rate(double per_s, const char *unit, char buf[FORMAT_SIZE])
{
	size_t prefix;
	double value = scale(per_s, &prefix);
	int digits = value > 0 && value < 99.95 ? 1 : 0;

	if (*unit)
		snprintf(buf, FORMAT_SIZE, "%.*f %s%s/s", digits, value, prefixes[prefix], unit);
	else
		snprintf(buf, FORMAT_SIZE, "%.*f%s/s", digits, value, prefixes[prefix]);
	return buf;
}

const char *format_share(double share, char buf[FORMAT_SIZE])
{
	if (share < 0)
		snprintf(buf, FORMAT_SIZE, "-");
	else
		snprintf(buf, FORMAT_SIZE, "%.1f %%", share * 100);
	return buf;
}

const char *format_duration(__u64 seconds, char buf[FORMAT_SIZE])
{
	unsigned long long s = seconds;

	if (s < 60)
		snprintf(buf, FORMAT_SIZE, "%llus", s);
	else if (s < 3600)
		snprintf(buf, FORMAT_SIZE, "%llum %llus", s / 60, s % 60);
	else if (s < 24 * 3600)
		snprintf(buf, FORMAT_SIZE, "%lluh %llum", s / 3600, s / 60 % 60);
	else
		snprintf(buf, FORMAT_SIZE, "%llud %lluh", s / (24 * 3600), s / 3600 % 24);
	return buf;
}
