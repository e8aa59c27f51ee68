// SPDX-License-Identifier: BSD-2-Clause
/* libcurl's multi interface on the event loop. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "check/prober_impl.h"

/* A socket of curl's on the loop. */
struct watched {
	uv_poll_t poll;
	struct prober *prober;
	curl_socket_t fd;
};

/* Callbacks may start and stop any check, so nothing of curl's is held across them. */
static void take_results(struct prober *prober)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(prober->multi, &left))) {
		CURLcode code = message->data.result;
		struct prober_request *request = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
		request->ended(request, code);
	}
}

static void timed_out(uv_timer_t *timer)
{
	struct prober *prober = timer->data;
	int running;

	curl_multi_socket_action(prober->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_results(prober);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct prober *prober = arg;

	(void)multi;
	if (uv_is_closing((uv_handle_t *)&prober->timeout))
		return 0;
	if (timeout_ms < 0)
		uv_timer_stop(&prober->timeout);
	else /* at once would be in this same round of timers, for ever */
		uv_timer_start(&prober->timeout, timed_out, timeout_ms ? (__u64)timeout_ms : 1, 0);
	return 0;
}

static void ready(uv_poll_t *poll, int status, int events)
{
	struct watched *watched = poll->data;
	struct prober *prober = watched->prober;
	int flags = status < 0 ? CURL_CSELECT_ERR : 0, running;

	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	/* watched may be gone after this. */
	curl_multi_socket_action(prober->multi, watched->fd, flags, &running);
	take_results(prober);
}

static void poll_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static struct watched *watch(struct prober *prober, curl_socket_t fd)
{
	struct watched *watched = calloc(1, sizeof(*watched));

	if (!watched)
		return NULL;
	if (uv_poll_init_socket(prober->loop, &watched->poll, fd)) {
		free(watched);
		return NULL;
	}
	watched->poll.data = watched;
	watched->prober = prober;
	watched->fd = fd;
	curl_multi_assign(prober->multi, fd, watched);
	return watched;
}

static int set_socket(CURL *request, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct prober *prober = arg;
	struct watched *watched = socket_arg;
	int events = 0;

	if (what == CURL_POLL_REMOVE) {
		if (watched) {
			curl_multi_assign(prober->multi, fd, NULL);
			uv_close((uv_handle_t *)&watched->poll, poll_closed);
		}
		return 0;
	}
	if (!watched)
		watched = watch(prober, fd);
	if (!watched) {
		struct prober_request *failed = NULL;

		/* An error returned from here would be the end of all requests, for good. */
		curl_easy_getinfo(request, CURLINFO_PRIVATE, &failed);
		failed->local_error = -ENOMEM;
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

int prober_open(struct uv_loop_s *loop, struct prober **out)
{
	struct prober *prober = calloc(1, sizeof(*prober));

	if (!prober)
		return -ENOMEM;
	if (curl_global_init(CURL_GLOBAL_NOTHING)) {
		free(prober);
		return -ENOMEM;
	}
	prober->multi = curl_multi_init();
	if (!prober->multi) {
		curl_global_cleanup();
		free(prober);
		return -ENOMEM;
	}
	raise_descriptor_limit();
	prober->loop = loop;
	uv_timer_init(loop, &prober->timeout);
	prober->timeout.data = prober;
	curl_multi_setopt(prober->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(prober->multi, CURLMOPT_SOCKETDATA, prober);
	curl_multi_setopt(prober->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(prober->multi, CURLMOPT_TIMERDATA, prober);
	*out = prober;
	return 0;
}

static void prober_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void prober_close(struct prober *prober)
{
	if (!prober)
		return;
	uv_close((uv_handle_t *)&prober->timeout, prober_closed);
	curl_multi_cleanup(prober->multi);
	curl_global_cleanup();
}
