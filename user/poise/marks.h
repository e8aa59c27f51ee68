/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a path of the configuration tree stands in its file. */
#ifndef POISE_MARKS_H
#define POISE_MARKS_H

#include "conf.h"

/* Line and column of the path, or of the nearest mapping or list around it that has a mark; both 0
 * where nothing has. */
void marks_find(const conf_marks *marks, const char *path, int *line, int *column);

#endif
