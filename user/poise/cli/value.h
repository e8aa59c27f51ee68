/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the values of options, for their rows. */
#ifndef POISE_VALUE_H
#define POISE_VALUE_H

#include "base/options.h"

/* A whole number from the row's min to its max, in digits only. */
int value_number(const struct option_row *row, const char *text, char error[OPTIONS_ERROR_SIZE]);
/* "30" or "30%", from min to max; or the row's word for none. */
int value_percent(const struct option_row *row, const char *text, char error[OPTIONS_ERROR_SIZE]);
/* "500ms", "2s", "5m": at least min milliseconds; or the row's word for none. */
int value_time(const struct option_row *row, const char *text, char error[OPTIONS_ERROR_SIZE]);

#endif
