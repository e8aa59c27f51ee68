/* SPDX-License-Identifier: BSD-2-Clause */
/* For the conf modules only: the parts of what is checked of a whole configuration. */
#ifndef POISE_CONF_CHECK_H
#define POISE_CONF_CHECK_H

#include "conf_decode.h"

struct checker {
	struct decode *d;
	const json_t *tree;
	const struct conf *conf;
};

/* 1: items *first and *second have the same key, which begins each item: of all such pairs the one
 * that ends first. 0: none. -ENOMEM. */
int check_duplicate(const void *items, size_t item_size, size_t count, size_t key_length,
		    size_t *first, size_t *second);

/* Make the path that of an item of a list at the present path, or of a key of a service, or of a
 * backend's address. The key of an item that is written in short is not part of its path. */
void check_go_item(struct checker *c, const json_t *list, const char *name, size_t index,
		   const char *key);
void check_go_service(struct checker *c, size_t service, const char *key);
void check_go_backend(struct checker *c, size_t service, size_t backend);

/* " (line 12)" for the present path, empty where the tree has no lines. */
const char *check_line(const struct checker *c, char buf[32]);

/* The key of an endpoint, as all of them are compared. */
void check_key(struct service_key *key, const struct addr *addr, __u16 port, __u8 proto);

/* All return 0, -EINVAL with the error filled in, or -ENOMEM without. */
int check_nat(struct checker *c);   /* modes nat, either source */
int check_local(struct checker *c); /* mode local */

#endif
