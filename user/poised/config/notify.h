/* SPDX-License-Identifier: BSD-2-Clause */
/* Tells the service manager how it stands, sd_notify(3) without the library. */
#ifndef POISE_NOTIFY_H
#define POISE_NOTIFY_H

/* Each does nothing where NOTIFY_SOCKET is not set, and nothing to complain of where it fails. */
void notify_ready(const char *status);
void notify_reloading(void); /* to be followed by notify_ready() */
void notify_stopping(void);

#endif
