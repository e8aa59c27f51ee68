// SPDX-License-Identifier: BSD-2-Clause
#include "base/instance_name.h"

#include <string.h>

#define MAX_LENGTH 32

bool instance_name_valid(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	return length && length <= MAX_LENGTH && !name[length] && name[0] != '-' && name[0] != '_';
}
