// SPDX-License-Identifier: BSD-2-Clause
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "mode/mode.h"

static const struct mode_ops none = { .word = "none", .label = "none" };
static const struct mode_ops unknown = { .word = "?", .label = "?" };

#define MODE_ROW(number, ops) [number] = &ops,
static const struct mode_ops *const modes[MODE_MAX] = { [MODE_NONE] = &none, MODE_LIST(MODE_ROW) };

#define MODE_COUNT(number, ops) +1
_Static_assert(0 MODE_LIST(MODE_COUNT) == MODE_MAX - 1, "list every mode");

const struct mode_ops *mode_of(enum poise_mode mode)
{
	return mode < MODE_MAX ? modes[mode] : &unknown;
}

const char *mode_name(enum poise_mode mode)
{
	return mode_of(mode)->word;
}

enum poise_mode mode_find(const char *word, const char *source)
{
	for (enum poise_mode i = MODE_NONE + 1; word && i < MODE_MAX; i++) {
		if (strcmp(modes[i]->word, word))
			continue;
		if (!source || !source[0] ||
		    (modes[i]->source && !strcmp(modes[i]->source, source)))
			return i;
	}
	return MODE_NONE;
}

const char *mode_source(enum poise_mode mode)
{
	const struct mode_ops *ops = mode_of(mode);

	return mode_find(ops->word, NULL) == mode ? NULL : ops->source;
}

size_t mode_words(mode_test is, const void *arg, const char *words[MODE_MAX])
{
	size_t count = 0;

	for (enum poise_mode i = MODE_NONE + 1; i < MODE_MAX; i++) {
		bool known = false;

		for (size_t k = 0; k < count; k++)
			known |= !strcmp(words[k], modes[i]->word);
		if (!known && (!is || is(modes[i], arg)))
			words[count++] = modes[i]->word;
	}
	return count;
}

size_t mode_sources(const char *word, const char *sources[MODE_MAX])
{
	size_t count = 0;

	for (enum poise_mode i = MODE_NONE + 1; i < MODE_MAX; i++)
		if (!strcmp(modes[i]->word, word) && modes[i]->source)
			sources[count++] = modes[i]->source;
	return count;
}

const char *mode_words_join(mode_test is, const void *arg, const char *last,
			    char buf[MODE_WORDS_SIZE])
{
	const char *words[MODE_MAX];
	size_t count = mode_words(is, arg, words), at = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < count && at < MODE_WORDS_SIZE; i++)
		at += snprintf(buf + at, MODE_WORDS_SIZE - at, "%s%s",
			       !i              ? ""
			       : i + 1 < count ? ", "
					       : last,
			       words[i]);
	return buf;
}

static bool has_key(const struct mode_ops *ops, const void *key)
{
	for (const char *const *own = ops->keys; own && *own; own++)
		if (!strcmp(*own, key))
			return true;
	return false;
}

bool mode_takes(enum poise_mode mode, const char *key)
{
	return has_key(mode_of(mode), key);
}

bool mode_refuses(enum poise_mode mode, const char *key)
{
	const char *words[MODE_MAX];

	return !mode_takes(mode, key) && mode_words(has_key, key, words);
}

const char *mode_takers(const char *key, char buf[MODE_WORDS_SIZE])
{
	return mode_words_join(has_key, key, " or ", buf);
}

void mode_drop_refused(json_t *service, const json_t *kept)
{
	const char *word = json_string_value(json_object_get(service, "mode")), *key;
	void *next;
	json_t *value;

	json_object_foreach_safe (service, next, key, value)
		if (word && !json_object_get(kept, key) && mode_refuses(mode_find(word, NULL), key))
			json_object_del(service, key);
}

bool mode_has_sockets(enum poise_mode mode)
{
	return mode_of(mode)->sockets;
}

bool mode_has_next_hop(enum poise_mode mode)
{
	return mode != MODE_NONE && mode < MODE_MAX && !mode_has_sockets(mode);
}

bool mode_has_nat_table(enum poise_mode mode)
{
	return mode_of(mode)->service_flags & SERVICE_NAT;
}

bool mode_has_replies(enum poise_mode mode)
{
	return mode_of(mode)->service_flags & (SERVICE_NAT | SERVICE_NAT_KEEP);
}

bool mode_has_reply_keys(enum poise_mode mode)
{
	return mode_of(mode)->service_flags & SERVICE_NAT_KEEP;
}

bool mode_has_ports(enum poise_mode mode)
{
	return mode_of(mode)->port != MODE_PORT_OF_CHECKS;
}

bool mode_knows_flows(enum poise_mode mode, __u8 proto)
{
	return mode_has_nat_table(mode) || (mode_has_sockets(mode) && proto == IPPROTO_TCP);
}
