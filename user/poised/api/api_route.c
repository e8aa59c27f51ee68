// SPDX-License-Identifier: BSD-2-Clause
/* Which method of which path does what. */
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "api/api_call.h"
#include "base/array.h"
#include "config/control.h"

static const struct route {
	const char *path; /* '*': any one part */
	const char *method;
	bool wants_body;
	api_handler handler;
} routes[] = {
	{ "/v1/status", "GET", false, api_status },
	{ "/v1/services", "GET", false, api_services },
	{ "/v1/services", "POST", true, api_service_add },
	{ "/v1/services/*", "GET", false, api_service },
	{ "/v1/services/*", "PATCH", true, api_service_set },
	{ "/v1/services/*", "DELETE", false, api_service_del },
	{ "/v1/services/*/backends", "POST", true, api_backend_add },
	{ "/v1/services/*/backends/*", "PATCH", true, api_backend_set },
	{ "/v1/services/*/backends/*", "DELETE", false, api_backend_del },
	{ "/v1/config", "GET", false, api_config },
	{ "/v1/config", "PUT", true, api_config_put },
	{ "/v1/reload", "POST", false, api_reload },
	{ "/v1/stats", "GET", false, api_stats },
	{ "/v1/drops", "GET", false, api_drops },
	{ "/v1/answers", "GET", false, api_answers },
	{ "/v1/interfaces", "POST", true, api_interface_add },
	{ "/v1/interfaces/*", "DELETE", false, api_interface_del },
};

#define ROUTE_COUNT (ARRAY_SIZE(routes))

/* Tells whether path has the pattern's parts, and notes where those for '*' begin and end. */
static bool match(const char *pattern, const char *path, const char *begins[API_MAX_NAMES],
		  size_t lengths[API_MAX_NAMES])
{
	size_t count = 0;

	while (*pattern) {
		if (*pattern == '*') {
			lengths[count] = strcspn(path, "/");
			if (!lengths[count])
				return false;
			begins[count] = path;
			path += lengths[count++];
			pattern++;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*path;
}

static int names_take(struct api_call *call, const char *begins[API_MAX_NAMES],
		      const size_t lengths[API_MAX_NAMES])
{
	for (size_t i = 0; i < API_MAX_NAMES && begins[i]; i++) {
		call->names[i] = strndup(begins[i], lengths[i]);
		if (!call->names[i])
			return -1;
		MHD_http_unescape(call->names[i]);
	}
	return 0;
}

/* The route; NULL after answering 404 or 405. */
static const struct route *find(struct api_call *call, const char *method, const char *path)
{
	struct refusal refusal;
	size_t length;

	/* Whoever sends the answer leaves its body out. */
	if (!strcmp(method, "HEAD"))
		method = "GET";
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		const char *begins[API_MAX_NAMES] = { NULL };
		size_t lengths[API_MAX_NAMES];

		if (!match(routes[i].path, path, begins, lengths))
			continue;
		if (!strcmp(routes[i].method, method))
			return names_take(call, begins, lengths) ? NULL : &routes[i];
		length = strlen(call->allow);
		snprintf(call->allow + length, sizeof(call->allow) - length, "%s%s",
			 length ? ", " : "", routes[i].method);
	}
	if (call->allow[0])
		refuse(&refusal, 405, NULL, "%s: not a method of %s; there are %s", method, path,
		       call->allow);
	else
		refuse(&refusal, 404, NULL, "%s: no such path", path);
	api_refuse(call, &refusal);
	return NULL;
}

static bool body_read(struct api_call *call, const char *body, size_t length)
{
	struct refusal refusal;
	json_error_t problem;

	call->body = json_loadb(length ? body : "", length, JSON_REJECT_DUPLICATES, &problem);
	if (call->body)
		return true;
	refuse(&refusal, 400, NULL, "body: line %d, column %d: not JSON: %s", problem.line,
	       problem.column, problem.text);
	refusal.error.line = problem.line;
	refusal.error.column = problem.column;
	api_refuse(call, &refusal);
	return false;
}

void api_route(struct api_call *call, const char *method, const char *path, const char *body,
	       size_t length)
{
	const struct route *route;

	call->status = 500;
	route = find(call, method, path);
	if (!route)
		return;
	call->allow[0] = '\0';
	if (!route->wants_body || body_read(call, body, length))
		route->handler(call);
}
