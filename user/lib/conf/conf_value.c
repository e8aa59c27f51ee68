// SPDX-License-Identifier: BSD-2-Clause
/* The checked decode's single values. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_decode.h"
#include "base/nearest.h"

int decode_refuse(struct decode *d, const char *format, ...)
{
	va_list args;
	int err;

	va_start(args, format);
	err = conf_refuse(d->error, d->marks, &d->path, format, args);
	va_end(args);
	return err;
}

int decode_expected(struct decode *d, const char *expected, const json_t *found)
{
	char buf[CONF_QUOTE_SIZE];

	decode_refuse(d, "expected %s, found %s", expected, conf_describe(found, buf));
	return -EINVAL; /* said again: analyzers do not look into variadic functions */
}

static int decode_number(struct decode *d, const struct field *field, const json_t *value,
			 __u32 *out)
{
	json_int_t number = json_integer_value(value);
	char expected[64];

	if (!json_is_integer(value) || number < field->min || number > field->max) {
		snprintf(expected, sizeof(expected), "a whole number from %u to %u", field->min,
			 field->max);
		return decode_expected(d, expected, value);
	}
	*out = number;
	return 0;
}

int decode_u32(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	return decode_number(d, field, value, member);
}

int decode_u16(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	__u16 *out = member;
	__u32 number;
	int err;

	err = decode_number(d, field, value, &number);
	if (!err)
		*out = number;
	return err;
}

int decode_text(struct decode *d, const char *expected, const json_t *value, const char **out)
{
	const char *text = json_string_value(value);
	char buf[CONF_QUOTE_SIZE];

	if (json_is_number(value) || json_is_boolean(value)) {
		decode_refuse(d, "expected %s, found %s, which is no text without quotes", expected,
			      conf_describe(value, buf));
		return -EINVAL;
	}
	if (!text || strlen(text) != json_string_length(value))
		return decode_expected(d, expected, value);
	*out = text;
	return 0;
}

/* "l2, ipip or gue" */
static const char *join_words(const char *const *words, size_t count, char buf[128])
{
	size_t at = 0, i;

	buf[0] = '\0';
	for (i = 0; i < count && at < 128; i++)
		at += snprintf(buf + at, 128 - at, "%s%s",
			       !i              ? ""
			       : i + 1 < count ? ", "
					       : " or ",
			       words[i]);
	return buf;
}

/* Finds the word: *out is its index in field->words. */
static int find_word(struct decode *d, const struct field *field, const json_t *value,
		     unsigned int *out)
{
	const char *const *known = field->words + field->min;
	size_t count = field->max - field->min + 1, i;
	char expected[128], quoted[CONF_QUOTE_SIZE];
	const char *text, *nearest;
	int err;

	join_words(known, count, expected);
	err = decode_text(d, expected, value, &text);
	if (err)
		return err;
	for (i = 0; i < count; i++) {
		if (!strcmp(text, known[i])) {
			*out = field->min + i;
			return 0;
		}
	}
	nearest = nearest_name(text, known, count);
	if (!nearest)
		return decode_expected(d, expected, value);
	decode_refuse(d, "expected %s, found %s: did you mean %s?", expected,
		      conf_quote(text, strlen(text), quoted), nearest);
	return -EINVAL;
}

/* All enums that a table has an offset of are stored as the index is. */
_Static_assert(sizeof(enum poise_mode) == sizeof(unsigned int), "enums have one size");

int decode_word(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	return find_word(d, field, value, member);
}

int decode_choice(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	bool *out = member;
	unsigned int word;
	int err;

	err = find_word(d, field, value, &word);
	if (!err)
		*out = word == field->max;
	return err;
}

int decode_bool(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	bool *out = member;

	if (!json_is_boolean(value))
		return decode_expected(d, field->expected, value);
	*out = json_is_true(value);
	return 0;
}

static bool is_prime(__u32 number)
{
	__u32 i;

	if (number < 2)
		return false;
	for (i = 2; i * i <= number; i++) {
		if (number % i == 0)
			return false;
	}
	return true;
}

/* The limits are primes themselves, so both searches end inside them. */
int decode_prime(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	__u32 *out = member;
	__u32 number, below, above;
	char expected[64];
	int err;

	if (!json_is_integer(value) || json_integer_value(value) < field->min ||
	    json_integer_value(value) > field->max) {
		snprintf(expected, sizeof(expected), "a prime from %u to %u", field->min,
			 field->max);
		return decode_expected(d, expected, value);
	}
	err = decode_number(d, field, value, &number);
	if (err)
		return err;
	if (!is_prime(number)) {
		for (below = number; !is_prime(below); below--)
			;
		for (above = number; !is_prime(above); above++)
			;
		return decode_refuse(d, "expected a prime, found %u: the nearest are %u and %u",
				     number, below, above);
	}
	*out = number;
	return 0;
}

int decode_later(struct decode *d, const struct field *field, const json_t *value, void *member)
{
	(void)d;
	(void)field;
	(void)value;
	(void)member;
	return 0;
}

int decode_validate_addr(struct decode *d, const struct addr *addr, unsigned int kinds,
			 const char *also)
{
	char buf[ADDR_TEXT_SIZE];
	const char *words;

	if (addr_kind(addr, &words) & kinds)
		return 0;
	return decode_refuse(d, "expected a unicast address of a host, found %s: %s%s",
			     addr_format(addr, buf), words, also);
}
