/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes to a configuration tree, as the API asks for them. Each works on a copy and returns it;
 * whether it decodes is found out by who applies it. On an error NULL, with *refusal.
 */
#ifndef POISE_EDIT_H
#define POISE_EDIT_H

#include <jansson.h>

#include "config/refusal.h"

/* body: a service as in the configuration. 409 where its name is taken. */
json_t *edit_service_add(const json_t *tree, const json_t *body, struct refusal *refusal);
/* body: the keys that change; null takes a key away. The name stays. 404 */
json_t *edit_service_set(const json_t *tree, const char *name, const json_t *body,
			 struct refusal *refusal);
json_t *edit_service_del(const json_t *tree, const char *name, struct refusal *refusal); /* 404 */

/* body: {"address", "port"?} and what else a backend has in the configuration; the port may also be
 * part of the address. 404, 409 */
json_t *edit_backend_add(const json_t *tree, const char *name, const json_t *body,
			 struct refusal *refusal);
/* id: "ADDRESS:PORT", or "ADDRESS" of the backend without a port, else of the only one with that
 * address. 404 */
json_t *edit_backend_set(const json_t *tree, const char *name, const char *id, const json_t *body,
			 struct refusal *refusal);
json_t *edit_backend_del(const json_t *tree, const char *name, const char *id,
			 struct refusal *refusal);

/* body: {"name", "xdp"?}. 409 */
json_t *edit_interface_add(const json_t *tree, const json_t *body, struct refusal *refusal);
json_t *edit_interface_del(const json_t *tree, const char *name, struct refusal *refusal); /* 404 */

/* The service of that name in a tree, borrowed. NULL with a 404 that names similar ones. */
json_t *edit_service_find(const json_t *tree, const char *name, struct refusal *refusal);

#endif
