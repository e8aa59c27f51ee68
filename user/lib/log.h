/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to standard error: "<program>: text", with a sd-daemon(3) level prefix under systemd. */
#ifndef POISE_LOG_H
#define POISE_LOG_H

void log_init(const char *program); /* reads JOURNAL_STREAM: whether to prefix levels */
__attribute__((format(printf, 1, 2))) void log_err(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);

#endif
