/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole configuration is validated here, one part per file. Only this room includes it. */
#ifndef POISE_CONF_VALIDATE_H
#define POISE_CONF_VALIDATE_H

#include "conf/conf_decode.h"

struct validation {
	struct decode *d;
	const json_t *tree;
	const struct conf *conf;
};

/* 1: items *first and *second have the same key, which begins each item: of all such pairs the one
 * that ends first. 0: none. -ENOMEM. */
int duplicate_find(const void *items, size_t item_size, size_t count, size_t key_length,
		   size_t *first, size_t *second);

/* Make the path that of an item of a list at the present path, or of a key of a service, or of a
 * backend's address. The key of an item that is written in short is not part of its path. */
void validate_go_item(struct validation *v, const json_t *list, const char *name, size_t index,
		      const char *key);
void validate_go_service(struct validation *v, size_t service, const char *key);
void validate_go_backend(struct validation *v, size_t service, size_t backend);

/* " (line 12)" for the present path, empty where the tree has no lines. */
const char *validate_line_text(const struct validation *v, char buf[32]);

/* The key of an endpoint, as all of them are compared. */
void endpoint_key(struct service_key *key, const struct addr *addr, __u16 port, __u8 proto);

/* All return 0, -EINVAL with the error filled in, or -ENOMEM without. */
int validate_nat(struct validation *v);   /* modes nat, either source */
int validate_local(struct validation *v); /* mode local */

#endif
