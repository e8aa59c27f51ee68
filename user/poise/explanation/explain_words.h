/* SPDX-License-Identifier: BSD-2-Clause */
/* For explain_view.c and explain_words.c only. */
#ifndef POISE_EXPLAIN_WORDS_H
#define POISE_EXPLAIN_WORDS_H

#include "explanation/explain_view.h"

/* A target by its backend's address; "nobody" for 0. */
const char *explain_target_text(const struct explain_report *report, __u16 target,
				char buf[ENDPOINT_TEXT_SIZE]);

/* The state of a flow of the NAT table by its flags. */
const char *explain_nat_state(__u32 flags);

#endif
