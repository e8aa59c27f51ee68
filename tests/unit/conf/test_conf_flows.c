// SPDX-License-Identifier: BSD-2-Clause
/* Keys of how flows are spread and remembered: decoded, refused, and written again. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "fixtures/conf_decoded.h"

/* The rest of a service; what follows begins in column 60, a backend's keys in column 91. */
#define SERVICE "services: [{name: a, listen: 192.0.2.1:80/tcp, mode: ipip, "
#define BACKEND SERVICE "backends: [{address: 10.0.0.1, "

static void every_key_reaches_its_member(void **state)
{
	struct conf *conf = decode_good(
		"flows: 64K\n"
		"timeouts: {tcp: 1h, udp: 30s}\n" SERVICE
		"scheduler: leastconn, hash: source, track: always, idle_timeout: 8h, settle: 1s,\n"
		"slow_start: 30s, panic: 30%, backends: [{address: 10.0.0.1, state: drain},\n"
		"{address: 10.0.0.2, state: maint, sorry: true}, {address: 10.0.0.3, sorry: false,\n"
		"state: ready}]}]\n");
	const struct conf_service *service = conf->services;

	(void)state;
	assert_int_equal(conf->flows, 65536);
	assert_int_equal(conf->tcp_idle_ms, 3600000);
	assert_int_equal(conf->udp_idle_ms, 30000);
	assert_int_equal(service->scheduler, SCHEDULER_LEASTCONN);
	assert_true(service->hash_source);
	assert_true(service->track_always);
	assert_int_equal(service->idle_timeout_ms, 28800000);
	assert_int_equal(service->settle_ms, 1000);
	assert_int_equal(service->slow_start_ms, 30000);
	assert_int_equal(service->panic_percent, 30);
	assert_int_equal(service->backends[0].state, ADMIN_DRAIN);
	assert_false(service->backends[0].sorry);
	assert_int_equal(service->backends[1].state, ADMIN_MAINT);
	assert_true(service->backends[1].sorry);
	assert_int_equal(service->backends[2].state, ADMIN_READY);
	assert_false(service->backends[2].sorry);
	conf_free(conf);
}

static void absent_keys_have_defaults(void **state)
{
	struct conf *conf = decode_good(SERVICE "backends: [10.0.0.1]}]");
	const struct conf_service *service = conf->services;

	(void)state;
	assert_int_equal(conf->flows, 1048576);
	assert_int_equal(conf->tcp_idle_ms, 900000);
	assert_int_equal(conf->udp_idle_ms, 120000);
	assert_int_equal(service->scheduler, SCHEDULER_MAGLEV);
	assert_false(service->hash_source);
	assert_false(service->track_always);
	assert_true(service->reject);
	assert_int_equal(service->idle_timeout_ms, 0);
	assert_int_equal(service->settle_ms, 900000);
	assert_int_equal(service->slow_start_ms, 0);
	assert_int_equal(service->panic_percent, 0);
	assert_int_equal(service->backends[0].state, ADMIN_READY);
	assert_false(service->backends[0].sorry);
	conf_free(conf);
	conf = decode_good("timeouts:\n  # udp: 5m\n");
	assert_int_equal(conf->udp_idle_ms, 120000);
	conf_free(conf);
	conf = decode_good("timeouts: {udp: 5m}");
	assert_int_equal(conf->tcp_idle_ms, 900000);
	assert_int_equal(conf->udp_idle_ms, 300000);
	conf_free(conf);
}

static __u32 member(const struct conf *conf, const char *key)
{
	const struct conf_service *service = conf->services;

	if (!strcmp(key, "flows"))
		return conf->flows;
	if (!strcmp(key, "panic"))
		return service->panic_percent;
	if (!strcmp(key, "settle"))
		return service->settle_ms;
	if (!strcmp(key, "slow_start"))
		return service->slow_start_ms;
	if (!strcmp(key, "idle_timeout"))
		return service->idle_timeout_ms;
	if (!strcmp(key, "unavailable"))
		return service->reject;
	if (!strcmp(key, "hash"))
		return service->hash_source;
	return !strcmp(key, "track") ? service->track_always : service->scheduler;
}

/* One value of a decoded configuration, and how it is written again; NULL: left out. */
static const struct {
	const char *key, *text;
	__u32 value;
	const char *canonical;
} values[] = {
	{ "flows", "1K", 1024, "1K" },
	{ "flows", "1024", 1024, "1K" },
	{ "flows", "512K", 524288, "512K" },
	{ "flows", "65536", 65536, "64K" },
	{ "flows", "1M", 1048576, NULL },
	{ "flows", "1024K", 1048576, NULL },
	{ "flows", "1048576", 1048576, NULL },
	{ "flows", "2097152", 2097152, "2M" },
	{ "flows", "262144K", 1 << 28, "256M" },
	{ "panic", "1%", 1, "1%" },
	{ "panic", "1", 1, "1%" },
	{ "panic", "30", 30, "30%" },
	{ "panic", "100%", 100, "100%" },
	{ "settle", "60000ms", 60000, "1m" },
	{ "settle", "900s", 900000, NULL },
	{ "slow_start", "1h", 3600000, "1h" },
	{ "idle_timeout", "15m", 900000, "15m" }, /* said for this service: kept */
	{ "idle_timeout", "480m", 28800000, "8h" },
	{ "scheduler", "maglev", SCHEDULER_MAGLEV, NULL },
	{ "scheduler", "roundrobin", SCHEDULER_ROUNDROBIN, "roundrobin" },
	{ "scheduler", "leastconn", SCHEDULER_LEASTCONN, "leastconn" },
	{ "scheduler", "random", SCHEDULER_RANDOM, "random" },
	{ "hash", "5-tuple", 0, NULL },
	{ "hash", "source", 1, "source" },
	{ "track", "auto", 0, NULL },
	{ "track", "always", 1, "always" },
	{ "unavailable", "reject", 1, NULL },
	{ "unavailable", "drop", 0, "drop" },
};

static void values_have_one_text(void **state)
{
	const json_t *out;
	struct conf *conf;
	json_t *tree;
	char yaml[200];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		const char *key = values[i].key;
		bool top = !strcmp(key, "flows");

		snprintf(yaml, sizeof(yaml), top ? "%s: %s" : SERVICE "%s: %s}]", key,
			 values[i].text);
		conf = decode_good(yaml);
		assert_int_equal(member(conf, key), values[i].value);
		tree = conf_encode(conf);
		out = top ? tree : json_array_get(json_object_get(tree, "services"), 0);
		if (values[i].canonical)
			assert_string_equal(json_string_value(json_object_get(out, key)),
					    values[i].canonical);
		else
			assert_null(json_object_get(out, key));
		json_decref(tree);
		conf_free(conf);
	}
}

#define FLOWS_EXPECTED                                                                             \
	"x:1:8: flows: expected a power of two from 1K to 256M, a whole number or one with K, M "  \
	"or G, found "
#define SPAN_EXPECTED "expected a whole number and its unit (ms, s, m, h) from 1s to 8h, found "
#define SLOW_START_EXPECTED                                                                        \
	"expected a whole number and its unit (ms, s, m, h) from 1s to 1h, found "
#define PANIC_EXPECTED "x:1:67: panic: expected a percentage from 1% to 100%, found "
#define SCHEDULER_EXPECTED                                                                         \
	"x:1:71: scheduler: expected maglev, roundrobin, leastconn or random, found "
#define STATE_EXPECTED "x:1:98: state: expected ready, drain or maint, found "

static const struct {
	const char *yaml, *error;
} refusals[] = {
	{ "flows: 1000000", FLOWS_EXPECTED "1000000: the nearest are 512K and 1M" },
	{ "flows: 1025", FLOWS_EXPECTED "1025: the nearest are 1K and 2K" },
	{ "flows: 1000K", FLOWS_EXPECTED "\"1000K\": the nearest are 512K and 1M" },
	{ "flows: 3M", FLOWS_EXPECTED "\"3M\": the nearest are 2M and 4M" },
	{ "flows: 268435455", FLOWS_EXPECTED "268435455: the nearest are 128M and 256M" },
	{ "flows: 512", FLOWS_EXPECTED "512: the nearest is 1K" },
	{ "flows: 0", FLOWS_EXPECTED "0: the nearest is 1K" },
	{ "flows: 1G", FLOWS_EXPECTED "\"1G\": the nearest is 256M" },
	{ "flows: 268435457", FLOWS_EXPECTED "268435457: the nearest is 256M" },
	{ "flows: 9223372036854775807", FLOWS_EXPECTED "9223372036854775807: the nearest is 256M" },
	{ "flows: 4194304G", FLOWS_EXPECTED "\"4194304G\": the nearest is 256M" },
	{ "flows: -1024", FLOWS_EXPECTED "-1024" },
	{ "flows: 1m", FLOWS_EXPECTED "\"1m\"" },
	{ "flows: 1MB", FLOWS_EXPECTED "\"1MB\"" },
	{ "flows: 1 M", FLOWS_EXPECTED "\"1 M\"" },
	{ "flows: +1M", FLOWS_EXPECTED "\"+1M\"" },
	{ "flows: 01M", FLOWS_EXPECTED "\"01M\"" },
	{ "flows: M", FLOWS_EXPECTED "\"M\"" },
	{ "flows: 1000000000K", FLOWS_EXPECTED "\"1000000000K\"" },
	{ "flows: '65536'", FLOWS_EXPECTED "\"65536\"" },
	{ "flows: 1.5e3", FLOWS_EXPECTED "1500" },
	{ "flows: many", FLOWS_EXPECTED "\"many\"" },
	{ "flows:", "x:1:7: flows: expected a power of two from 1K to 256M, a whole number or one "
		    "with K, M or G, found nothing" },
	{ "timeouts: 5m",
	  "x:1:11: timeouts: expected a mapping with tcp, udp and nat, found \"5m\"" },
	{ "timeouts: {tcp: 5}", "x:1:17: tcp: " SPAN_EXPECTED "5" },
	{ "timeouts: {tcp: 999ms}", "x:1:17: tcp: " SPAN_EXPECTED "\"999ms\"" },
	{ "timeouts: {udp: 481m}", "x:1:17: udp: " SPAN_EXPECTED "\"481m\"" },
	{ "timeouts: {tpc: 5m}", "x:1:12: unknown key \"tpc\": did you mean tcp?" },
	{ "timeouts: {icmp: 5m}", "x:1:12: unknown key \"icmp\": expected one of tcp, udp, nat" },
	{ SERVICE "scheduler: rr}]", SCHEDULER_EXPECTED "\"rr\"" },
	{ SERVICE "scheduler: least_conn}]",
	  SCHEDULER_EXPECTED "\"least_conn\": did you mean leastconn?" },
	{ SERVICE "scheduler: Round-Robin}]",
	  SCHEDULER_EXPECTED "\"Round-Robin\": did you mean roundrobin?" },
	{ SERVICE "scheduler: 1}]", SCHEDULER_EXPECTED "1, which is no text without quotes" },
	{ SERVICE "scheduler: [maglev]}]", SCHEDULER_EXPECTED "a list" },
	{ SERVICE "hash: client}]", "x:1:66: hash: expected 5-tuple or source, found \"client\"" },
	{ SERVICE "hash: 5tuple}]", "x:1:66: hash: expected 5-tuple or source, found "
				    "\"5tuple\": did you mean 5-tuple?" },
	{ SERVICE "track: true}]", "x:1:67: track: expected auto or always, found true, which is "
				   "no text without quotes" },
	{ SERVICE "track: allways}]", "x:1:67: track: expected auto or always, found "
				      "\"allways\": did you mean always?" },
	{ SERVICE "unavailable: refuse}]",
	  "x:1:73: unavailable: expected drop or reject, found \"refuse\"" },
	{ SERVICE "unavailable: true}]", "x:1:73: unavailable: expected drop or reject, found "
					 "true, which is no text without quotes" },
	{ "services: [{name: web, mode: l2, unavailable: reject, listen: 192.0.2.1:80/sctp}]",
	  "x:1:47: unavailable: expected drop, as nothing answers for SCTP, found reject" },
	{ "services: [{name: web, listen: 192.0.2.1:80/tcp, mode: local, unavailable: drop}]",
	  "x:1:76: unavailable: expected only with mode l2, ipip, gue or nat, found with mode "
	  "local" },
	{ SERVICE "idle_timeout: 0s}]", "x:1:74: idle_timeout: " SPAN_EXPECTED "\"0s\"" },
	{ SERVICE "idle_timeout: 9h}]", "x:1:74: idle_timeout: " SPAN_EXPECTED "\"9h\"" },
	{ SERVICE "settle: 500ms}]", "x:1:68: settle: " SPAN_EXPECTED "\"500ms\"" },
	{ SERVICE "settle: never}]", "x:1:68: settle: " SPAN_EXPECTED "\"never\"" },
	{ SERVICE "slow_start: 2h}]", "x:1:72: slow_start: " SLOW_START_EXPECTED "\"2h\"" },
	{ SERVICE "slow_start: true}]", "x:1:72: slow_start: " SLOW_START_EXPECTED "true" },
	{ SERVICE "panic: 0%}]", PANIC_EXPECTED "\"0%\"" },
	{ SERVICE "panic: 101%}]", PANIC_EXPECTED "\"101%\"" },
	{ SERVICE "panic: 0}]", PANIC_EXPECTED "0" },
	{ SERVICE "panic: 286}]", PANIC_EXPECTED "286" },
	{ SERVICE "panic: -30}]", PANIC_EXPECTED "-30" },
	{ SERVICE "panic: 0.3}]", PANIC_EXPECTED "0.3" },
	{ SERVICE "panic: 30 %}]", PANIC_EXPECTED "\"30 %\"" },
	{ SERVICE "panic: '30'}]", PANIC_EXPECTED "\"30\"" },
	{ SERVICE "panic: 030%}]", PANIC_EXPECTED "\"030%\"" },
	{ SERVICE "slowstart: 30s}]",
	  "x:1:60: unknown key \"slowstart\": did you mean slow_start?" },
	{ SERVICE "timeout: 30s}]",
	  "x:1:60: unknown key \"timeout\": expected one of name, listen, mode, source, scheduler, "
	  "hash, track, unavailable, rows, gue_port, outer_sources, idle_timeout, settle, slow_start, panic, check, backends" },
	{ BACKEND "state: down}]}]", STATE_EXPECTED "\"down\"" },
	{ BACKEND "state: drained}]}]", STATE_EXPECTED "\"drained\": did you mean drain?" },
	{ BACKEND "state: Ready}]}]", STATE_EXPECTED "\"Ready\": did you mean ready?" },
	{ BACKEND "state: }]}]", "x:1:98: state: expected ready, drain or maint, found nothing" },
	{ BACKEND "sorry: yes}]}]", "x:1:98: sorry: expected true or false, found \"yes\"" },
	{ BACKEND "sorry: 1}]}]", "x:1:98: sorry: expected true or false, found 1" },
	{ BACKEND "stat: maint}]}]", "x:1:91: unknown key \"stat\": did you mean state?" },
};

static void what_is_wrong_is_told(void **state)
{
	struct conf_error error;
	struct conf *conf;
	char buf[700];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (decode(refusals[i].yaml, &conf, &error) != -EINVAL)
			fail_msg("accepted: %s", refusals[i].yaml);
		assert_string_equal(conf_error_format(&error, "x", buf, sizeof(buf)),
				    refusals[i].error);
	}
}

/* JSON text may have a NUL in it: what is before it is not the value. */
static void text_ends_where_it_ends(void **state)
{
	struct conf_error error;
	struct conf *conf;
	json_t *tree;

	(void)state;
	tree = json_pack("{s:s%}", "flows", "2M\0x", (size_t)4);
	assert_int_equal(conf_decode(tree, NULL, &conf, &error), -EINVAL);
	json_decref(tree);
	tree = json_pack("{s:{s:s%}}", "timeouts", "tcp", "2s\0x", (size_t)4);
	assert_int_equal(conf_decode(tree, NULL, &conf, &error), -EINVAL);
	assert_string_equal(error.path, "timeouts.tcp");
	json_decref(tree);
}

static void backends_may_all_be_out_of_use(void **state)
{
	static const char *const keys[] = { "sorry: true", "state: drain", "state: maint",
					    "weight: 0" };
	char yaml[200];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		snprintf(yaml, sizeof(yaml), BACKEND "%s}]}]", keys[i]);
		conf_free(decode_good(yaml));
	}
}

static void some_services_track_always(void **state)
{
	static const struct {
		const char *keys;
		bool always;
	} rows[] = {
		{ "listen: 192.0.2.1:80/tcp", false },
		{ "listen: 192.0.2.1:80/tcp, scheduler: maglev, track: auto", false },
		{ "listen: 192.0.2.1:80/tcp, hash: source", false },
		{ "listen: 192.0.2.1:80/tcp, track: always", true },
		{ "listen: 192.0.2.1:80/udp", true },
		{ "listen: 192.0.2.1:80/udp, track: auto", true },
		{ "listen: 192.0.2.1:80/tcp, scheduler: roundrobin", true },
		{ "listen: 192.0.2.1:80/tcp, scheduler: leastconn, track: auto", true },
		{ "listen: 192.0.2.1:80/tcp, scheduler: random", true },
	};
	struct conf *conf;
	char yaml[200];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(yaml, sizeof(yaml), "services: [{name: a, mode: l2, %s}]", rows[i].keys);
		conf = decode_good(yaml);
		if (conf_tracks_always(conf->services) != rows[i].always)
			fail_msg("%s", rows[i].keys);
		conf_free(conf);
	}
}

static void a_service_has_its_own_timeout_or_the_protocols(void **state)
{
	struct conf *conf =
		decode_good("timeouts: {tcp: 5m, udp: 10s}\n"
			    "services: [{name: a, mode: l2, listen: 192.0.2.1:80/tcp},\n"
			    "{name: b, mode: l2, listen: 192.0.2.1:80/udp},\n"
			    "{name: c, mode: l2, listen: 192.0.2.1:81/udp, idle_timeout: 1h}]\n");

	(void)state;
	assert_int_equal(conf_idle_ms(conf, &conf->services[0]), 300000);
	assert_int_equal(conf_idle_ms(conf, &conf->services[1]), 10000);
	assert_int_equal(conf_idle_ms(conf, &conf->services[2]), 3600000);
	conf_free(conf);
}

/* Values come from pinned maps, too, which may hold anything. */
static void words_have_names(void **state)
{
	(void)state;
	assert_string_equal(scheduler_name(SCHEDULER_MAGLEV), "maglev");
	assert_string_equal(scheduler_name(SCHEDULER_ROUNDROBIN), "roundrobin");
	assert_string_equal(scheduler_name(SCHEDULER_LEASTCONN), "leastconn");
	assert_string_equal(scheduler_name(SCHEDULER_RANDOM), "random");
	assert_string_equal(scheduler_name(SCHEDULER_MAX), "?");
	assert_string_equal(admin_name(ADMIN_READY), "ready");
	assert_string_equal(admin_name(ADMIN_DRAIN), "drain");
	assert_string_equal(admin_name(ADMIN_MAINT), "maint");
	assert_string_equal(admin_name(ADMIN_MAX), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_reaches_its_member),
		cmocka_unit_test(absent_keys_have_defaults),
		cmocka_unit_test(values_have_one_text),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(text_ends_where_it_ends),
		cmocka_unit_test(backends_may_all_be_out_of_use),
		cmocka_unit_test(some_services_track_always),
		cmocka_unit_test(a_service_has_its_own_timeout_or_the_protocols),
		cmocka_unit_test(words_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
