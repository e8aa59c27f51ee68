/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to standard error: "<program>: text", with a sd-daemon(3) level prefix under systemd. */
#ifndef POISE_LOG_H
#define POISE_LOG_H

void log_init(const char *program); /* reads JOURNAL_STREAM: whether to prefix levels */
/* Until it is called with NULL, tells of each warning and error of this thread, without its
 * newline: for who has caused it. */
void log_overhear(void (*hear)(const char *text, void *arg), void *arg);
__attribute__((format(printf, 1, 2))) void log_err(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);

#endif
