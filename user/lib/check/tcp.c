// SPDX-License-Identifier: BSD-2-Clause
/* `tcp: true`: a backend is up that accepts a connection. */
#include <stdio.h>

#include "check/check_kind.h"
#include "check/probe_curl.h"

static bool valid(const json_t *value)
{
	return json_is_true(value);
}

static CURLcode prepare(CURL *request, const struct probe *probe)
{
	(void)probe;
	return curl_easy_setopt(request, CURLOPT_CONNECT_ONLY, 1L);
}

static void judge(CURL *request, struct probe_result *result)
{
	(void)request;
	result->passed = true;
	snprintf(result->reason, sizeof(result->reason), "connected");
}

static int start(struct probe *probe)
{
	static const struct probe_curl how = { prepare, judge };

	return probe_curl_start(probe, &how);
}

const struct check_kind check_tcp = {
	.word = "tcp",
	.expected = "true",
	.valid = valid,
	.start = start,
	.stop = probe_curl_stop,
};
