// SPDX-License-Identifier: BSD-2-Clause
/* The JSON of services, backends and the status, byte for byte: scripts of operators read it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <netinet/in.h>

#include "base/array.h"
#include "show/show.h"

static void assert_json(json_t *made, const char *expected)
{
	char *text = json_dumps(made, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_non_null(text);
	assert_string_equal(text, expected);
	free(text);
	json_decref(made);
}

static struct addr parsed(const char *text)
{
	struct addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void a_backend_of_a_running_daemon(void **state)
{
	const struct show_backend backend = {
		.addr = parsed("10.0.0.11"),
		.port = 8080,
		.weight = 100,
		.admin = ADMIN_DRAIN,
		.health = HEALTH_DOWN,
		.sorry = true,
		.reason = "connection refused",
		.next_hop = "via 10.0.0.1 dev eth0",
		.lives = true,
		.usable = false,
		.serves = true,
		.target = 7,
		.row_count = 251,
		.rows = 251,
		.previous_rows = 3,
		.since_s = 12,
		.flows = 5,
		.closing = 0,
	};

	(void)state;
	assert_json(show_backend(&backend),
		    "{\"id\":\"10.0.0.11:8080\",\"weight\":100,\"state\":\"drain\","
		    "\"health\":\"down\",\"reason\":\"connection refused\",\"since_s\":12,"
		    "\"next_hop\":\"via 10.0.0.1 dev eth0\",\"usable\":false,\"serves\":true,"
		    "\"target\":7,\"rows\":251,\"share\":1.0,\"previous_rows\":3,\"flows\":5,"
		    "\"closing\":0,\"sorry\":true}");
}

static void a_backend_from_pinned_maps(void **state)
{
	const struct show_backend backend = {
		.addr = parsed("2001:db8::11"),
		.weight = 65535,
		.admin = ADMIN_READY,
		.health = HEALTH_UNCHECKED,
		.reason = "",
		.target = 1,
		.since_s = SHOW_UNKNOWN,
		.flows = SHOW_UNKNOWN,
		.closing = SHOW_UNKNOWN,
	};

	(void)state;
	assert_json(show_backend(&backend),
		    "{\"id\":\"2001:db8::11\",\"weight\":65535,\"state\":\"ready\","
		    "\"health\":\"unchecked\",\"reason\":\"\",\"since_s\":null,\"next_hop\":null,"
		    "\"usable\":null,\"serves\":null,\"target\":1,\"rows\":0,\"share\":0.0,"
		    "\"previous_rows\":0,\"flows\":null,\"closing\":null}");
}

#define HEAD(mode)                                                                                 \
	"{\"name\":\"web\",\"listen\":\"192.0.2.10:80/tcp\",\"mode\":\"" mode                      \
	"\",\"rows\":251,\"scheduler\":\"leastconn\",\"hash\":\"5-tuple\",\"track\":\"auto\","     \
	"\"unavailable\":\"reject\","
#define ROWS "\"tracking\":{\"stable\":200,\"moving\":50,\"tracked\":1,\"sweep_age_ms\":"
#define TAIL "\"backends\":[],\"leaving\":[]}"

static struct show_service web(enum poise_mode mode)
{
	return (struct show_service){ .name = "web",
				      .addr = parsed("192.0.2.10"),
				      .port = 80,
				      .proto = IPPROTO_TCP,
				      .mode = mode,
				      .scheduler = SCHEDULER_LEASTCONN,
				      .rejects = true,
				      .rows = 251,
				      .stable_rows = 200,
				      .moving_rows = 50,
				      .tracked_rows = 1,
				      .sweep_age_ms = 40 };
}

static void services_of_a_running_daemon(void **state)
{
	static const struct {
		enum poise_mode mode;
		struct show_settings settings;
		const char *check, *json;
	} rows[] = {
		{ MODE_L2,
		  { .idle_timeout_ms = 900000, .settles = true, .settle_ms = 900000 },
		  "{\"tcp\":true,\"interval\":\"5s\"}",
		  HEAD("l2") "\"idle_timeout\":\"15m\",\"settle\":\"15m\",\"slow_start\":null,"
			     "\"panic\":null," ROWS
			     "40},\"check\":{\"tcp\":true,\"interval\":\"5s\"}," TAIL },
		{ MODE_GUE,
		  { .idle_timeout_ms = 1000,
		    .settles = true,
		    .settle_ms = 5000,
		    .slow_start_ms = 30000,
		    .panic_percent = 30,
		    .gue_port = 6080 },
		  NULL,
		  HEAD("gue") "\"idle_timeout\":\"1s\",\"settle\":\"5s\",\"slow_start\":\"30s\","
			      "\"panic\":\"30%\"," ROWS "40},\"gue_port\":6080," TAIL },
		{ MODE_NAT,
		  { .idle_timeout_ms = 432000000 },
		  NULL,
		  HEAD("nat") "\"idle_timeout\":\"120h\",\"slow_start\":null,\"panic\":null," ROWS
			      "40}," TAIL },
		{ MODE_NAT_KEEP,
		  { .idle_timeout_ms = 900000, .settles = true, .settle_ms = 900000 },
		  NULL,
		  HEAD("nat") "\"idle_timeout\":\"15m\",\"settle\":\"15m\",\"slow_start\":null,"
			      "\"panic\":null," ROWS "40},\"source\":\"keep\"," TAIL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct show_service service = web(rows[i].mode);
		struct show_settings settings = rows[i].settings;

		if (rows[i].check)
			settings.check = json_loads(rows[i].check, 0, NULL);
		service.settings = &settings;
		assert_json(show_service(&service, json_array(), json_array()), rows[i].json);
	}
}

static void a_service_before_the_first_sweep(void **state)
{
	const struct show_settings settings = { .idle_timeout_ms = 1000, .settles = true };
	struct show_service service = web(MODE_IPIP);

	(void)state;
	service.settings = &settings;
	service.sweep_age_ms = SHOW_UNKNOWN;
	service.hash_source = service.tracks_always = true;
	service.rejects = false;
	assert_json(
		show_service(&service, json_array(), json_array()),
		"{\"name\":\"web\",\"listen\":\"192.0.2.10:80/tcp\",\"mode\":\"ipip\","
		"\"rows\":251,\"scheduler\":\"leastconn\",\"hash\":\"source\","
		"\"track\":\"always\",\"unavailable\":\"drop\",\"idle_timeout\":\"1s\",\"settle\":null,"
		"\"slow_start\":null,\"panic\":null," ROWS "null}," TAIL);
}

static void services_from_pinned_maps(void **state)
{
	static const struct {
		enum poise_mode mode;
		const char *json;
	} rows[] = {
		{ MODE_LOCAL,
		  "{\"name\":\"web\",\"listen\":\"192.0.2.10:80/tcp\",\"mode\":\"local\","
		  "\"rows\":251,\"scheduler\":\"leastconn\",\"hash\":\"5-tuple\","
		  "\"track\":\"auto\"," },
		{ MODE_GUE, HEAD("gue") },
		{ MODE_NAT_KEEP, HEAD("nat") },
	};
	char expected[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct show_service service = web(rows[i].mode);

		service.sweep_age_ms = SHOW_ABSENT;
		snprintf(expected, sizeof(expected), "%s%s%s%s", rows[i].json,
			 "\"tracking\":{\"stable\":200,\"moving\":50,\"tracked\":1},",
			 rows[i].mode == MODE_NAT_KEEP ? "\"source\":\"keep\"," : "", TAIL);
		assert_json(show_service(&service, json_array(), json_array()), expected);
	}
}

static void tables_with_and_without_a_daemon(void **state)
{
	struct show_flow_table flows = { .size = 65536,
					 .occupied = 3,
					 .new_flows = 1,
					 .counter = { .tracked = 4, .evicted = 5, .lost = 6 },
					 .sweep_us = 70,
					 .sweep_age_ms = SHOW_UNKNOWN };
	struct show_nat_table nat = { .size = 512,
				      .flows = 1,
				      .new_flows = 2,
				      .closing = 3,
				      .counter = { 4, 5, 6, 7 },
				      .port_first = 10240,
				      .port_last = 32767,
				      .sources = json_pack("[s]", "192.0.2.1") };

	(void)state;
	assert_json(show_flow_table(&flows),
		    "{\"size\":65536,\"occupied\":3,\"new\":1,\"tracked\":4,\"evicted\":5,"
		    "\"lost\":6,\"sweep_us\":70,\"sweep_age_ms\":null}");
	flows.sweep_us = flows.sweep_age_ms = SHOW_ABSENT;
	assert_json(show_flow_table(&flows),
		    "{\"size\":65536,\"occupied\":3,\"new\":1,\"tracked\":4,\"evicted\":5,"
		    "\"lost\":6}");
	assert_json(show_nat_table(&nat),
		    "{\"size\":512,\"flows\":1,\"new\":2,\"closing\":3,\"made\":4,\"evicted\":5,"
		    "\"broken\":6,\"reused\":7,\"ports\":\"10240-32767\","
		    "\"sources\":[\"192.0.2.1\"]}");
	nat.port_first = nat.port_last = 0;
	nat.sources = json_null();
	assert_json(show_nat_table(&nat),
		    "{\"size\":512,\"flows\":1,\"new\":2,\"closing\":3,\"made\":4,\"evicted\":5,"
		    "\"broken\":6,\"reused\":7,\"ports\":null,\"sources\":null}");
}

/* All but the maps, of which there are many: their keys, sizes and sum. */
static void the_status(void **state)
{
	struct show_status status = { .instance = "default",
				      .pid = SHOW_UNKNOWN,
				      .uptime_s = SHOW_UNKNOWN,
				      .last_publish_us = SHOW_UNKNOWN,
				      .services = 4,
				      .local_services = 1,
				      .backends = 6,
				      .up = 5,
				      .map_bytes = { 100, 20, 3 },
				      .interfaces =
					      json_pack("[o]", show_interface("eth0", 2, true, 9)),
				      .flow_table = json_null() };
	json_t *made = show_status(&status), *maps = json_object_get(made, "maps");

	(void)state;
	assert_int_equal(json_object_size(maps), MAPS_COUNT);
	assert_int_equal(json_integer_value(json_object_get(maps, maps_name(1))), 20);
	json_object_clear(maps);
	json_object_set_new(made, "abi", json_integer(0));
	assert_json(made, "{\"version\":null,\"abi\":0,\"instance\":\"default\",\"pid\":null,"
			  "\"uptime_s\":null,\"interfaces\":[{\"name\":\"eth0\",\"ifindex\":2,"
			  "\"xdp\":\"generic\",\"program\":9}],\"services\":4,\"local_services\":1,"
			  "\"backends\":6,\"up\":5,\"map_memory_bytes\":123,\"maps\":{},"
			  "\"last_publish_us\":null,\"flows\":null}");
	status.version = "1";
	status.pid = status.uptime_s = status.last_publish_us = 1;
	status.interfaces = json_array();
	status.flow_table = json_object();
	status.nat_table = json_object();
	made = show_status(&status);
	json_object_clear(json_object_get(made, "maps"));
	json_object_set_new(made, "abi", json_integer(0));
	assert_json(made, "{\"version\":\"1\",\"abi\":0,\"instance\":\"default\",\"pid\":1,"
			  "\"uptime_s\":1,\"interfaces\":[],\"services\":4,\"local_services\":1,"
			  "\"backends\":6,\"up\":5,\"map_memory_bytes\":123,\"maps\":{},"
			  "\"last_publish_us\":1,\"flows\":{},\"nat\":{}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_backend_of_a_running_daemon),
		cmocka_unit_test(a_backend_from_pinned_maps),
		cmocka_unit_test(services_of_a_running_daemon),
		cmocka_unit_test(a_service_before_the_first_sweep),
		cmocka_unit_test(services_from_pinned_maps),
		cmocka_unit_test(tables_with_and_without_a_daemon),
		cmocka_unit_test(the_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
