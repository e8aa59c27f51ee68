// SPDX-License-Identifier: BSD-2-Clause
#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ask/client.h"
#include "base/run_dir.h"
#include "print/json.h"

#define TIMEOUT_MS     30000
#define POLL_MS        1000 /* curl has what is due sooner in mind */
#define MAX_REPLY_SIZE (64U << 20)

struct buffer {
	char *data;
	size_t length;
};

int client_socket_path(const char *instance, char *buf, size_t size)
{
	int length = snprintf(buf, size, RUN_DIR "/%s/" RUN_SOCKET_FILE, instance);

	return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

static size_t buffer_add(char *data, size_t size, size_t count, void *arg)
{
	struct buffer *buffer = arg;
	size_t more = size * count;
	char *larger;

	if (more > MAX_REPLY_SIZE - buffer->length)
		return 0;
	larger = realloc(buffer->data, buffer->length + more);
	if (!larger)
		return 0;
	memcpy(larger + buffer->length, data, more);
	buffer->data = larger;
	buffer->length += more;
	return more;
}

#define WARNING_HEADER "Poise-Warning:"

/* curl calls it with a header line at a time. */
static size_t header_add(char *line, size_t size, size_t count, void *arg)
{
	struct client_reply *reply = arg;
	size_t length = size * count, name = strlen(WARNING_HEADER);

	if (length <= name || strncasecmp(line, WARNING_HEADER, name) != 0)
		return length;
	if (!reply->warnings)
		reply->warnings = json_array();
	while (name < length && line[name] == ' ')
		name++;
	while (length > name && (line[length - 1] == '\r' || line[length - 1] == '\n'))
		length--;
	json_array_append_new(reply->warnings, json_stringn(line + name, length - name));
	return size * count;
}

static int translate(CURL *curl, CURLcode code, int timeout_ms, char error[CLIENT_ERROR_SIZE])
{
	long os_error = 0;

	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
		if (os_error == EACCES || os_error == EPERM) {
			snprintf(error, CLIENT_ERROR_SIZE, "%s (are you root?)",
				 strerror(os_error));
			return -EACCES;
		}
		snprintf(error, CLIENT_ERROR_SIZE, "%s",
			 os_error ? strerror(os_error) : curl_easy_strerror(code));
		return -ECONNREFUSED;
	case CURLE_OPERATION_TIMEDOUT:
		snprintf(error, CLIENT_ERROR_SIZE, "no answer within %g s", timeout_ms / 1000.0);
		return -ETIMEDOUT;
	case CURLE_ABORTED_BY_CALLBACK:
		snprintf(error, CLIENT_ERROR_SIZE, "given up");
		return -ECANCELED;
	case CURLE_OUT_OF_MEMORY:
		snprintf(error, CLIENT_ERROR_SIZE, "out of memory");
		return -ENOMEM;
	default:
		snprintf(error, CLIENT_ERROR_SIZE, "%s", curl_easy_strerror(code));
		return -EPROTO;
	}
}

static struct curl_slist *make_headers(bool with_body)
{
	/* An empty Expect keeps curl from waiting for leave to send larger bodies. */
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	struct curl_slist *longer;

	if (!headers || !with_body)
		return headers;
	longer = curl_slist_append(headers, "Content-Type: application/json");
	if (!longer)
		curl_slist_free_all(headers);
	return longer;
}

static CURLcode set_up(CURL *curl, const char *socket_path, const char *method, const char *path,
		       const char *text, const struct curl_slist *headers, struct buffer *buffer,
		       struct client_reply *reply)
{
	char url[2048];

	if ((size_t)snprintf(url, sizeof(url), "http://localhost%s", path) >= sizeof(url))
		return CURLE_URL_MALFORMAT;
	if (curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path) ||
	    curl_easy_setopt(curl, CURLOPT_URL, url) ||
	    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method) ||
	    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) ||
	    curl_easy_setopt(curl, CURLOPT_WRITEDATA, buffer))
		return CURLE_OUT_OF_MEMORY;
	/* An http_proxy in the environment is not for our socket. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, buffer_add);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header_add);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
	if (text) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text));
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
	}
	return CURLE_OK;
}

/* As curl_easy_perform, but for a descriptor that has it given up. */
static CURLcode perform(CURL *curl, int stop_fd)
{
	struct curl_waitfd stop = { .fd = stop_fd, .events = CURL_WAIT_POLLIN };
	CURLcode code = CURLE_OUT_OF_MEMORY;
	CURLM *multi = curl_multi_init();
	int running = 1, left;
	CURLMsg *message;

	if (multi && !curl_multi_add_handle(multi, curl)) {
		while (!curl_multi_perform(multi, &running) && running && !stop.revents &&
		       !curl_multi_poll(multi, &stop, stop_fd >= 0, POLL_MS, NULL))
			;
		message = curl_multi_info_read(multi, &left);
		if (message)
			code = message->data.result;
		else if (stop.revents)
			code = CURLE_ABORTED_BY_CALLBACK;
		curl_multi_remove_handle(multi, curl);
	}
	curl_multi_cleanup(multi);
	return code;
}

static int request(const char *socket_path, const char *method, const char *path,
		   const json_t *body, const struct client_limits *limits,
		   struct client_reply *reply, char error[CLIENT_ERROR_SIZE])
{
	struct curl_slist *headers = make_headers(body);
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct buffer buffer = { 0 };
	CURL *curl = curl_easy_init();
	CURLcode code = CURLE_OUT_OF_MEMORY;
	long status = 0;
	int err;

	memset(reply, 0, sizeof(*reply));
	if (curl && headers && (text || !body))
		code = set_up(curl, socket_path, method, path, text, headers, &buffer, reply);
	if (code == CURLE_OK)
		code = curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)limits->timeout_ms);
	if (code == CURLE_OK)
		code = perform(curl, limits->stop_fd);
	err = translate(curl, code, limits->timeout_ms, error);
	if (!err) {
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		reply->status = status;
		reply->body = buffer.data
				      ? json_loadb(buffer.data, buffer.length,
						   JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL)
				      : NULL;
	}
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	free(text);
	free(buffer.data);
	return err;
}

int client_request(const char *socket_path, const char *method, const char *path,
		   const json_t *body, struct client_reply *reply, char error[CLIENT_ERROR_SIZE])
{
	static const struct client_limits limits = { .timeout_ms = TIMEOUT_MS, .stop_fd = -1 };

	return request(socket_path, method, path, body, &limits, reply, error);
}

int client_get_within(const char *socket_path, const char *path, const struct client_limits *limits,
		      struct client_reply *reply)
{
	char error[CLIENT_ERROR_SIZE];

	return request(socket_path, "GET", path, NULL, limits, reply, error);
}

void client_reply_free(struct client_reply *reply)
{
	json_decref(reply->body);
	json_decref(reply->warnings);
	reply->body = reply->warnings = NULL;
}

static int ask(const struct command *cmd, const char *method, const char *path, const json_t *body,
	       struct client_reply *reply, bool silent)
{
	char socket_path[128], error[CLIENT_ERROR_SIZE];
	int err;

	memset(reply, 0, sizeof(*reply));
	err = client_socket_path(cmd->instance, socket_path, sizeof(socket_path));
	if (err)
		snprintf(error, sizeof(error), "%s", strerror(-err));
	else
		err = client_request(socket_path, method, path, body, reply, error);
	if (!err)
		return EXIT_DONE;
	if (!silent)
		command_refuse("poised (instance %s) is not reachable: %s: %s", cmd->instance,
			       socket_path, error);
	return EXIT_NO_DAEMON;
}

int client_refused(const struct client_reply *reply)
{
	const char *text = json_string_value(json_object_get(reply->body, "error"));
	unsigned long long line = member_number(reply->body, "line");

	if (!text)
		return command_refuse("poised answered with status %ld and no reason",
				      reply->status);
	/* A reload tells the place in poised's own file. */
	if (line)
		return command_refuse("line %llu, column %llu: %s", line,
				      (unsigned long long)member_number(reply->body, "column"),
				      text);
	return command_refuse("%s", text);
}

int client_answer(const struct command *cmd, const char *method, const char *path,
		  const json_t *body, struct client_reply *reply)
{
	return ask(cmd, method, path, body, reply, false);
}

int client_answer_silent(const struct command *cmd, const char *method, const char *path,
			 const json_t *body, struct client_reply *reply)
{
	return ask(cmd, method, path, body, reply, true);
}

/* Prints what else a change does that was made. */
static void warnings_print(const struct client_reply *reply)
{
	json_t *text;
	size_t i;

	json_array_foreach (reply->warnings, i, text)
		fprintf(stderr, "poise: %s\n", json_string_value(text));
}

static int call(const struct command *cmd, const char *method, const char *path, const json_t *body,
		json_t **out, bool silent)
{
	struct client_reply reply;
	int status = ask(cmd, method, path, body, &reply, silent);

	if (status == EXIT_DONE && reply.status >= 400)
		status = client_refused(&reply);
	else if (status == EXIT_DONE)
		warnings_print(&reply);
	if (status == EXIT_DONE && out) {
		*out = reply.body;
		reply.body = NULL;
	}
	client_reply_free(&reply);
	return status;
}

int client_call(const struct command *cmd, const char *method, const char *path, const json_t *body,
		json_t **out)
{
	return call(cmd, method, path, body, out, false);
}

int client_done(const struct command *cmd, json_t *answer)
{
	if (cmd->json)
		return print_json(answer ? answer : json_object());
	json_decref(answer);
	return EXIT_DONE;
}

int client_change(const struct command *cmd, const char *method, const char *path, json_t *body)
{
	json_t *answer = NULL;
	int status = client_call(cmd, method, path, body, &answer);

	json_decref(body);
	return status == EXIT_DONE ? client_done(cmd, answer) : status;
}

int client_try(const struct command *cmd, const char *method, const char *path, const json_t *body,
	       json_t **out)
{
	int status = call(cmd, method, path, body, out, true);

	if (status == EXIT_DONE && !strcmp(method, "GET") && !*out)
		return command_refuse("poised answered GET %s with something that is not JSON",
				      path);
	return status;
}

int client_path_add(char *buf, size_t size, const char *name)
{
	size_t used = strlen(buf);
	char *escaped = curl_easy_escape(NULL, name, 0);
	int length = -1;

	if (escaped)
		length = snprintf(buf + used, size - used, "/%s", escaped);
	curl_free(escaped);
	return length < 0 || (size_t)length >= size - used ? -ENAMETOOLONG : 0;
}
