/* SPDX-License-Identifier: BSD-2-Clause */
/* The answers that the balancer gives by itself, in words. */
#ifndef POISE_ANSWER_H
#define POISE_ANSWER_H

#include "poise/abi.h"

/* "reset" and so on; "unknown" for what is no kind of answer. */
const char *answer_name(enum answer_kind kind);

/* One sentence that says what is sent, and why. */
const char *answer_text(enum answer_kind kind);

#endif
