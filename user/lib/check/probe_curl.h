/* SPDX-License-Identifier: BSD-2-Clause */
/* For kinds of checks whose protocol libcurl speaks. */
#ifndef POISE_PROBE_CURL_H
#define POISE_PROBE_CURL_H

#include <curl/curl.h>

#include "check/probe.h"

struct probe_curl {
	/* Sets the options of this kind; address, port and timeout are set. */
	CURLcode (*prepare)(CURL *request, const struct probe *probe);
	/* Sets `passed` and `reason` of a request that got its answer. */
	void (*judge)(CURL *request, struct probe_result *result);
};

/* The two are what start and stop of such a kind do; `how` outlives the check. 0 or -errno. */
int probe_curl_start(struct probe *probe, const struct probe_curl *how);
void probe_curl_stop(struct probe *probe);

#endif
