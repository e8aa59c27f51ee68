/* SPDX-License-Identifier: BSD-2-Clause */
/* For the tests of the checker: servers of every kind, on loopback and on the same event loop. */
#ifndef POISE_CHECKER_FIXTURE_H
#define POISE_CHECKER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <signal.h>
#include <unistd.h>
#include <uv.h>

#include "poised/checker.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define FIXTURE __attribute__((unused)) static /* not every test needs each */

/* ---- a server: gives one answer to each request, or none */
struct server {
	uv_tcp_t tcp;
	__u16 port;
	const char *answer; /* NULL: stays silent; "": closes */
	size_t length;      /* of the answer, 0: its text's */
	bool keep_open;     /* after the answer */
	unsigned int accepted, open, most_open;
	__u64 accepted_ms[32];
	char request[1024]; /* the last one */
};

struct client {
	uv_tcp_t tcp;
	uv_write_t write;
	struct server *server;
	bool answered;
	char buf[1024];
	size_t used;
};

static uv_loop_t loop;
static struct checker *checker;

static void client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	client->server->open--;
	free(client);
}

static void client_close(struct client *client)
{
	if (!uv_is_closing((uv_handle_t *)&client->tcp))
		uv_close((uv_handle_t *)&client->tcp, client_closed);
}

static void written(uv_write_t *write, int status)
{
	struct client *client = write->data;

	if (status || !client->server->keep_open)
		client_close(client);
}

static void answer(struct client *client)
{
	const struct server *server = client->server;
	uv_buf_t buf;

	if (client->answered || !server->answer)
		return;
	client->answered = true;
	if (!*server->answer) {
		client_close(client);
		return;
	}
	buf = uv_buf_init((char *)server->answer,
			  (unsigned int)(server->length ? server->length : strlen(server->answer)));
	client->write.data = client;
	uv_write(&client->write, (uv_stream_t *)&client->tcp, &buf, 1, written);
}

static void allocate(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct client *client = handle->data;

	(void)size;
	*buf = uv_buf_init(client->buf + client->used,
			   (unsigned int)(sizeof(client->buf) - 1 - client->used));
}

static void received(uv_stream_t *stream, ssize_t length, const uv_buf_t *buf)
{
	struct client *client = stream->data;

	(void)buf;
	if (length < 0) {
		client_close(client);
		return;
	}
	client->used += (size_t)length;
	client->buf[client->used] = '\0';
	if (!strstr(client->buf, "\r\n\r\n"))
		return;
	strcpy(client->server->request, client->buf);
	answer(client);
}

static void connected(uv_stream_t *listener, int status)
{
	struct server *server = listener->data;
	struct client *client = calloc(1, sizeof(*client));

	assert_int_equal(status, 0);
	client->server = server;
	uv_tcp_init(&loop, &client->tcp);
	client->tcp.data = client;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)&client->tcp), 0);
	if (server->accepted < COUNT(server->accepted_ms))
		server->accepted_ms[server->accepted] = uv_now(&loop);
	server->accepted++;
	if (++server->open > server->most_open)
		server->most_open = server->open;
	uv_read_start((uv_stream_t *)&client->tcp, allocate, received);
}

/* On the server's port if it had one, else on any. */
FIXTURE void server_start(struct server *server, const char *address)
{
	struct sockaddr_storage at;
	int length = sizeof(at);

	if (strchr(address, ':'))
		uv_ip6_addr(address, server->port, (struct sockaddr_in6 *)&at);
	else
		uv_ip4_addr(address, server->port, (struct sockaddr_in *)&at);
	uv_tcp_init(&loop, &server->tcp);
	server->tcp.data = server;
	assert_int_equal(uv_tcp_bind(&server->tcp, (struct sockaddr *)&at, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&server->tcp, 4096, connected), 0);
	uv_tcp_getsockname(&server->tcp, (struct sockaddr *)&at, &length);
	server->port = ntohs(((struct sockaddr_in *)&at)->sin_port); /* sin6_port is there, too */
}

/* ---- a backend that is checked */
struct backend {
	struct check *check;
	enum poise_health health;
	char reason[80];
	unsigned int told;
	bool stop_when_told;
};

static void told(void *arg, enum poise_health health, const char *reason)
{
	struct backend *backend = arg;

	backend->health = health;
	backend->told++;
	snprintf(backend->reason, sizeof(backend->reason), "%s", reason);
	if (backend->stop_when_told) {
		check_stop(backend->check);
		backend->check = NULL;
	}
}

FIXTURE struct conf_check conf_of(const char *path)
{
	return (struct conf_check){ .type = path ? CHECK_HTTP : CHECK_TCP,
				    .path = (char *)path,
				    .interval_ms = 100,
				    .timeout_ms = 100,
				    .rise = 2,
				    .fall = 3 };
}

FIXTURE void begin(struct backend *backend, const struct conf_check *conf, const char *address,
		   __u16 port, enum poise_health health)
{
	struct addr addr;

	assert_int_equal(addr_parse(address, &addr), 0);
	backend->health = health;
	assert_int_equal(
		check_start(checker, conf, &addr, port, health, told, backend, &backend->check), 0);
}

/* ---- running the loop */
static void wake(uv_timer_t *timer)
{
	(void)timer;
}

/* Until *value is `wanted`, at most `limit_ms`. Whether it is. */
FIXTURE bool run_until(const unsigned int *value, unsigned int wanted, unsigned int limit_ms)
{
	__u64 end_ns = uv_hrtime() + limit_ms * 1000000ULL;
	static uv_timer_t timer; /* so that the loop turns */

	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, wake, 5, 5);
	while (uv_hrtime() < end_ns && !(value && *value == wanted))
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	return value && *value == wanted;
}

FIXTURE void run_for(unsigned int ms)
{
	run_until(NULL, 0, ms);
}

/* After its checks: waits for their connections to end. */
FIXTURE void server_stop(struct server *server)
{
	uv_close((uv_handle_t *)&server->tcp, NULL);
	assert_true(run_until(&server->open, 0, 2000));
}

FIXTURE int open_all(void **state)
{
	(void)state;
	return uv_loop_init(&loop) || checker_open(&loop, &checker);
}

static void count_handle(uv_handle_t *handle, void *arg)
{
	*(unsigned int *)arg += !uv_is_closing(handle);
}

FIXTURE int close_all(void **state)
{
	unsigned int handles = 0;

	(void)state;
	uv_walk(&loop, count_handle, &handles);
	if (handles != 1) /* the checker's: a test that failed has left more, and it all stays */
		return -1;
	checker_close(checker);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

FIXTURE unsigned int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

#define HEAD(status) "HTTP/1.1 " status "\r\nContent-Length: 2\r\n\r\nok"

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_all, close_all)

#endif
