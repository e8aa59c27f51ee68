// SPDX-License-Identifier: BSD-2-Clause
/* libcurl's multi interface on the event loop. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "check_request.h"
#include "log.h"

#define COMPLAIN_MS 60000

/* One socket of curl's on the loop. */
struct watched {
	uv_poll_t poll;
	struct checker *checker;
	curl_socket_t fd;
};

void checker_complain(struct checker *checker, int err)
{
	__u64 now_ms = uv_now(checker->loop);

	if (checker->complained && now_ms < checker->complained_ms + COMPLAIN_MS)
		return;
	checker->complained = true;
	checker->complained_ms = now_ms;
	log_warn("health checks cannot be made: %s; backends keep the health they have",
		 strerror(-err));
}

/* Callbacks from here may start and stop any check: nothing of curl's is held across them. */
static void take_results(struct checker *checker)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(checker->multi, &left))) {
		CURLcode code = message->data.result;
		struct request_note *note = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &note);
		check_done(note->check, code);
	}
}

static void timed_out(uv_timer_t *timer)
{
	struct checker *checker = timer->data;
	int running;

	curl_multi_socket_action(checker->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_results(checker);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct checker *checker = arg;

	(void)multi;
	if (uv_is_closing((uv_handle_t *)&checker->timeout))
		return 0;
	if (timeout_ms < 0)
		uv_timer_stop(&checker->timeout);
	else /* at once would be in this same round of timers, for ever */
		uv_timer_start(&checker->timeout, timed_out, timeout_ms ? (__u64)timeout_ms : 1, 0);
	return 0;
}

static void ready(uv_poll_t *poll, int status, int events)
{
	struct watched *watched = poll->data;
	struct checker *checker = watched->checker;
	int flags = status < 0 ? CURL_CSELECT_ERR : 0, running;

	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	/* watched may be gone after this. */
	curl_multi_socket_action(checker->multi, watched->fd, flags, &running);
	take_results(checker);
}

static void poll_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static struct watched *watch(struct checker *checker, curl_socket_t fd)
{
	struct watched *watched = calloc(1, sizeof(*watched));

	if (!watched)
		return NULL;
	if (uv_poll_init_socket(checker->loop, &watched->poll, fd)) {
		free(watched);
		return NULL;
	}
	watched->poll.data = watched;
	watched->checker = checker;
	watched->fd = fd;
	curl_multi_assign(checker->multi, fd, watched);
	return watched;
}

static int set_socket(CURL *request, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct checker *checker = arg;
	struct watched *watched = socket_arg;
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (watched) {
			curl_multi_assign(checker->multi, fd, NULL);
			uv_close((uv_handle_t *)&watched->poll, poll_closed);
		}
		return 0;
	}
	if (!watched)
		watched = watch(checker, fd);
	if (!watched) {
		struct request_note *note = NULL;

		/* An error returned from here would be the end of all requests, for good. */
		curl_easy_getinfo(request, CURLINFO_PRIVATE, &note);
		note->local_error = -ENOMEM;
		return 0;
	}
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	uv_poll_start(&watched->poll, events, ready);
	return 0;
}

/* A check of a silent backend holds a descriptor until its timeout: thousands need thousands. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int checker_open(struct uv_loop_s *loop, struct checker **out)
{
	struct checker *checker = calloc(1, sizeof(*checker));

	if (!checker)
		return -ENOMEM;
	if (curl_global_init(CURL_GLOBAL_NOTHING)) {
		free(checker);
		return -ENOMEM;
	}
	checker->multi = curl_multi_init();
	checker->headers = curl_slist_append(NULL, "Connection: close");
	if (!checker->multi || !checker->headers) {
		curl_multi_cleanup(checker->multi);
		curl_slist_free_all(checker->headers);
		curl_global_cleanup();
		free(checker);
		return -ENOMEM;
	}
	raise_descriptor_limit();
	checker->loop = loop;
	uv_timer_init(loop, &checker->timeout);
	checker->timeout.data = checker;
	curl_multi_setopt(checker->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(checker->multi, CURLMOPT_SOCKETDATA, checker);
	curl_multi_setopt(checker->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(checker->multi, CURLMOPT_TIMERDATA, checker);
	*out = checker;
	return 0;
}

static void checker_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void checker_close(struct checker *checker)
{
	if (!checker)
		return;
	uv_close((uv_handle_t *)&checker->timeout, checker_closed);
	curl_multi_cleanup(checker->multi);
	curl_slist_free_all(checker->headers);
	curl_global_cleanup();
}
