/* SPDX-License-Identifier: BSD-2-Clause */
/* This host's own addresses, read from the kernel and followed over netlink. */
#ifndef POISE_OWN_H
#define POISE_OWN_H

#include "base/addr.h"

struct uv_loop_s;
struct own_watch;

struct own {
	struct addr *addrs; /* sorted by their bytes, each once */
	size_t addr_count;
};

/* Asks the kernel, in the calling process's network namespace. 0 or -errno. */
int own_read(struct own *out);
void own_free(struct own *own); /* all zero is fine */

/* Called from the loop soon after anything has changed, which may have been of no concern. */
typedef void (*own_changed)(void *arg, const struct own *own);

int own_watch(struct uv_loop_s *loop, own_changed changed, void *arg,
	      struct own_watch **out);     /* 0 or -errno */
void own_unwatch(struct own_watch *watch); /* NULL is fine */

#endif
