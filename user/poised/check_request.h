/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of the checker. checker.c decides when to check and what results mean, check_request.c
 * makes and judges one request, check_multi.c runs requests on the event loop.
 */
#ifndef POISE_CHECK_REQUEST_H
#define POISE_CHECK_REQUEST_H

#include <curl/curl.h>
#include <uv.h>

#include "checker.h"

#define REASON_SIZE 80

struct checker {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timeout;
	struct curl_slist *headers;
	bool complained;
	__u64 complained_ms; /* uv_now's time of the last complaint */
};

/* What callbacks note of a request while it runs; it outlives the request. */
struct request_note {
	struct check *check; /* whose */
	size_t body_bytes;   /* received and thrown away */
	bool enough;         /* ended by us, after enough of the body */
	int local_error;     /* negative errno of making or watching the socket */
};

struct request_result {
	bool passed;
	int local_error; /* not 0: this host's trouble, a negative errno; nothing was learned */
	char reason[REASON_SIZE];
};

/* check_multi.c: says, once a minute, that checks cannot be made. err is a negative errno. */
void checker_complain(struct checker *checker, int err);

/* Begins a request; check_done(note->check) is called from the loop when it ends. 0 or -errno. */
int request_begin(struct checker *checker, const struct conf_check *conf, const struct addr *addr,
		  __u16 port, struct request_note *note, CURL **out);
/* Gives up or frees a request; check_done is not called any more. */
void request_end(struct checker *checker, CURL *request);
/* What the end of a request says. */
void request_judge(CURL *request, CURLcode code, const struct conf_check *conf,
		   const struct request_note *note, struct request_result *result);

/* checker.c: a request has ended. */
void check_done(struct check *check, CURLcode code);

#endif
