// SPDX-License-Identifier: BSD-2-Clause
/* Requests that are refused before anything looks at what runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "api/api_call.h"

static const struct request_row {
	const char *method, *path, *body;
	int status;
	const char *text, *allow; /* part of the error; the methods there are */
} rows[] = {
	{ "GET", "/", "", 404, "/: no such path", "" },
	{ "GET", "/v1", "", 404, "no such path", "" },
	{ "GET", "/v1/status/", "", 404, "no such path", "" },
	{ "GET", "/v2/status", "", 404, "no such path", "" },
	{ "GET", "/v1/services//backends", "", 404, "no such path", "" },
	{ "GET", "/v1/services/a/b/c", "", 404, "no such path", "" },
	{ "POST", "/v1/status", "{}", 405, "POST: not a method", "GET" },
	{ "PUT", "/v1/services", "{}", 405, "GET, POST", "GET, POST" },
	{ "POST", "/v1/services/a%2Fb", "{}", 405, "PATCH", "GET, PATCH, DELETE" },
	{ "HEAD", "/v1/reload", "", 405, "", "POST" },
	{ "GET", "/v1/services/web/backends/10.0.0.1", "", 405, "", "PATCH, DELETE" },
	{ "get", "/v1/config", "", 405, "", "GET, PUT" },
	{ "POST", "/v1/services", "", 400, "line 1, column 0: not JSON", "" },
	{ "POST", "/v1/services", "{\"a\":\n 1,}", 400, "line 2, column 4", "" },
	{ "PUT", "/v1/config", "{} {}", 400, "not JSON", "" },
	{ "PUT", "/v1/config", "{\"a\":1,\"a\":2}", 400, "duplicate", "" },
	{ "PATCH", "/v1/services/web", "{\"a\":\"\\u0000\"}", 400, "not JSON", "" },
	{ "POST", "/v1/interfaces", "{\"a\":\"\xff\"}", 400, "not JSON", "" },
};

static void every_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct request_row *row = &rows[i];
		struct api_call call = { 0 };
		const char *text;

		api_route(&call, row->method, row->path, row->body, strlen(row->body));
		text = json_string_value(json_object_get(call.reply, "error"));
		if (call.status != row->status || !text || !strstr(text, row->text))
			fail_msg("row %zu: %d: %s", i, call.status, text ? text : "no reason");
		assert_string_equal(call.allow, row->allow);
		assert_int_equal(!!json_object_get(call.reply, "line"), row->status == 400);
		api_call_free(&call);
	}
}

static void deep_and_cut_bodies(void **state)
{
	enum { DEEP = 100000 };
	struct api_call call = { 0 };
	char *body = malloc(DEEP);

	(void)state;
	memset(body, '[', DEEP);
	api_route(&call, "PUT", "/v1/config", body, DEEP);
	assert_int_equal(call.status, 400);
	api_call_free(&call);
	/* Bodies have a length and no NUL. */
	call = (struct api_call){ 0 };
	api_route(&call, "PUT", "/v1/config", body, 1);
	assert_int_equal(call.status, 400);
	api_call_free(&call);
	call = (struct api_call){ 0 };
	api_route(&call, "PUT", "/v1/config", NULL, 0);
	assert_int_equal(call.status, 400);
	api_call_free(&call);
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(deep_and_cut_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
