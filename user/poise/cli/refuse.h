/* SPDX-License-Identifier: BSD-2-Clause */
/* How a call of the command ends: exit statuses, and messages that say why. */
#ifndef POISE_REFUSE_H
#define POISE_REFUSE_H

enum poise_exit {
	EXIT_DONE = 0,
	EXIT_REFUSED = 1,   /* refused, or tried and failed */
	EXIT_USAGE = 2,     /* the command line makes no sense */
	EXIT_NO_DAEMON = 3, /* poised was needed and cannot be reached */
};

/* Prints "poise: TEXT" to standard error; each returns the status for its kind of trouble. */
__attribute__((format(printf, 1, 2))) int command_refuse(const char *format, ...);
__attribute__((format(printf, 1, 2))) int command_misuse(const char *format, ...);

#endif
