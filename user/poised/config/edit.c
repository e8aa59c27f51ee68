// SPDX-License-Identifier: BSD-2-Clause
/* Canonical trees only (conf_encode): lists are there, their items are mappings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/edit.h"
#include "base/nearest.h"
#include "mode/mode.h"

static json_t *no_memory(struct refusal *refusal)
{
	refuse(refusal, 500, NULL, "out of memory");
	return NULL;
}

static bool body_is_mapping(const json_t *body, struct refusal *refusal)
{
	if (json_is_object(body))
		return true;
	refuse(refusal, 400, NULL, "expected a JSON object");
	return false;
}

static const char *item_text(const json_t *item, const char *key)
{
	const char *text = json_string_value(json_object_get(item, key));

	return text ? text : "";
}

/* 404, naming the items of a list that are spelled nearly like it. */
static void refuse_unknown(struct refusal *refusal, const json_t *list, const char *key,
			   const char *what, const char *name)
{
	const char **known = calloc(json_array_size(list) + 1, sizeof(*known));
	const char *near[3];
	char text[256] = "";
	size_t count = 0, i;
	json_t *item;

	json_array_foreach (list, i, item)
		if (known)
			known[i] = item_text(item, key);
	if (known)
		count = nearest_names(name, known, json_array_size(list), near, 3);
	for (i = 0; i < count; i++) {
		size_t length = strlen(text);

		snprintf(text + length, sizeof(text) - length, "%s%s", i ? ", " : "; did you mean ",
			 near[i]);
	}
	free(known);
	refuse(refusal, 404, NULL, "%s: no such %s%s%s", name, what, text, count ? "?" : "");
}

/* The index of an item by its name; the list's size when there is none. */
static size_t name_index(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (!strcmp(item_text(item, "name"), name))
			return i;
	return json_array_size(list);
}

json_t *edit_service_find(const json_t *tree, const char *name, struct refusal *refusal)
{
	json_t *services = json_object_get(tree, "services");
	json_t *service = json_array_get(services, name_index(services, name));

	if (!service)
		refuse_unknown(refusal, services, "name", "service", name);
	return service;
}

/* Appends a copy of body to a list of a copy of the tree, unless its name is taken. */
static json_t *named_add(const json_t *tree, const char *list, const char *what, const json_t *body,
			 struct refusal *refusal)
{
	json_t *old = json_object_get(tree, list), *copy;
	const char *name;

	if (!body_is_mapping(body, refusal))
		return NULL;
	name = item_text(body, "name");
	if (name_index(old, name) < json_array_size(old)) {
		refuse(refusal, 409, "name", "%s: there is a %s of this name already", name, what);
		return NULL;
	}
	copy = json_deep_copy(tree);
	if (copy && !json_array_append_new(json_object_get(copy, list), json_deep_copy(body)))
		return copy;
	json_decref(copy);
	return no_memory(refusal);
}

static json_t *named_del(const json_t *tree, const char *list, const char *what, const char *name,
			 struct refusal *refusal)
{
	json_t *old = json_object_get(tree, list), *copy;
	size_t index = name_index(old, name);

	if (index == json_array_size(old)) {
		refuse_unknown(refusal, old, "name", what, name);
		return NULL;
	}
	copy = json_deep_copy(tree);
	if (!copy)
		return no_memory(refusal);
	json_array_remove(json_object_get(copy, list), index);
	return copy;
}

/* Sets the keys of body in item; null takes one away. `fixed` says who item is: it cannot change.
 */
static int item_set(json_t *item, const json_t *body, const char *fixed, struct refusal *refusal)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)body, key, value) {
		if (!strcmp(key, fixed) && !json_equal(value, json_object_get(item, key)))
			return refuse(refusal, 400, key,
				      "%s: cannot be changed: add another and delete this one",
				      key);
		if (json_is_null(value)) {
			json_object_del(item, key);
		} else if (json_object_set_new(item, key, json_deep_copy(value))) {
			no_memory(refusal);
			return -ENOMEM;
		}
	}
	return 0;
}

json_t *edit_service_add(const json_t *tree, const json_t *body, struct refusal *refusal)
{
	return named_add(tree, "services", "service", body, refusal);
}

json_t *edit_service_del(const json_t *tree, const char *name, struct refusal *refusal)
{
	return named_del(tree, "services", "service", name, refusal);
}

json_t *edit_interface_add(const json_t *tree, const json_t *body, struct refusal *refusal)
{
	return named_add(tree, "interfaces", "interface", body, refusal);
}

json_t *edit_interface_del(const json_t *tree, const char *name, struct refusal *refusal)
{
	return named_del(tree, "interfaces", "interface", name, refusal);
}

json_t *edit_service_set(const json_t *tree, const char *name, const json_t *body,
			 struct refusal *refusal)
{
	json_t *service = edit_service_find(tree, name, refusal), *copy;

	if (!service || !body_is_mapping(body, refusal))
		return NULL;
	copy = json_deep_copy(tree);
	if (!copy)
		return no_memory(refusal);
	service = edit_service_find(copy, name, refusal);
	if (item_set(service, body, "name", refusal)) {
		json_decref(copy);
		return NULL;
	}
	/* Encoded only where they are not the default, and refused in other modes. */
	mode_drop_refused(service, body);
	return copy;
}

/* True if an item of a service's list is this backend; any_port: whatever its port is. */
static bool backend_is(const json_t *item, const struct addr *addr, __u16 port, bool any_port)
{
	struct addr other;
	__u16 other_port;

	return !endpoint_parse(item_text(item, "address"), &other, &other_port) &&
	       (any_port || other_port == port) && addr_equal(&other, addr);
}

/* The index of a backend by address and port; the list's size when there is none. */
static size_t backend_index(const json_t *list, const struct addr *addr, __u16 port)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (backend_is(item, addr, port, false))
			return i;
	return json_array_size(list);
}

/* The index of the only backend of an address, whatever its port; the list's size when there is
 * none or several are. */
static size_t only_index(const json_t *list, const struct addr *addr)
{
	size_t found = json_array_size(list), count = 0, i;
	json_t *item;

	json_array_foreach (list, i, item) {
		if (!backend_is(item, addr, 0, true))
			continue;
		found = i;
		count++;
	}
	return count == 1 ? found : json_array_size(list);
}

/* 404. A port that was left out or is another one is a likelier slip than a digit of an address. */
static void refuse_backend(struct refusal *refusal, const json_t *list, const char *id,
			   const struct addr *addr)
{
	char text[256] = "";
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		size_t length = strlen(text);

		if (addr && backend_is(item, addr, 0, true))
			snprintf(text + length, sizeof(text) - length, "%s%s", length ? ", " : "",
				 item_text(item, "address"));
	}
	if (*text)
		refuse(refusal, 404, NULL, "%s: no such backend; did you mean %s?", id, text);
	else
		refuse_unknown(refusal, list, "address", "backend", id);
}

/* Finds service and backend in the tree. 0 or -EINVAL with a 404. */
static int backend_find_index(const json_t *tree, const char *name, const char *id, size_t *index,
			      struct refusal *refusal)
{
	json_t *service = edit_service_find(tree, name, refusal);
	json_t *list = json_object_get(service, "backends");
	struct addr addr;
	bool parsed;
	__u16 port;

	if (!service)
		return -EINVAL;
	parsed = !endpoint_parse(id, &addr, &port);
	*index = parsed ? backend_index(list, &addr, port) : json_array_size(list);
	if (*index == json_array_size(list) && parsed && !port)
		*index = only_index(list, &addr);
	if (*index < json_array_size(list))
		return 0;
	refuse_backend(refusal, list, id, parsed ? &addr : NULL);
	return -EINVAL;
}

/* A backend of the configuration from the API's, whose port may stand apart. New or NULL. */
static json_t *backend_item(const json_t *body, struct refusal *refusal)
{
	const char *text = item_text(body, "address");
	json_t *port_value = json_object_get(body, "port"), *item;
	char joined[ENDPOINT_TEXT_SIZE];
	json_int_t port;
	struct addr addr;
	__u16 own_port;

	item = json_deep_copy(body);
	if (!item)
		return no_memory(refusal);
	json_object_del(item, "port");
	if (!port_value || json_is_null(port_value))
		return item;
	port = json_integer_value(port_value);
	if (port >= 1 && port <= 65535 && endpoint_parse(text, &addr, &own_port))
		return item; /* the decoder says what is wrong with the address */
	if (port < 1 || port > 65535)
		refuse(refusal, 400, "port", "port: expected a whole number from 1 to 65535");
	else if (own_port)
		refuse(refusal, 400, "port", "port: the address has one already");
	else if (json_object_set_new(item, "address",
				     json_string(endpoint_format(&addr, port, joined))))
		no_memory(refusal);
	else
		return item;
	json_decref(item);
	return NULL;
}

json_t *edit_backend_add(const json_t *tree, const char *name, const json_t *body,
			 struct refusal *refusal)
{
	json_t *service = edit_service_find(tree, name, refusal), *list, *item, *copy;
	struct addr addr;
	__u16 port;

	if (!service || !body_is_mapping(body, refusal))
		return NULL;
	item = backend_item(body, refusal);
	if (!item)
		return NULL;
	list = json_object_get(service, "backends");
	if (!endpoint_parse(item_text(item, "address"), &addr, &port) &&
	    backend_index(list, &addr, port) < json_array_size(list)) {
		refuse(refusal, 409, "address", "%s: service %s has this backend already",
		       item_text(item, "address"), name);
		json_decref(item);
		return NULL;
	}
	copy = json_deep_copy(tree);
	service = copy ? edit_service_find(copy, name, refusal) : NULL;
	if (!json_array_append_new(json_object_get(service, "backends"), item))
		return copy;
	json_decref(copy);
	return no_memory(refusal);
}

json_t *edit_backend_set(const json_t *tree, const char *name, const char *id, const json_t *body,
			 struct refusal *refusal)
{
	json_t *copy, *service, *backend;
	size_t index;

	if (backend_find_index(tree, name, id, &index, refusal) || !body_is_mapping(body, refusal))
		return NULL;
	copy = json_deep_copy(tree);
	if (!copy)
		return no_memory(refusal);
	service = edit_service_find(copy, name, refusal);
	backend = json_array_get(json_object_get(service, "backends"), index);
	if (!item_set(backend, body, "address", refusal))
		return copy;
	json_decref(copy);
	return NULL;
}

json_t *edit_backend_del(const json_t *tree, const char *name, const char *id,
			 struct refusal *refusal)
{
	json_t *copy, *service;
	size_t index;

	if (backend_find_index(tree, name, id, &index, refusal))
		return NULL;
	copy = json_deep_copy(tree);
	if (!copy)
		return no_memory(refusal);
	service = edit_service_find(copy, name, refusal);
	json_array_remove(json_object_get(service, "backends"), index);
	return copy;
}
