// SPDX-License-Identifier: BSD-2-Clause
/* The table of modes: every mode has what the rest of the code asks it for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "conf/conf.h"
#include "mode/mode.h"

#define FOR_EACH_MODE(mode) for (enum poise_mode mode = MODE_NONE + 1; mode < MODE_MAX; mode++)

static void words_lead_back_to_their_mode(void **state)
{
	(void)state;
	FOR_EACH_MODE(mode)
	{
		const struct mode_ops *ops = mode_of(mode);

		assert_int_equal(mode_find(ops->word, ops->source), mode);
		assert_int_equal(mode_find(mode_name(mode), mode_source(mode)), mode);
		assert_string_not_equal(ops->label, "");
		/* Lists name each mode otherwise than the others. */
		FOR_EACH_MODE(other)
		assert_true(other == mode || strcmp(ops->label, mode_of(other)->label));
	}
	assert_int_equal(mode_find("nat", NULL), MODE_NAT);
	assert_int_equal(mode_find("nat", ""), MODE_NAT);
	assert_int_equal(mode_find("nat", "keep"), MODE_NAT_KEEP);
	assert_int_equal(mode_find("nat", "other"), MODE_NONE);
	assert_int_equal(mode_find("gue", "keep"), MODE_NONE);
	assert_int_equal(mode_find("none", NULL), MODE_NONE);
	assert_int_equal(mode_find(NULL, NULL), MODE_NONE);
	assert_null(mode_source(MODE_NAT));
	assert_string_equal(mode_source(MODE_NAT_KEEP), "keep");
}

static void numbers_that_are_no_mode_have_words_and_nothing_else(void **state)
{
	static const enum poise_mode numbers[] = { MODE_NONE, MODE_MAX, 255 };

	(void)state;
	assert_string_equal(mode_name(MODE_NONE), "none");
	assert_string_equal(mode_name(MODE_MAX), "?");
	assert_string_equal(mode_name(255), "?");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct mode_ops rest = *mode_of(numbers[i]);
		const struct mode_ops none = { 0 };

		rest.word = rest.label = NULL;
		assert_memory_equal(&rest, &none, sizeof(none));
		assert_false(mode_has_next_hop(numbers[i]));
		assert_null(mode_source(numbers[i]));
	}
}

static void help_names_the_words_of_the_table(void **state)
{
	const char *words[MODE_MAX], *sources[MODE_MAX];
	char text[MODE_WORDS_SIZE] = "";
	size_t count = mode_words(NULL, NULL, words);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		strcat(text, i ? "|" : "");
		strcat(text, words[i]);
	}
	assert_string_equal(text, MODE_WORDS);
	assert_string_equal(mode_words_join(NULL, NULL, " or ", text),
			    "l2, ipip, gue, nat or local");
	assert_int_equal(mode_sources("nat", sources), 2);
	assert_string_equal(sources[0], "nat");
	assert_string_equal(sources[1], "keep");
	assert_int_equal(mode_sources("gue", sources), 0);
}

/* Code uses these members without a look whether they are there. */
static void every_mode_says_what_configuration_it_takes(void **state)
{
	(void)state;
	FOR_EACH_MODE(mode)
	{
		const struct mode_ops *ops = mode_of(mode);

		assert_true(ops->listen_kinds & ADDR_HOST);
		assert_true(ops->backend_kinds & ADDR_HOST);
		assert_false((ops->listen_kinds | ops->backend_kinds) & ADDR_NO_HOST);
		for (const char *const *key = ops->keys; key && *key; key++) {
			assert_true(mode_takes(mode, *key));
			assert_false(mode_refuses(mode, *key));
		}
		assert_false(mode_takes(mode, "backends") || mode_refuses(mode, "backends"));
		assert_int_equal(mode_has_next_hop(mode), !mode_has_sockets(mode));
		/* Written and shown go together, and so do the two halves of how long flows live.
		 */
		assert_int_equal(!ops->write, !ops->show);
		assert_int_equal(!ops->flow_times, !ops->flow_times_put);
		assert_true(mode_has_next_hop(mode) || (!ops->write && !ops->hop_trouble));
		assert_true(mode_has_next_hop(mode) || (ops->hop_text && ops->lost_text));
		assert_true(!mode_knows_flows(mode, IPPROTO_TCP) || ops->flows_text);
	}
}

/* The same table for people: a change here is a change of what operators rely on. */
static void each_mode_is_what_it_was(void **state)
{
	static const struct {
		enum poise_mode mode;
		bool next_hop, nat_table, replies, ports, knows_tcp, knows_udp, one_family;
	} rows[] = {
		{ MODE_L2, true, false, false, false, false, false, true },
		{ MODE_IPIP, true, false, false, false, false, false, false },
		{ MODE_GUE, true, false, false, false, false, false, false },
		{ MODE_NAT, true, true, true, true, true, true, true },
		{ MODE_NAT_KEEP, true, false, true, true, false, false, true },
		{ MODE_LOCAL, false, false, false, true, true, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		enum poise_mode mode = rows[i].mode;

		assert_int_equal(mode_has_next_hop(mode), rows[i].next_hop);
		assert_int_equal(mode_has_nat_table(mode), rows[i].nat_table);
		assert_int_equal(mode_has_replies(mode), rows[i].replies);
		assert_int_equal(mode_has_reply_keys(mode), mode == MODE_NAT_KEEP);
		assert_int_equal(mode_has_ports(mode), rows[i].ports);
		assert_int_equal(mode_knows_flows(mode, IPPROTO_TCP), rows[i].knows_tcp);
		assert_int_equal(mode_knows_flows(mode, IPPROTO_UDP), rows[i].knows_udp);
		assert_int_equal(mode_of(mode)->one_family, rows[i].one_family);
	}
}

/* show() tells what write() puts into a target. */
static void what_is_written_is_shown(void **state)
{
	static const struct target_flow_times flow_times = { .owner = 1 };
	struct nexthop hop = { .state = NEXTHOP_READY, .mtu = 1500 };
	struct target_endpoint endpoint = { .port = 8080 };

	(void)state;
	assert_int_equal(addr_parse("10.0.0.1", &hop.source), 0);
	assert_int_equal(addr_parse("10.0.0.11", &endpoint.addr), 0);
	FOR_EACH_MODE(mode)
	{
		const struct target_delivery delivery = { mode, true, 6080, 80 };
		json_t *shown = json_object();
		struct target target, bare = { .mode = mode, .mtu = 1500, .owner = 1 };
		const char *at;

		target_build(&delivery, &flow_times, &endpoint, &hop, &target);
		if (mode_of(mode)->show)
			mode_of(mode)->show(&target, shown);
		assert_int_equal(!memcmp(&target, &bare, sizeof(bare)), !json_object_size(shown));
		at = json_string_value(json_object_get(shown, "destination"));
		if (!at)
			at = json_string_value(json_object_get(shown, "outer_destination"));
		assert_true(!mode_of(mode)->show || !strcmp(at, "10.0.0.11"));
		json_decref(shown);
	}
}

/* `mode` and `source` as the configuration has them: decoded, encoded and decoded again. */
static void each_mode_is_configured_and_comes_back(void **state)
{
	(void)state;
	FOR_EACH_MODE(mode)
	{
		json_t *tree = json_pack("{s:[{s:s, s:s, s:s, s:[s]}]}", "services", "name", "web",
					 "listen", "192.0.2.10:80/tcp", "mode", mode_name(mode),
					 "backends", "10.0.0.11:8080");
		json_t *service = json_array_get(json_object_get(tree, "services"), 0), *again;
		struct conf *conf;
		struct conf_error error;

		if (mode_of(mode)->source)
			json_object_set_new(service, "source", json_string(mode_of(mode)->source));
		if (conf_decode(tree, NULL, &conf, &error))
			fail_msg("%s: %s", mode_of(mode)->label, error.text);
		assert_int_equal(conf->services[0].mode, mode);
		again = conf_encode(conf);
		conf_free(conf);
		assert_int_equal(conf_decode(again, NULL, &conf, &error), 0);
		assert_int_equal(conf->services[0].mode, mode);
		conf_free(conf);
		json_decref(again);
		json_decref(tree);
	}
}

static json_t *service_of(const char *mode)
{
	return json_pack("{s:s, s:i, s:s, s:i}", "mode", mode, "gue_port", 6081, "source", "keep",
			 "rows", 251);
}

static void keys_of_other_modes_are_dropped(void **state)
{
	json_t *l2 = service_of("l2"), *gue = service_of("gue"), *nat = service_of("nat");
	json_t *kept = json_pack("{s:i}", "gue_port", 1), *empty = json_object();
	char text[MODE_WORDS_SIZE];

	(void)state;
	mode_drop_refused(gue, NULL);
	assert_int_equal(json_object_size(gue), 3);
	assert_null(json_object_get(gue, "source"));
	mode_drop_refused(nat, NULL);
	assert_null(json_object_get(nat, "gue_port"));
	assert_non_null(json_object_get(nat, "source"));
	mode_drop_refused(l2, kept);
	assert_non_null(json_object_get(l2, "gue_port"));
	assert_null(json_object_get(l2, "source"));
	assert_non_null(json_object_get(l2, "rows"));
	mode_drop_refused(empty, NULL);
	assert_string_equal(mode_takers("gue_port", text), "gue");
	assert_string_equal(mode_takers("source", text), "nat");
	json_decref(empty);
	json_decref(kept);
	json_decref(nat);
	json_decref(gue);
	json_decref(l2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_lead_back_to_their_mode),
		cmocka_unit_test(numbers_that_are_no_mode_have_words_and_nothing_else),
		cmocka_unit_test(help_names_the_words_of_the_table),
		cmocka_unit_test(every_mode_says_what_configuration_it_takes),
		cmocka_unit_test(each_mode_is_what_it_was),
		cmocka_unit_test(what_is_written_is_shown),
		cmocka_unit_test(each_mode_is_configured_and_comes_back),
		cmocka_unit_test(keys_of_other_modes_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
