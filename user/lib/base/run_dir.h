/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of an instance that poised makes, RUN_DIR/INSTANCE/FILE, and that poise looks for. */
#ifndef POISE_RUN_DIR_H
#define POISE_RUN_DIR_H

#define RUN_DIR         "/run/poise"
#define RUN_PID_FILE    "poised.pid" /* locked while poised runs */
#define RUN_SOCKET_FILE "poised.sock"
/* The instance is transient: what is there and pinned is nobody's once the lock is free. */
#define RUN_MARK_FILE "transient"

#endif
