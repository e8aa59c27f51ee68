/* SPDX-License-Identifier: BSD-2-Clause */
/* Health checks: when they are made, and what their results say. user/lib/check makes them. */
#ifndef POISE_CHECKER_H
#define POISE_CHECKER_H

#include "conf/conf.h"
#include "health/health.h"

struct uv_loop_s;
struct checker;
struct check;

/* Told on every change of health, and of the reason while it is down, from the loop; reason is why
 * ("connection refused", "HTTP 503"). */
typedef void (*check_changed)(void *arg, enum poise_health health, const char *reason);

int checker_open(struct uv_loop_s *loop, struct checker **out); /* 0 or -errno */
void checker_close(struct checker *checker); /* NULL is fine; checks must be gone */

/*
 * Checks addr:port (host order): at once but for some random milliseconds, again after a random
 * half to whole of the interval, then every interval. `health` is where to start from: what an
 * earlier daemon had found, else HEALTH_CHECKING, which the first result ends. A result that only
 * says that this host is in trouble (no descriptors left) does not count. conf is copied. -EINVAL
 * (no check in conf, port 0, a path with blanks or control characters), 0 or -errno.
 */
int check_start(struct checker *checker, const struct conf_check *conf, const struct addr *addr,
		__u16 port, enum poise_health health, check_changed changed, void *arg,
		struct check **out);
void check_stop(struct check *check); /* NULL is fine */

#endif
