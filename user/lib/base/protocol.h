/* SPDX-License-Identifier: BSD-2-Clause */
/* The transport protocols that a service may have. */
#ifndef POISE_PROTOCOL_H
#define POISE_PROTOCOL_H

#include <linux/types.h>

#define PROTOCOL_COUNT 3

/* Their names, in the order in which help lists them: "tcp" first, which is the default. */
extern const char *const protocol_names[PROTOCOL_COUNT];

/* Returns IPPROTO_TCP and so on for a place in protocol_names. */
__u8 protocol_number(unsigned int place);
/* Returns the number for a name, or 0 if it is none of these. */
__u8 protocol_find(const char *name);
/* Returns the name for a number; "?" for any other, since pinned maps may hold anything. */
const char *protocol_name(__u8 number);

#endif
