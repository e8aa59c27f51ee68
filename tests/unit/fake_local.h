/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of mode local's programs: which ports of this host somebody listens on. */
#ifndef POISE_TEST_FAKE_LOCAL_H
#define POISE_TEST_FAKE_LOCAL_H

#include <stdlib.h>
#include <string.h>

#include "poised/local.h"

struct local {
	unsigned int holders;
};

static struct fake_host {
	int listening[65536];                  /* by port */
	struct local_count connections[65536]; /* the same */
	const char *bound;                     /* where they listen; NULL: 127.0.0.1 */
	unsigned int service;                  /* whose connections these are */
	unsigned int opened, looks, switched;
	bool attached; /* outlives poised */
	int refuses;   /* loading: with this error */
} host;

int local_open(struct lb *lb, struct local **out, struct lb_error *error)
{
	(void)lb;
	if (host.refuses) {
		snprintf(error->text, sizeof(error->text), "no programs");
		return host.refuses;
	}
	*out = calloc(1, sizeof(**out));
	(*out)->holders = 1;
	host.opened++;
	return 0;
}

struct local *local_hold(struct local *local)
{
	local->holders++;
	return local;
}

void local_close(struct local *local)
{
	if (local && !--local->holders)
		free(local);
}

int local_attach(struct local *local, struct lb_error *error)
{
	(void)local;
	(void)error;
	host.attached = true;
	return 0;
}

int local_switch(struct local *local)
{
	(void)local;
	host.switched++;
	return 0;
}

int local_remove(const struct lb *lb)
{
	(void)lb;
	host.attached = false;
	return 0;
}

int local_find(struct local *local, __u32 target, const struct addr *addr, __u16 port, __u8 proto)
{
	(void)local;
	(void)target;
	(void)addr;
	(void)proto;
	host.looks++;
	return host.listening[port];
}

int local_count(struct local *local, struct local_tally **out, size_t *count)
{
	struct addr bound;

	(void)local;
	*out = calloc(65536, sizeof(**out));
	*count = 0;
	for (__u32 port = 0; port < 65536; port++) {
		struct local_tally *tally = &(*out)[*count];

		if (!host.connections[port].live && !host.connections[port].closing)
			continue;
		tally->count = host.connections[port];
		tally->pair.service = host.service;
		tally->pair.bound.port = htons(port);
		addr_parse(host.bound ? host.bound : "127.0.0.1", &bound);
		memcpy(tally->pair.bound.addr, bound.b, sizeof(bound.b));
		(*count)++;
	}
	return 0;
}

#endif
