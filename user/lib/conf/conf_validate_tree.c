// SPDX-License-Identifier: BSD-2-Clause
/* What all checks of a whole configuration need: duplicates, and where things are in the tree. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_check.h"

void check_key(struct service_key *key, const struct addr *addr, __u16 port, __u8 proto)
{
	memset(key, 0, sizeof(*key));
	memcpy(key->addr, addr->b, sizeof(key->addr));
	key->port = htons(port);
	key->proto = proto;
}

/* ---- duplicates: keys of fixed length, sorted; of all pairs the one that ends first is told */

static int compare_keys(const void *a, const void *b, void *length)
{
	const char *left = *(const char *const *)a, *right = *(const char *const *)b;
	int order = memcmp(left, right, *(const size_t *)length);

	/* Equal ones stay in the order of the file, which is that of their addresses. */
	return order ? order : (left > right) - (left < right);
}

int check_duplicate(const void *items, size_t item_size, size_t count, size_t key_length,
		    size_t *first, size_t *second)
{
	const char **sorted;
	size_t start = 0, i, at;

	if (count < 2)
		return 0;
	sorted = malloc(count * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < count; i++)
		sorted[i] = (const char *)items + i * item_size;
	qsort_r(sorted, count, sizeof(*sorted), compare_keys, &key_length);
	*second = count;
	for (i = 1; i < count; i++) {
		if (memcmp(sorted[start], sorted[i], key_length)) {
			start = i;
			continue;
		}
		at = (sorted[i] - (const char *)items) / item_size;
		if (at < *second) {
			*second = at;
			*first = (sorted[start] - (const char *)items) / item_size;
		}
	}
	free(sorted);
	return *second < count;
}

/* ---- where things are in the tree */

void check_go_item(struct checker *c, const json_t *list, const char *name, size_t index,
		   const char *key)
{
	conf_path_key(&c->d->path, name);
	conf_path_item(&c->d->path, index);
	if (json_is_object(json_array_get(list, index)))
		conf_path_key(&c->d->path, key);
}

void check_go_service(struct checker *c, size_t service, const char *key)
{
	conf_path_cut(&c->d->path, 0);
	check_go_item(c, json_object_get(c->tree, "services"), "services", service, key);
}

void check_go_backend(struct checker *c, size_t service, size_t backend)
{
	const json_t *services = json_object_get(c->tree, "services");
	const json_t *backends = json_object_get(json_array_get(services, service), "backends");

	conf_path_cut(&c->d->path, 0);
	conf_path_key(&c->d->path, "services");
	conf_path_item(&c->d->path, service);
	check_go_item(c, backends, "backends", backend, "address");
}

const char *check_line(const struct checker *c, char buf[32])
{
	int line, column;

	buf[0] = '\0';
	if (c->d->marks && conf_mark_get(c->d->marks, &c->d->path, CONF_MARK_VALUE, &line, &column))
		snprintf(buf, 32, " (line %d)", line);
	return buf;
}
