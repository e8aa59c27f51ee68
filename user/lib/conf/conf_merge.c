// SPDX-License-Identifier: BSD-2-Clause
/*
 * Three-way merge of configuration trees. All of it works on canonical trees, in which equal
 * configurations are equal trees: a default that is written out is no change.
 */
#include <string.h>

#include "conf.h"

static json_t *merge_value(const json_t *base, const json_t *running, const json_t *file);

/* A new reference; what does not decode is taken as it is. NULL: an empty mapping. */
static json_t *canonical(const json_t *tree)
{
	struct conf_error error;
	struct conf *conf;
	json_t *out;

	if (!tree)
		return json_object();
	if (conf_decode(tree, NULL, &conf, &error))
		return json_incref((json_t *)tree);
	out = conf_encode(conf);
	conf_free(conf);
	return out;
}

/* What a list's item is matched by; a plain one is its own name. */
static const char *item_name(const json_t *item)
{
	const char *name = json_string_value(json_object_get(item, "name"));

	if (json_is_string(item))
		return json_string_value(item);
	return name ? name : json_string_value(json_object_get(item, "address"));
}

/* Items of a list by name: a borrowed view. NULL without memory, or for items without a name. */
static json_t *by_name(const json_t *list)
{
	json_t *names = json_object(), *item;
	size_t i;

	json_array_foreach (list, i, item) {
		if (json_object_set(names, item_name(item) ? item_name(item) : "", item)) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}

/* The file's items in the file's order, then those that only run. */
static json_t *merge_list(const json_t *base, const json_t *running, const json_t *file)
{
	json_t *bases = by_name(base), *runs = by_name(running), *files = by_name(file);
	json_t *out = json_array(), *both = json_object(), *merged;
	int failed = !bases || !runs || !files || !out || !both;
	const char *name;
	json_t *item;

	if (!failed)
		failed = json_object_update(both, files) || json_object_update_missing(both, runs);
	json_object_foreach (both, name, item) {
		if (failed)
			break;
		merged = merge_value(json_object_get(bases, name), json_object_get(runs, name),
				     json_object_get(files, name));
		if (!merged)
			failed = 1;
		else if (json_is_null(merged))
			json_decref(merged);
		else
			failed = json_array_append_new(out, merged);
	}
	json_decref(bases);
	json_decref(runs);
	json_decref(files);
	json_decref(both);
	if (!failed)
		return out;
	json_decref(out);
	return NULL;
}

/* What makes no sense side by side, where one came from the file and the other stayed. */
static void drop_contradictions(json_t *object, const json_t *file)
{
	const char *mode = json_string_value(json_object_get(object, "mode"));

	if (json_object_get(object, "tcp") && json_object_get(object, "http"))
		json_object_del(object, json_object_get(file, "tcp") ? "http" : "tcp");
	if (mode && strcmp(mode, mode_name(MODE_GUE)))
		json_object_del(object, "gue_port");
	if (mode && strcmp(mode, mode_name(MODE_NAT)))
		json_object_del(object, "source");
}

/* Keys stay in the canonical order: who decodes the result encodes it again. */
static json_t *merge_mapping(const json_t *base, const json_t *running, const json_t *file)
{
	json_t *out = json_object(), *both = json_deep_copy(running), *merged;
	int failed = !out || !both || json_object_update_missing(both, (json_t *)file);
	const char *key;
	json_t *value;

	json_object_foreach (both, key, value) {
		if (failed)
			break;
		merged = merge_value(json_object_get(base, key), json_object_get(running, key),
				     json_object_get(file, key));
		if (!merged)
			failed = 1;
		else if (json_is_null(merged))
			json_decref(merged);
		else
			failed = json_object_set_new(out, key, merged);
	}
	json_decref(both);
	if (failed) {
		json_decref(out);
		return NULL;
	}
	drop_contradictions(out, file);
	return out;
}

static bool same(const json_t *a, const json_t *b)
{
	return a == b || (a && b && json_equal(a, b));
}

/*
 * NULL stands for an absent value; returns null for an absent result and NULL without memory. What
 * was taken away at run time and is changed in the file comes back whole.
 */
static json_t *merge_value(const json_t *base, const json_t *running, const json_t *file)
{
	const json_t *winner = same(base, file) ? running : file;

	if (running && file && !same(base, file)) {
		if (json_is_object(running) && json_is_object(file))
			return merge_mapping(base, running, file);
		if (json_is_array(running) && json_is_array(file))
			return merge_list(base, running, file);
	}
	return winner ? json_deep_copy(winner) : json_null();
}

/* Adds an empty value where there is none. 0, or -1 without memory; takes empty. */
static int fill(json_t *tree, const char *key, json_t *empty)
{
	if (!json_object_get(tree, key))
		return json_object_set_new(tree, key, empty);
	json_decref(empty);
	return 0;
}

/* The same to merge with: each of the timeouts is a value of its own, there or a default, and each
 * of the sources there or not. */
static json_t *mergeable(const json_t *tree)
{
	json_t *out = canonical(tree);
	int failed;

	if (!out || out == tree)
		return out;
	failed = fill(out, "timeouts", json_object());
	failed += fill(out, "nat_sources", json_array());
	if (!failed)
		return out;
	json_decref(out);
	return NULL;
}

json_t *conf_merge(const json_t *base, const json_t *running, const json_t *file)
{
	json_t *bases = mergeable(base), *runs = mergeable(running), *files = mergeable(file);
	json_t *out = NULL, *ordered;

	if (bases && runs && files)
		out = merge_value(bases, runs, files);
	json_decref(bases);
	json_decref(runs);
	json_decref(files);
	if (!out)
		return NULL;
	ordered = canonical(out);
	json_decref(out);
	return ordered;
}
