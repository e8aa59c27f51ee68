// SPDX-License-Identifier: BSD-2-Clause
/* One request: its options, and what its end says about the backend. */
#include "check_request.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* The status is what counts; of a longer body no more is waited for. */
#define BODY_BYTES (64 * 1024)
/* Requests are small and many: curl's smallest buffer. */
#define BUFFER_BYTES 1024L

static size_t discard(char *data, size_t size, size_t count, void *arg)
{
	struct request_note *note = arg;

	(void)data;
	note->body_bytes += size * count;
	note->enough = note->body_bytes > BODY_BYTES;
	return note->enough ? 0 : size * count;
}

static curl_socket_t make_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
	struct request_note *note = arg;
	int fd = socket(addr->family, addr->socktype | SOCK_CLOEXEC, addr->protocol);

	(void)purpose;
	if (fd < 0)
		note->local_error = -errno;
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static CURLcode set_options(CURL *request, const struct checker *checker,
			    const struct conf_check *conf, const char *url,
			    struct request_note *note)
{
	const long timeout_ms = (long)conf->timeout_ms;
	CURLcode code = CURLE_OK;

#define SET(option, value)                                                                         \
	if (!code)                                                                                 \
	code = curl_easy_setopt(request, CURLOPT_##option, value)
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
	SET(OPENSOCKETDATA, note);
	SET(WRITEFUNCTION, discard);
	SET(WRITEDATA, note);
	if (conf->type == CHECK_TCP) {
		SET(CONNECT_ONLY, 1L);
		return code;
	}
	SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(HTTPGET, 1L);
	SET(PATH_AS_IS, 1L);
	SET(REQUEST_TARGET, conf->path);
	SET(USERAGENT, "poise/" POISE_VERSION);
	SET(HTTPHEADER, checker->headers);
#undef SET
	return code;
}

int request_begin(struct checker *checker, const struct conf_check *conf, const struct addr *addr,
		  __u16 port, struct request_note *note, CURL **out)
{
	CURL *request = curl_easy_init();
	char url[sizeof("http://[]:65535/") + ADDR_TEXT_SIZE], text[ADDR_TEXT_SIZE];

	if (!request)
		return -ENOMEM;
	snprintf(url, sizeof(url), addr_is_v4(addr) ? "http://%s:%u/" : "http://[%s]:%u/",
		 addr_format(addr, text), port);
	if (set_options(request, checker, conf, url, note) ||
	    curl_easy_setopt(request, CURLOPT_PRIVATE, note) ||
	    curl_multi_add_handle(checker->multi, request)) {
		curl_easy_cleanup(request);
		return -ENOMEM;
	}
	*out = request;
	return 0;
}

void request_end(struct checker *checker, CURL *request)
{
	curl_multi_remove_handle(checker->multi, request);
	curl_easy_cleanup(request);
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

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
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

static void judge_status(CURL *request, const struct conf_check *conf,
			 struct request_result *result)
{
	long status = 0;

	if (conf->type == CHECK_TCP) {
		result->passed = true;
		snprintf(result->reason, sizeof(result->reason), "connected");
		return;
	}
	curl_easy_getinfo(request, CURLINFO_RESPONSE_CODE, &status);
	result->passed = status >= 200 && status <= 399;
	snprintf(result->reason, sizeof(result->reason), "HTTP %ld", status);
}

void request_judge(CURL *request, CURLcode code, const struct conf_check *conf,
		   const struct request_note *note, struct request_result *result)
{
	long os_errno = 0;

	memset(result, 0, sizeof(*result));
	curl_easy_getinfo(request, CURLINFO_OS_ERRNO, &os_errno);
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && note->enough))
		judge_status(request, conf, result);
	else if (note->local_error)
		result->local_error = note->local_error;
	else if (code == CURLE_OUT_OF_MEMORY)
		result->local_error = -ENOMEM;
	else if (code == CURLE_COULDNT_CONNECT && is_local((int)os_errno))
		result->local_error = (int)-os_errno;
	else if (code != CURLE_OPERATION_TIMEDOUT)
		snprintf(result->reason, sizeof(result->reason), "%s", curl_reason(code, os_errno));
	else if (conf->timeout_ms % 1000)
		snprintf(result->reason, sizeof(result->reason), "timed out after %ums",
			 conf->timeout_ms);
	else
		snprintf(result->reason, sizeof(result->reason), "timed out after %us",
			 conf->timeout_ms / 1000);
}
