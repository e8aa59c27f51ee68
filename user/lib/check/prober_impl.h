/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by prober.c and probe_curl.c. */
#ifndef POISE_PROBER_IMPL_H
#define POISE_PROBER_IMPL_H

#include <curl/curl.h>
#include <uv.h>

#include "check/probe.h"

struct prober {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timeout;
};

/* A request of libcurl's; CURLOPT_PRIVATE points to it. */
struct prober_request {
	void (*ended)(struct prober_request *request, CURLcode code); /* may free it */
	int local_error; /* negative errno of making or watching the socket */
};

#endif
