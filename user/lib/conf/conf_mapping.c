// SPDX-License-Identifier: BSD-2-Clause
/* The checked decode's engine: mappings by a table of their keys, and lists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "conf/conf_decode.h"

#define MAX_FIELDS 24

static int refuse_key(struct decode *d, const char *key, const struct field *fields, size_t count)
{
	const char *names[MAX_FIELDS], *nearest;
	char quoted[CONF_QUOTE_SIZE], known[256];
	struct conf_path parent = d->path;
	size_t at = 0, i;
	int line, column;

	for (i = 0; i < count; i++) {
		names[i] = fields[i].name;
		at += snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "", names[i]);
	}
	conf_path_key(&d->path, key);
	if (!conf_mark_get(d->marks, &d->path, CONF_MARK_KEY, &line, &column))
		conf_mark_find(d->marks, &parent, &line, &column);
	conf_quote(key, strlen(key), quoted);
	nearest = nearest_name(key, names, count);
	if (nearest)
		return conf_refuse_at(d->error, &parent, line, column,
				      "unknown key %s: did you mean %s?", quoted, nearest);
	return conf_refuse_at(d->error, &parent, line, column, "unknown key %s: expected one of %s",
			      quoted, known);
}

/* Keys are decoded in the order of the tree, so that the first fault in the file is the one told.
 */
int decode_mapping(struct decode *d, const json_t *value, const struct field *fields, size_t count,
		   void *object)
{
	const struct field *field;
	const char *key;
	json_t *item;
	size_t before;
	int err;

	json_object_foreach ((json_t *)value, key, item) {
		for (field = fields; field < fields + count; field++) {
			if (!strcmp(field->name, key))
				break;
		}
		if (field == fields + count)
			return refuse_key(d, key, fields, count);
		before = conf_path_key(&d->path, key);
		err = field->decode(d, field, item, (char *)object + field->offset);
		if (err)
			return err;
		conf_path_cut(&d->path, before);
	}
	for (field = fields; field < fields + count; field++) {
		if (field->required && !json_object_get(value, field->name))
			return decode_refuse(d, "expected the key %s (%s), found none", field->name,
					     field->expected);
	}
	return 0;
}

int decode_list(struct decode *d, const struct field *field, const json_t *value, size_t item_size,
		int (*decode_item)(struct decode *d, const json_t *value, void *item), void **items,
		size_t *count)
{
	size_t size = json_array_size(value);
	size_t before, i;
	int err;

	if (json_is_null(value)) /* all items commented out */
		return 0;
	if (!json_is_array(value))
		return decode_expected(d, field->expected, value);
	if (size > field->max)
		return decode_refuse(d, "expected at most %u items, found %zu", field->max, size);
	*items = calloc(size ? size : 1, item_size);
	if (!*items)
		return conf_no_memory(d->error);
	*count = size;
	for (i = 0; i < size; i++) {
		before = conf_path_item(&d->path, i);
		err = decode_item(d, json_array_get(value, i), (char *)*items + i * item_size);
		if (err)
			return err;
		conf_path_cut(&d->path, before);
	}
	return 0;
}
