// SPDX-License-Identifier: BSD-2-Clause
/* The parts of the validation share these: duplicates, and places in the tree. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_validate.h"

void endpoint_key(struct service_key *key, const struct addr *addr, __u16 port, __u8 proto)
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

int duplicate_find(const void *items, size_t item_size, size_t count, size_t key_length,
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

void validate_go_item(struct validation *v, const json_t *list, const char *name, size_t index,
		      const char *key)
{
	conf_path_key(&v->d->path, name);
	conf_path_item(&v->d->path, index);
	if (json_is_object(json_array_get(list, index)))
		conf_path_key(&v->d->path, key);
}

void validate_go_service(struct validation *v, size_t service, const char *key)
{
	conf_path_cut(&v->d->path, 0);
	validate_go_item(v, json_object_get(v->tree, "services"), "services", service, key);
}

void validate_go_backend(struct validation *v, size_t service, size_t backend)
{
	const json_t *services = json_object_get(v->tree, "services");
	const json_t *backends = json_object_get(json_array_get(services, service), "backends");

	conf_path_cut(&v->d->path, 0);
	conf_path_key(&v->d->path, "services");
	conf_path_item(&v->d->path, service);
	validate_go_item(v, backends, "backends", backend, "address");
}

const char *validate_line_text(const struct validation *v, char buf[32])
{
	int line, column;

	buf[0] = '\0';
	if (v->d->marks && conf_mark_get(v->d->marks, &v->d->path, CONF_MARK_VALUE, &line, &column))
		snprintf(buf, 32, " (line %d)", line);
	return buf;
}
