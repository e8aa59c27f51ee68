// SPDX-License-Identifier: BSD-2-Clause
/*
 * Three-way merge of configuration trees. All of it works on canonical trees, in which equal
 * configurations are equal trees: a default that is written out is no change.
 */
#include <string.h>

#include "check/check_kind.h"
#include "conf/conf.h"

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

/* Items of a list are matched by this name; a plain item is its own name. */
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

/* A check is of one kind: where the file's came in, the one that ran goes. */
static void keep_kind(json_t *check, const struct check_kind *kept)
{
	if (!kept || !json_object_get(check, kept->word))
		return;
	for (size_t i = 0; i < CHECK_KIND_COUNT; i++) {
		if (check_kinds[i] != kept)
			json_object_del(check, check_kinds[i]->word);
	}
}

/* Takes away what makes no sense beside a value that came from the file. */
static void drop_contradictions(json_t *object, const json_t *file)
{
	keep_kind(json_object_get(object, "check"), check_kind_of(json_object_get(file, "check")));
	mode_drop_refused(object, NULL);
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

/* The canonical tree in a shape that merges well: each timeout is a value of its own, defaults
 * included, and each source of nat is a key. */
static json_t *mergeable(const json_t *tree)
{
	json_t *out = json_copy((json_t *)tree);
	int failed;

	if (!out)
		return NULL;
	failed = fill(out, "timeouts", json_object());
	failed += fill(out, "nat_sources", json_array());
	if (!failed)
		return out;
	json_decref(out);
	return NULL;
}

json_t *conf_merge_canonical(const json_t *base, const json_t *running, const json_t *file)
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

json_t *conf_merge(const json_t *base, const json_t *running, const json_t *file)
{
	json_t *bases = canonical(base), *runs = canonical(running), *files = canonical(file);
	json_t *out = bases && runs && files ? conf_merge_canonical(bases, runs, files) : NULL;

	json_decref(bases);
	json_decref(runs);
	json_decref(files);
	return out;
}
