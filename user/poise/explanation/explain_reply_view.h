/* SPDX-License-Identifier: BSD-2-Clause */
/* A backend's reply in words and as JSON. */
#ifndef POISE_EXPLAIN_REPLY_VIEW_H
#define POISE_EXPLAIN_REPLY_VIEW_H

#include <jansson.h>

#include "explain/explain_reply.h"

/* source, dest: "10.0.0.11:8080", "10.0.0.2:12345/tcp". NULL: out of memory. */
json_t *explain_reply_encode(const struct explain_reply *reply, const char *source,
			     const char *dest, __u64 tick_ms);

void explain_reply_print(const json_t *tree); /* what that made, for people */

#endif
