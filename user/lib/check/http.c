// SPDX-License-Identifier: BSD-2-Clause
/* `http: PATH`: a backend is up that answers GET with a status of 2xx or 3xx. */
#include <stdio.h>
#include <string.h>

#include "check/check_kind.h"
#include "check/probe_curl.h"

#define MAX_PATH 1024

/* The path goes into the request as it is, so nothing in it may end or split the request line. A
 * fragment is refused as well, since none is ever sent. */
static bool valid(const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text || text[0] != '/' || strlen(text) > MAX_PATH ||
	    strlen(text) != json_string_length(value))
		return false;
	for (; *text; text++) {
		if (*text <= ' ' || *text > '~' || *text == '#')
			return false;
	}
	return true;
}

static CURLcode prepare(CURL *request, const struct probe *probe)
{
	static struct curl_slist headers = { .data = (char *)"Connection: close" };
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                         \
	if (!code)                                                                                 \
	code = curl_easy_setopt(request, CURLOPT_##option, value)
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(HTTPGET, 1L);
	SET(PATH_AS_IS, 1L);
	SET(REQUEST_TARGET, json_string_value(probe->value));
	SET(USERAGENT, "poise/" POISE_VERSION);
	SET(HTTPHEADER, &headers);
#undef SET
	return code;
}

static void judge(CURL *request, struct probe_result *result)
{
	long status = 0;

	curl_easy_getinfo(request, CURLINFO_RESPONSE_CODE, &status);
	result->passed = status >= 200 && status <= 399;
	snprintf(result->reason, sizeof(result->reason), "HTTP %ld", status);
}

static int start(struct probe *probe)
{
	static const struct probe_curl how = { prepare, judge };

	return probe_curl_start(probe, &how);
}

const struct check_kind check_http = {
	.word = "http",
	.argument = "PATH",
	.begins = "/",
	.expected = "a path that begins with / and has at most 1024 characters, all printable "
		    "ASCII but blank and #",
	.valid = valid,
	.start = start,
	.stop = probe_curl_stop,
};
