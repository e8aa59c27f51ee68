/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of next hops and checks: what they have to tell is told by the test. */
#ifndef POISE_TEST_FAKE_EVENTS_H
#define POISE_TEST_FAKE_EVENTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "poised/checker.h"
#include "nexthop.h"

#define FAKE_WATCHES 128

struct nexthop_watch {
	struct addr addr;
	nexthop_changed changed;
	void *arg;
};

struct check {
	struct addr addr;
	__u16 port;
	enum poise_health from;
	check_changed changed;
	void *arg;
};

static struct nexthop_watch *watches[FAKE_WATCHES];
static struct check *checks[FAKE_WATCHES];

/* ---- nexthop.h */

int nexthop_watch(struct nexthop_table *table, const struct addr *addr, nexthop_changed changed,
		  void *arg, struct nexthop_watch **out)
{
	size_t i = 0;

	(void)table;
	while (watches[i])
		i++;
	watches[i] = calloc(1, sizeof(**out));
	*watches[i] = (struct nexthop_watch){ .addr = *addr, .changed = changed, .arg = arg };
	*out = watches[i];
	return 0;
}

void nexthop_unwatch(struct nexthop_watch *watch)
{
	for (size_t i = 0; i < FAKE_WATCHES; i++)
		if (watches[i] == watch)
			watches[i] = NULL;
	free(watch);
}

const char *nexthop_format(const struct nexthop *hop, char *buf, unsigned int size)
{
	snprintf(buf, size, "state %d", hop->state);
	return buf;
}

/* ---- checker.h */

int check_start(struct checker *checker, const struct conf_check *conf, const struct addr *addr,
		__u16 port, enum poise_health health, check_changed changed, void *arg,
		struct check **out)
{
	size_t i = 0;

	(void)checker;
	(void)conf;
	while (checks[i])
		i++;
	checks[i] = calloc(1, sizeof(**out));
	*checks[i] = (struct check){
		.addr = *addr, .port = port, .from = health, .changed = changed, .arg = arg
	};
	*out = checks[i];
	return 0;
}

void check_stop(struct check *check)
{
	for (size_t i = 0; i < FAKE_WATCHES; i++)
		if (checks[i] == check)
			checks[i] = NULL;
	free(check);
}

#endif
