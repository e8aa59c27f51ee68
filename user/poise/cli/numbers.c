// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cli/command.h"
#include "cli/numbers.h"

#define DAY_MS (24 * 3600 * 1000ULL)

int number_parse(const char *text, __u64 min, __u64 max, __u64 *out)
{
	__u64 number = 0;
	size_t i;

	if (!text[0] || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (i = 0; text[i]; i++) {
		unsigned int digit = text[i] - '0';

		if (text[i] < '0' || text[i] > '9' || number > (UINT64_MAX - digit) / 10)
			return -EINVAL;
		number = number * 10 + digit;
	}
	if (number < min || number > max)
		return -EINVAL;
	*out = number;
	return 0;
}

int percent_parse(const char *text, __u64 min, __u64 max, __u64 *out)
{
	size_t length = strcspn(text, "%");
	char digits[8];

	if (length >= sizeof(digits) || (text[length] && text[length + 1]))
		return -EINVAL;
	memcpy(digits, text, length);
	digits[length] = '\0';
	return number_parse(digits, min, max, out);
}

int duration_parse(const char *text, __u64 *out_ms)
{
	static const struct {
		const char *name;
		__u64 ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 } };
	size_t length = strspn(text, "0123456789");
	char digits[16];
	__u64 number;
	size_t i;

	if (!length || length >= sizeof(digits))
		return -EINVAL;
	memcpy(digits, text, length);
	digits[length] = '\0';
	if (number_parse(digits, 0, DAY_MS, &number))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text + length, units[i].name))
			continue;
		if (number * units[i].ms > DAY_MS)
			return -EINVAL;
		*out_ms = number * units[i].ms;
		return 0;
	}
	return -EINVAL;
}
