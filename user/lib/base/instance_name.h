/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef POISE_INSTANCE_NAME_H
#define POISE_INSTANCE_NAME_H

#include <stdbool.h>

/* True for a letter or digit and up to 31 letters, digits, underscores and hyphens. The name
 * becomes part of paths, and the BPF file system takes no dots. */
bool instance_name_valid(const char *name);

#endif
