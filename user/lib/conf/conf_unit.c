// SPDX-License-Identifier: BSD-2-Clause
/* The checked decode's values that have a unit: durations, sizes, percentages. */
#include <stdio.h>
#include <string.h>

#include "conf/conf_decode.h"

static const struct {
	const char *unit;
	__u32 ms;
} duration_units[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };

#define DURATION_UNITS (ARRAY_SIZE(duration_units))

/* Text that begins with up to nine digits, no sign and no leading zero: what follows them. NULL: no
 * such text. */
static const char *parse_digits(const json_t *value, __u64 *out)
{
	const char *text = json_string_value(value);
	__u64 number = 0;
	size_t i;

	if (!text || strlen(text) != json_string_length(value))
		return NULL;
	for (i = 0; text[i] >= '0' && text[i] <= '9'; i++) {
		if (i == 9)
			return NULL;
		number = number * 10 + (text[i] - '0');
	}
	if (!i || text[0] == '0')
		return NULL;
	*out = number;
	return text + i;
}

/* Digits and a unit, nothing else: no fraction, no blank. */
static bool duration_parse(const json_t *value, __u64 *out_ms)
{
	const char *unit;
	__u64 number;
	size_t i;

	unit = parse_digits(value, &number);
	for (i = 0; unit && i < DURATION_UNITS; i++) {
		if (!strcmp(unit, duration_units[i].unit)) {
			*out_ms = number * duration_units[i].ms;
			return true;
		}
	}
	return false;
}

const char *conf_duration_format(__u32 duration_ms, char buf[16])
{
	size_t i = 0;

	while (duration_ms % duration_units[i].ms)
		i++;
	snprintf(buf, 16, "%u%s", duration_ms / duration_units[i].ms, duration_units[i].unit);
	return buf;
}

int decode_duration(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	char expected[96], min[16], max[16];
	__u32 *out = member;
	__u64 duration_ms;

	if (!duration_parse(value, &duration_ms) || duration_ms < field->min ||
	    duration_ms > field->max) {
		snprintf(expected, sizeof(expected),
			 "a whole number and its unit (ms, s, m, h) from %s to %s",
			 conf_duration_format(field->min, min),
			 conf_duration_format(field->max, max));
		return decode_expected(d, expected, value);
	}
	*out = duration_ms;
	return 0;
}

static const struct {
	const char *unit;
	__u32 shift;
} size_units[] = { { "G", 30 }, { "M", 20 }, { "K", 10 } };

#define SIZE_UNITS (ARRAY_SIZE(size_units))

/* A whole number as it is; in text only with a unit, as a duration is. */
static bool size_parse(const json_t *value, __u64 *out)
{
	const char *unit;
	__u64 number;
	size_t i;

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		*out = json_integer_value(value);
		return true;
	}
	unit = parse_digits(value, &number);
	for (i = 0; unit && i < SIZE_UNITS; i++) {
		if (!strcmp(unit, size_units[i].unit)) {
			*out = number << size_units[i].shift;
			return true;
		}
	}
	return false;
}

const char *conf_size_format(__u32 size, char buf[16])
{
	size_t i = 0;

	while (i < SIZE_UNITS && (!size || size % (1U << size_units[i].shift)))
		i++;
	if (i < SIZE_UNITS)
		snprintf(buf, 16, "%u%s", size >> size_units[i].shift, size_units[i].unit);
	else
		snprintf(buf, 16, "%u", size);
	return buf;
}

/* The limits are powers of two themselves, so both neighbours are inside them. */
int decode_size(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	char expected[96], found[CONF_QUOTE_SIZE], low[16], high[16];
	__u32 *out = member;
	__u32 below;
	__u64 size;

	snprintf(expected, sizeof(expected),
		 "a power of two from %s to %s, a whole number or one with K, M or G",
		 conf_size_format(field->min, low), conf_size_format(field->max, high));
	if (!size_parse(value, &size))
		return decode_expected(d, expected, value);
	if (size < field->min || size > field->max)
		return decode_refuse(d, "expected %s, found %s: the nearest is %s", expected,
				     conf_describe(value, found), size < field->min ? low : high);
	if (size & (size - 1)) {
		below = field->max;
		while (below > size)
			below /= 2;
		return decode_refuse(d, "expected %s, found %s: the nearest are %s and %s",
				     expected, conf_describe(value, found),
				     conf_size_format(below, low),
				     conf_size_format(2 * below, high));
	}
	*out = size;
	return 0;
}

/* 0: none that is one. */
static __u64 percent_parse(const json_t *value)
{
	const char *rest;
	__u64 percent;

	if (json_is_integer(value) && json_integer_value(value) > 0)
		return json_integer_value(value);
	rest = parse_digits(value, &percent);
	return rest && !strcmp(rest, "%") ? percent : 0;
}

int decode_percent(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	__u64 percent = percent_parse(value);
	__u8 *out = member;
	char expected[64];

	if (percent < field->min || percent > field->max) {
		snprintf(expected, sizeof(expected), "a percentage from %u%% to %u%%", field->min,
			 field->max);
		return decode_expected(d, expected, value);
	}
	*out = percent;
	return 0;
}
