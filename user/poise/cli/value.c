// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <string.h>

#include "cli/numbers.h"
#include "cli/value.h"

int value_number(const struct option_row *row, const char *text, char error[OPTIONS_ERROR_SIZE])
{
	__u64 number;

	if (!number_parse(text, row->min, row->max, &number))
		return 0;
	snprintf(error, OPTIONS_ERROR_SIZE,
		 "--%s: expected a whole number from %llu to %llu, found \"%s\"", row->name,
		 (unsigned long long)row->min, (unsigned long long)row->max, text);
	return -EINVAL;
}

static bool is_absent(const struct option_row *row, const char *text)
{
	return row->absent && !strcmp(text, row->absent);
}

int value_percent(const struct option_row *row, const char *text, char error[OPTIONS_ERROR_SIZE])
{
	if (is_absent(row, text) || !percent_parse(text, row->min, row->max, &(__u64){ 0 }))
		return 0;
	snprintf(error, OPTIONS_ERROR_SIZE,
		 "--%s: expected %s%sa percentage from %llu%% to %llu%%, found \"%s\"", row->name,
		 row->absent ? row->absent : "", row->absent ? " or " : "",
		 (unsigned long long)row->min, (unsigned long long)row->max, text);
	return -EINVAL;
}

int value_time(const struct option_row *row, const char *text, char error[OPTIONS_ERROR_SIZE])
{
	char least[48] = "";
	__u64 ms;

	if (is_absent(row, text) || (!duration_parse(text, &ms) && ms >= row->min))
		return 0;
	if (row->min > 1)
		snprintf(least, sizeof(least), " of at least %llums,",
			 (unsigned long long)row->min);
	snprintf(error, OPTIONS_ERROR_SIZE,
		 "--%s: expected %s%sa time%s like 500ms, 2s or 5m, found \"%s\"", row->name,
		 row->absent ? row->absent : "", row->absent ? " or " : "", least, text);
	return -EINVAL;
}
