// SPDX-License-Identifier: BSD-2-Clause
/* One request: its options, and what its end says about the backend. */
#include "check/probe_curl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "check/prober_impl.h"

/* The status is what counts, so the rest of a longer body is not waited for. */
#define BODY_BYTES (64 * 1024)
/* Requests are small and many: curl's smallest buffer. */
#define BUFFER_BYTES 1024L

/* A request in flight. */
struct curl_state {
	struct prober_request base;
	struct probe *probe;
	const struct probe_curl *how;
	CURL *request;
	size_t body_bytes; /* received and thrown away */
	bool enough;       /* ended by us, after enough of the body */
};

static size_t discard(char *data, size_t size, size_t count, void *arg)
{
	struct curl_state *state = arg;

	(void)data;
	state->body_bytes += size * count;
	state->enough = state->body_bytes > BODY_BYTES;
	return state->enough ? 0 : size * count;
}

static curl_socket_t make_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct curl_state *state = arg;
	int fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);

	(void)purpose;
	if (fd < 0)
		state->base.local_error = -errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static CURLcode set_options(CURL *request, const struct probe *probe, struct curl_state *state)
{
	const long timeout_ms = (long)probe->timeout_ms;
	char url[sizeof("http://[]:65535/") + ADDR_TEXT_SIZE], text[ADDR_TEXT_SIZE];
	CURLcode code = CURLE_OK;

	snprintf(url, sizeof(url), addr_is_v4(&probe->addr) ? "http://%s:%u/" : "http://[%s]:%u/",
		 addr_format(&probe->addr, text), probe->port);
#define SET(option, value)                                                                         \
	if (!code)                                                                                 \
	code = curl_easy_setopt(request, CURLOPT_##option, value)
	SET(PRIVATE, &state->base);
	SET(URL, url);
	SET(PROTOCOLS_STR, "http");
	SET(PROXY, ""); /* none from the environment either */
	SET(NOPROXY, "*");
	SET(NOSIGNAL, 1L);
	SET(TIMEOUT_MS, timeout_ms);
	SET(CONNECTTIMEOUT_MS, timeout_ms);
	SET(FRESH_CONNECT, 1L);
	SET(FORBID_REUSE, 1L);
	SET(FOLLOWLOCATION, 0L);
	SET(DNS_CACHE_TIMEOUT, 0L); /* addresses only, and every end would walk through it */
	SET(BUFFERSIZE, BUFFER_BYTES);
	SET(OPENSOCKETFUNCTION, make_socket);
	SET(OPENSOCKETDATA, state);
	SET(WRITEFUNCTION, discard);
	SET(WRITEDATA, state);
#undef SET
	return code ? code : state->how->prepare(request, probe);
}

static void ended(struct prober_request *base, CURLcode code);

int probe_curl_start(struct probe *probe, const struct probe_curl *how)
{
	struct curl_state *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	state->base.ended = ended;
	state->probe = probe;
	state->how = how;
	state->request = curl_easy_init();
	if (!state->request || set_options(state->request, probe, state) ||
	    curl_multi_add_handle(probe->prober->multi, state->request)) {
		curl_easy_cleanup(state->request);
		free(state);
		return -ENOMEM;
	}
	probe->state = state;
	return 0;
}

static void state_free(struct curl_state *state)
{
	curl_multi_remove_handle(state->probe->prober->multi, state->request);
	curl_easy_cleanup(state->request);
	free(state);
}

void probe_curl_stop(struct probe *probe)
{
	state_free(probe->state);
	probe->state = NULL;
}

static bool is_local(int os_errno)
{
	switch (os_errno) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
	case ENOBUFS:
	case EADDRNOTAVAIL: /* no source port left */
		return true;
	}
	return false;
}

static const char *os_reason(long os_errno)
{
	static const struct {
		int os_errno;
		const char *reason;
	} reasons[] = {
		{ ECONNREFUSED, "connection refused" },
		{ EHOSTUNREACH, "no route to host" },
		{ ENETUNREACH, "network is unreachable" },
		{ ECONNRESET, "connection reset" },
		{ ETIMEDOUT, "connection timed out" },
		{ EPERM, "refused by a local firewall" },
		{ EACCES, "refused by a local firewall or route" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (reasons[i].os_errno == os_errno)
			return reasons[i].reason;
	}
	return os_errno ? strerror((int)os_errno) : NULL;
}

static const char *curl_reason(CURLcode code, long os_errno)
{
	const char *reason = os_reason(os_errno);

	switch (code) {
	case CURLE_COULDNT_CONNECT:
		return reason ? reason : "could not connect";
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		return reason ? reason : "connection lost";
	case CURLE_GOT_NOTHING:
		return "connection closed without an answer";
	case CURLE_PARTIAL_FILE:
		return "answer cut short";
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return "answer is not HTTP";
	default:
		return curl_easy_strerror(code);
	}
}

static void reason_timed_out(__u32 timeout_ms, char reason[PROBE_REASON_SIZE])
{
	if (timeout_ms % 1000)
		snprintf(reason, PROBE_REASON_SIZE, "timed out after %ums", timeout_ms);
	else
		snprintf(reason, PROBE_REASON_SIZE, "timed out after %us", timeout_ms / 1000);
}

static void judge(const struct curl_state *state, CURLcode code, struct probe_result *result)
{
	long os_errno = 0;

	memset(result, 0, sizeof(*result));
	curl_easy_getinfo(state->request, CURLINFO_OS_ERRNO, &os_errno);
	result->timed_out = code == CURLE_OPERATION_TIMEDOUT;
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && state->enough))
		state->how->judge(state->request, result);
	else if (state->base.local_error)
		result->local_error = state->base.local_error;
	else if (code == CURLE_OUT_OF_MEMORY)
		result->local_error = -ENOMEM;
	else if (code == CURLE_COULDNT_CONNECT && is_local((int)os_errno))
		result->local_error = (int)-os_errno;
	else if (result->timed_out)
		reason_timed_out(state->probe->timeout_ms, result->reason);
	else
		snprintf(result->reason, sizeof(result->reason), "%s", curl_reason(code, os_errno));
}

static void ended(struct prober_request *base, CURLcode code)
{
	struct curl_state *state = (struct curl_state *)base; /* its first member */
	struct probe *probe = state->probe;
	struct probe_result result;

	judge(state, code, &result);
	state_free(state);
	probe_end(probe, &result);
}
