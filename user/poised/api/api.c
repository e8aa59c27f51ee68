// SPDX-License-Identifier: BSD-2-Clause
/* HTTP by libmicrohttpd, which polls its connections in an epoll of its own that the loop polls. */
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "api/api.h"
#include "api/api_call.h"
#include "config/control.h"
#include "sweeper/sweeper.h"
#include "base/log.h"

#define CLIENT_TIMEOUT_S 15
#define MAX_CLIENTS      128
#define BACKLOG          128

struct api {
	struct control *control;
	LIST_HEAD(put_off_list, request) put_off;
	struct MHD_Daemon *http;
	uv_poll_t poll;
	uv_timer_t timer;
	unsigned int clients; /* after the last run */
	int open_handles;
};

struct request {
	struct api *api;
	char *body;
	size_t length, room;
	bool too_large, answered;
	/* A call that is put off until numbers have come free. */
	struct MHD_Connection *connection;
	struct sweep_wait wait;
	LIST_ENTRY(request) entry;
	bool has_waited;
};

/* ---- answers */

#define MAX_WARNINGS 20 /* the log has the others */

/* For log_overhear(). */
static void warned(const char *text, void *arg)
{
	struct api_call *call = arg;

	if (!call->warnings)
		call->warnings = json_array();
	if (json_array_size(call->warnings) < MAX_WARNINGS)
		json_array_append_new(call->warnings, json_string(text));
}

/* A header each. libmicrohttpd takes no text with a line's end, which messages do not have. */
static void warnings_add(struct MHD_Response *response, const struct api_call *call)
{
	json_t *text;
	size_t i;

	json_array_foreach (call->warnings, i, text)
		MHD_add_response_header(response, API_WARNING_HEADER, json_string_value(text));
}

static enum MHD_Result send_text(struct MHD_Connection *connection, const struct api_call *call,
				 char *text)
{
	struct MHD_Response *response;
	enum MHD_Result done;

	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	if (call->allow[0])
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, call->allow);
	warnings_add(response, call);
	done = MHD_queue_response(connection, call->status, response);
	MHD_destroy_response(response);
	return done;
}

/* Without memory the connection is closed: MHD_NO. */
static enum MHD_Result send_reply(struct MHD_Connection *connection, const struct api_call *call)
{
	size_t length;
	char *text, *line;

	text = call->reply ? json_dumps(call->reply, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
	if (!text)
		return MHD_NO;
	length = strlen(text);
	line = realloc(text, length + 2);
	if (!line) {
		free(text);
		return MHD_NO;
	}
	memcpy(line + length, "\n", 2);
	return send_text(connection, call, line);
}

static enum MHD_Result send_too_large(struct MHD_Connection *connection)
{
	struct api_call call = { .status = MHD_HTTP_CONTENT_TOO_LARGE };
	enum MHD_Result done;

	call.reply = json_pack("{s:s}", "error", "the body is larger than 16 MiB");
	done = send_reply(connection, &call);
	json_decref(call.reply);
	return done;
}

/* ---- requests */

/* Keeps what arrived; past the limit it is only counted, and past twice the limit it is too much
 * for a client that does not read what it is told. */
static enum MHD_Result body_add(struct request *request, const char *data, size_t size)
{
	size_t room = request->room ? request->room : 4096;
	char *grown;

	request->too_large |= request->length + size > API_MAX_BODY_BYTES;
	if (request->too_large) {
		request->length += size;
		return request->length > 2 * API_MAX_BODY_BYTES ? MHD_NO : MHD_YES;
	}
	while (room < request->length + size)
		room *= 2;
	if (room > request->room) {
		grown = realloc(request->body, room);
		if (!grown)
			return MHD_NO;
		request->body = grown;
		request->room = room;
	}
	memcpy(request->body + request->length, data, size);
	request->length += size;
	return MHD_YES;
}

static enum MHD_Result begin(struct api *api, struct MHD_Connection *connection,
			     struct request **out)
{
	const char *length;

	*out = calloc(1, sizeof(**out));
	if (!*out)
		return MHD_NO;
	(*out)->api = api;
	length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND,
					     MHD_HTTP_HEADER_CONTENT_LENGTH);
	/* Before it is sent, for clients that ask with Expect and for those that would send for
	 * long. */
	if (length && strtoull(length, NULL, 10) > API_MAX_BODY_BYTES) {
		(*out)->answered = true;
		return send_too_large(connection);
	}
	return MHD_YES;
}

/* ---- calls that are put off */

static void resume(struct request *request)
{
	LIST_REMOVE(request, entry);
	request->has_waited = true;
	MHD_resume_connection(request->connection);
}

static void timer_due(uv_timer_t *timer);

static void waited(void *arg)
{
	struct request *request = arg;

	resume(request);
	uv_timer_start(&request->api->timer, timer_due, 0, 0);
}

static enum MHD_Result put_off(struct request *request, struct MHD_Connection *connection)
{
	request->connection = connection;
	request->wait = (struct sweep_wait){ .done = waited, .arg = request };
	LIST_INSERT_HEAD(&request->api->put_off, request, entry);
	control_await(request->api->control, &request->wait);
	MHD_suspend_connection(connection);
	return MHD_YES;
}

/* Their connections are about to end. */
static void resume_all(struct api *api)
{
	while (!LIST_EMPTY(&api->put_off)) {
		struct request *request = LIST_FIRST(&api->put_off);

		sweeper_await_cancel(&request->wait);
		resume(request);
		request->answered = true;
	}
}

static enum MHD_Result answer(struct request *request, struct MHD_Connection *connection,
			      const char *path, const char *method)
{
	struct api_call call = { .control = request->api->control,
				 .may_wait = !request->has_waited };
	enum MHD_Result done;

	log_overhear(warned, &call);
	api_route(&call, method, path, request->body, request->length);
	log_overhear(NULL, NULL);
	request->answered = !call.put_off;
	done = call.put_off ? put_off(request, connection) : send_reply(connection, &call);
	api_call_free(&call);
	json_decref(call.warnings);
	return done;
}

static enum MHD_Result handle(void *arg, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *data,
			      size_t *size, void **state)
{
	struct api *api = arg;
	struct request *request = *state;
	enum MHD_Result done;

	(void)version;
	if (!request)
		return begin(api, connection, (struct request **)state);
	if (request->answered)
		return MHD_YES;
	if (*size) {
		done = body_add(request, data, *size);
		*size = 0;
		/* Closed without an answer, which the client is too busy to read. */
		request->answered = done == MHD_NO;
		return done;
	}
	if (!request->too_large)
		return answer(request, connection, path, method);
	request->answered = true;
	return send_too_large(connection);
}

/*
 * A body of which no more will come never reaches handle(): its connection ends here, still open
 * for what the client may want to know. Nothing else has been sent to it.
 */
static void refuse_half_sent(struct MHD_Connection *connection, bool timed_out)
{
	static const char head[] = "HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
				   "Connection: close\r\nContent-Length: %zu\r\n\r\n%s";
	const char *status = timed_out ? "408 Request Timeout" : "400 Bad Request";
	const char *body = timed_out ? "{\"error\":\"the body did not arrive in time\"}\n"
				     : "{\"error\":\"the body ends too early\"}\n";
	const union MHD_ConnectionInfo *info;
	char text[256];
	int length;

	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	length = snprintf(text, sizeof(text), head, status, strlen(body), body);
	/* Whoever has gone altogether does not hear it. */
	if (info && send(info->connect_fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

static void completed(void *arg, struct MHD_Connection *connection, void **state,
		      enum MHD_RequestTerminationCode code)
{
	struct request *request = *state;

	(void)arg;
	if (request && !request->answered)
		refuse_half_sent(connection, code == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED);
	if (request)
		free(request->body);
	free(request);
	*state = NULL;
}

/* Paths are decoded part by part, after they were split: a name may hold %2F. */
static size_t leave_escaped(void *arg, struct MHD_Connection *connection, char *text)
{
	(void)arg;
	(void)connection;
	return strlen(text);
}

/* ---- the loop */

static void serve(struct api *api)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	unsigned int now_open;
	bool wait = true;

	MHD_run(api->http);
	/* After the limit was reached, who waits is let in at the begin of a run only. */
	now_open = MHD_get_daemon_info(api->http, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
			   ->num_connections;
	if (now_open < api->clients)
		timeout_ms = 0;
	else if (MHD_get_timeout(api->http, &timeout_ms) != MHD_YES)
		wait = false;
	api->clients = now_open;
	if (wait)
		uv_timer_start(&api->timer, timer_due, timeout_ms, 0);
	else
		uv_timer_stop(&api->timer);
}

static void timer_due(uv_timer_t *timer)
{
	serve(timer->data);
}

static void readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	serve(poll->data);
}

/* ---- open and close */

static int socket_open(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err = 0;
	mode_t mask;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	/* The instance's lock is ours: whoever left it is gone. */
	if (unlink(path) && errno != ENOENT)
		err = -errno;
	mask = umask(0117);
	if (!err && bind(fd, (struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	umask(mask);
	if (!err && listen(fd, BACKLOG))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int http_open(struct api *api, int fd)
{
	api->http = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, handle, api,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)CLIENT_TIMEOUT_S, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)MAX_CLIENTS, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_END);
	return api->http ? 0 : -ENOMEM;
}

int api_open(struct uv_loop_s *loop, struct control *control, struct api **out)
{
	const char *path = control_instance(control)->socket;
	const union MHD_DaemonInfo *info;
	struct api *api = calloc(1, sizeof(*api));
	int fd, err;

	if (!api)
		return -ENOMEM;
	api->control = control;
	fd = socket_open(path);
	err = fd < 0 ? fd : http_open(api, fd);
	if (err) {
		log_err("%s: %s", path, strerror(-err));
		if (fd >= 0)
			close(fd);
		free(api);
		return err;
	}
	info = MHD_get_daemon_info(api->http, MHD_DAEMON_INFO_EPOLL_FD);
	uv_poll_init(loop, &api->poll, info->epoll_fd);
	uv_timer_init(loop, &api->timer);
	api->poll.data = api->timer.data = api;
	uv_poll_start(&api->poll, UV_READABLE, readable);
	*out = api;
	return 0;
}

static void closed(uv_handle_t *handle)
{
	struct api *api = handle->data;

	if (!--api->open_handles)
		free(api);
}

void api_close(struct api *api)
{
	if (!api)
		return;
	unlink(control_instance(api->control)->socket);
	api->open_handles = 2;
	uv_close((uv_handle_t *)&api->poll, closed);
	uv_close((uv_handle_t *)&api->timer, closed);
	resume_all(api);
	MHD_stop_daemon(api->http);
}
