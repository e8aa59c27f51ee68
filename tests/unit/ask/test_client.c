// SPDX-License-Identifier: BSD-2-Clause
/* Requests over a unix socket, against canned answers. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "ask/client.h"

#define REQUEST_SIZE (2 << 20)

/* A server for one connection. */
struct server {
	char dir[64], path[96];
	int fd;
	pthread_t thread;
	const char *answer; /* once the request is complete; "": hangs up, NULL: none */
	char *request;
};

/* True if all of the body that Content-Length announces is there. */
static bool complete(const char *request, size_t length)
{
	const char *end = strstr(request, "\r\n\r\n");
	const char *header = strstr(request, "Content-Length: ");

	if (!end)
		return false;
	return !header || length >= (size_t)(end + 4 - request) + strtoul(header + 16, NULL, 10);
}

static void *serve(void *arg)
{
	struct server *server = arg;
	int fd = accept(server->fd, NULL, NULL);
	size_t length = 0;
	ssize_t n = 1;

	while (n > 0 && !complete(server->request, length)) {
		n = read(fd, server->request + length, REQUEST_SIZE - 1 - length);
		length += n > 0 ? n : 0;
		server->request[length] = '\0';
	}
	while (!server->answer && n > 0)
		n = read(fd, server->request, REQUEST_SIZE - 1);
	if (server->answer && write(fd, server->answer, strlen(server->answer)) < 0)
		perror("write");
	close(fd);
	return NULL;
}

static void server_start(struct server *server, const char *answer)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(server->dir, "/tmp/poise-test-client-XXXXXX");
	assert_non_null(mkdtemp(server->dir));
	snprintf(server->path, sizeof(server->path), "%s/sock", server->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", server->path);
	server->request = calloc(1, REQUEST_SIZE);
	server->answer = answer;
	server->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(server->fd, 1), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void server_stop(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->fd);
	unlink(server->path);
	rmdir(server->dir);
	free(server->request);
}

static void a_request_and_its_json_answer(void **state)
{
	json_t *body = json_pack("{s:i}", "weight", 5);
	char error[CLIENT_ERROR_SIZE];
	struct client_reply reply;
	struct server server;

	(void)state;
	server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"a\": [1]}\r\n");
	setenv("http_proxy", "http://192.0.2.1:3128", 1);
	assert_int_equal(client_request(server.path, "PATCH", "/v1/services/web/backends/%5B::%5D",
					body, &reply, error),
			 0);
	unsetenv("http_proxy");
	assert_int_equal(reply.status, 200);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(reply.body, "a"), 0)),
			 1);
	assert_int_equal(
		strncmp(server.request, "PATCH /v1/services/web/backends/%5B::%5D HTTP/1.1", 49),
		0);
	assert_non_null(strstr(server.request, "\r\n\r\n{\"weight\":5}"));
	client_reply_free(&reply);
	json_decref(body);
	server_stop(&server);
}

static void what_was_logged_on_the_way_comes_along(void **state)
{
	char error[CLIENT_ERROR_SIZE];
	struct client_reply reply;
	struct server server;

	(void)state;
	server_start(&server, "HTTP/1.1 200 OK\r\nPoise-Warning: web: `mode` changed\r\n"
			      "Content-Length: 2\r\npoise-warning:   two\r\n\r\n{}");
	assert_int_equal(client_request(server.path, "POST", "/v1/reload", NULL, &reply, error), 0);
	assert_int_equal(json_array_size(reply.warnings), 2);
	assert_string_equal(json_string_value(json_array_get(reply.warnings, 0)),
			    "web: `mode` changed");
	assert_string_equal(json_string_value(json_array_get(reply.warnings, 1)), "two");
	client_reply_free(&reply);
	server_stop(&server);
}

static void a_large_body_is_sent_whole_and_without_waiting(void **state)
{
	json_t *body = json_array();
	char error[CLIENT_ERROR_SIZE];
	struct client_reply reply;
	struct server server;
	size_t i;

	(void)state;
	for (i = 0; i < 100000; i++)
		json_array_append_new(body, json_string("10.0.0.11"));
	server_start(&server, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(client_request(server.path, "PUT", "/v1/config", body, &reply, error), 0);
	assert_int_equal(reply.status, 201);
	assert_null(reply.body);
	assert_null(strstr(server.request, "100-continue"));
	assert_string_equal(server.request + strlen(server.request) - 12, "\"10.0.0.11\"]");
	client_reply_free(&reply);
	json_decref(body);
	server_stop(&server);
}

static void a_refusal_is_an_answer(void **state)
{
	char error[CLIENT_ERROR_SIZE];
	struct client_reply reply;
	struct server server;

	(void)state;
	server_start(&server, "HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\n"
			      "{\"error\":\"no\"}\n");
	assert_int_equal(client_request(server.path, "GET", "/v1/x", NULL, &reply, error), 0);
	assert_int_equal(reply.status, 404);
	assert_string_equal(json_string_value(json_object_get(reply.body, "error")), "no");
	client_reply_free(&reply);
	server_stop(&server);
}

static void what_is_no_answer_is_an_error(void **state)
{
	static const char *const answers[] = {
		"",                                                 /* hangs up */
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1", /* cut short */
		"220 mail ready\r\n",
	};
	char error[CLIENT_ERROR_SIZE];
	struct client_reply reply;
	struct server server;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		server_start(&server, answers[i]);
		error[0] = '\0';
		assert_int_equal(client_request(server.path, "GET", "/", NULL, &reply, error),
				 -EPROTO);
		assert_true(error[0]);
		assert_null(reply.body);
		server_stop(&server);
	}
}

static void what_is_not_json_has_no_body(void **state)
{
	char error[CLIENT_ERROR_SIZE];
	struct client_reply reply;
	struct server server;

	(void)state;
	server_start(&server, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n<html");
	assert_int_equal(client_request(server.path, "GET", "/", NULL, &reply, error), 0);
	assert_null(reply.body);
	server_stop(&server);
}

static void who_does_not_answer_is_given_up(void **state)
{
	static const struct {
		const char *written; /* to what has the request given up */
		struct client_limits limits;
		int err;
	} rows[] = {
		{ "", { 50, -1 }, -ETIMEDOUT },
		{ "", { 50, 0 }, -ETIMEDOUT },
		{ "x", { 20000, 0 }, -ECANCELED },
	};
	struct client_reply reply;
	struct server server;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct client_limits limits = rows[i].limits;
		size_t length = strlen(rows[i].written);
		int fds[2];

		assert_int_equal(pipe(fds), 0);
		assert_int_equal(write(fds[1], rows[i].written, length), length);
		if (!limits.stop_fd)
			limits.stop_fd = fds[0];
		server_start(&server, NULL);
		assert_int_equal(client_get_within(server.path, "/", &limits, &reply), rows[i].err);
		assert_null(reply.body);
		server_stop(&server);
		close(fds[0]);
		close(fds[1]);
	}
}

static void nobody_listens(void **state)
{
	char error[CLIENT_ERROR_SIZE] = "";
	struct client_reply reply;

	(void)state;
	assert_int_equal(
		client_request("/tmp/poise-test-client-none/sock", "GET", "/", NULL, &reply, error),
		-ECONNREFUSED);
	assert_string_equal(error, "No such file or directory");
}

static void names_in_paths_are_encoded(void **state)
{
	char path[40] = "/v1/services";

	(void)state;
	assert_int_equal(client_path_add(path, sizeof(path), "a/../b c"), 0);
	assert_string_equal(path, "/v1/services/a%2F..%2Fb%20c");
	assert_int_equal(client_path_add(path, sizeof(path), "0123456789a"), 0);
	assert_int_equal(client_path_add(path, sizeof(path), "x"), -ENAMETOOLONG);
}

static void a_socket_per_instance(void **state)
{
	char path[40];

	(void)state;
	assert_int_equal(client_socket_path("edge", path, sizeof(path)), 0);
	assert_string_equal(path, "/run/poise/edge/poised.sock");
	assert_int_equal(client_socket_path("edge", path, 27), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_and_its_json_answer),
		cmocka_unit_test(what_was_logged_on_the_way_comes_along),
		cmocka_unit_test(a_large_body_is_sent_whole_and_without_waiting),
		cmocka_unit_test(a_refusal_is_an_answer),
		cmocka_unit_test(what_is_no_answer_is_an_error),
		cmocka_unit_test(what_is_not_json_has_no_body),
		cmocka_unit_test(who_does_not_answer_is_given_up),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(names_in_paths_are_encoded),
		cmocka_unit_test(a_socket_per_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
