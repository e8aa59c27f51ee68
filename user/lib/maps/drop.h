/* SPDX-License-Identifier: BSD-2-Clause */
/* Drop reasons in words. */
#ifndef POISE_DROP_H
#define POISE_DROP_H

#include "poise/abi.h"

/* "malformed_ip" and so on; "none" for DROP_NONE, "unknown" for what is no reason. */
const char *drop_name(enum drop_reason reason);

/* One sentence that says what happened to the packet and, where something can be done, what. */
const char *drop_text(enum drop_reason reason);

#endif
