// SPDX-License-Identifier: BSD-2-Clause
#include <netinet/in.h>
#include <string.h>

#include "base/protocol.h"

const char *const protocol_names[PROTOCOL_COUNT] = { "tcp", "udp", "sctp" };
static const __u8 numbers[PROTOCOL_COUNT] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };

__u8 protocol_number(unsigned int place)
{
	return numbers[place];
}

__u8 protocol_find(const char *name)
{
	for (unsigned int i = 0; i < PROTOCOL_COUNT; i++)
		if (!strcmp(name, protocol_names[i]))
			return numbers[i];
	return 0;
}

const char *protocol_name(__u8 number)
{
	for (unsigned int i = 0; i < PROTOCOL_COUNT; i++)
		if (numbers[i] == number)
			return protocol_names[i];
	return "?";
}
