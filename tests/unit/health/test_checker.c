// SPDX-License-Identifier: BSD-2-Clause
/* Tests what health checks say about servers of every kind. */
#include "fixtures/checker_fixture.h"

#include <errno.h>
#include <sched.h>

/* ---- what one check says */
static const struct {
	const char *name;
	const char *path; /* NULL: TCP */
	const char *answer;
	bool keep_open;
	enum poise_health health;
	const char *reason;
} answers[] = {
	{ "tcp, accepts", NULL, NULL, true, HEALTH_UP, "connected" },
	{ "tcp, accepts and closes", NULL, "", false, HEALTH_UP, "connected" },
	{ "200", "/", HEAD("200 OK"), true, HEALTH_UP, "HTTP 200" },
	{ "200 of HTTP/1.0, until it closes", "/", "HTTP/1.0 200 OK\r\n\r\nyes", false, HEALTH_UP,
	  "HTTP 200" },
	{ "204", "/", "HTTP/1.1 204 No Content\r\n\r\n", true, HEALTH_UP, "HTTP 204" },
	{ "103, then 200", "/", "HTTP/1.1 103 Early Hints\r\n\r\n" HEAD("200 OK"), true, HEALTH_UP,
	  "HTTP 200" },
	{ "a redirection is not followed", "/",
	  "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", true,
	  HEALTH_UP, "HTTP 301" },
	{ "404", "/", HEAD("404 Not Found"), true, HEALTH_DOWN, "HTTP 404" },
	{ "503", "/", HEAD("503 Service Unavailable"), true, HEALTH_DOWN, "HTTP 503" },
	{ "garbage", "/", "SSH-2.0-OpenSSH_9.2p1\r\n", false, HEALTH_DOWN, "answer is not HTTP" },
	{ "closed without an answer", "/", "", false, HEALTH_DOWN,
	  "connection closed without an answer" },
	{ "an answer cut short", "/", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok", false,
	  HEALTH_DOWN, "answer cut short" },
	{ "silence", "/", NULL, true, HEALTH_DOWN, "timed out after 100ms" },
	{ "an answer that does not end", "/", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nok",
	  true, HEALTH_DOWN, "timed out after 100ms" },
};

static void check_answers(const char *address)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		struct server server = { .answer = answers[i].answer,
					 .keep_open = answers[i].keep_open };
		struct conf_check conf = conf_of(answers[i].path);
		struct backend backend = { 0 };

		server_start(&server, address);
		begin(&backend, &conf, address, server.port, HEALTH_CHECKING);
		if (!run_until(&backend.told, 1, 5000))
			fail_msg("%s: nothing was told", answers[i].name);
		if (backend.health != answers[i].health ||
		    strcmp(backend.reason, answers[i].reason) != 0)
			fail_msg("%s: %s: %s", answers[i].name, health_name(backend.health),
				 backend.reason);
		check_stop(backend.check);
		server_stop(&server);
	}
}

static void answers_ipv4(void **state)
{
	(void)state;
	check_answers("127.0.0.1");
}

static void answers_ipv6(void **state)
{
	int probe = socket(AF_INET6, SOCK_STREAM, 0);
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	bool there = !bind(probe, (struct sockaddr *)&at, sizeof(at));

	(void)state;
	close(probe);
	if (!there)
		skip();
	check_answers("::1");
}

static void long_bodies_are_not_read_to_their_end(void **state)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n";
	const size_t size = 400000;
	char *body = calloc(1, size);
	struct server server = { .answer = body, .length = size, .keep_open = true };
	struct conf_check conf = conf_of("/big");
	struct backend backend = { 0 };

	(void)state;
	conf.timeout_ms = conf.interval_ms = 2000;
	memcpy(body, head, sizeof(head) - 1);
	server_start(&server, "127.0.0.1");
	begin(&backend, &conf, "127.0.0.1", server.port, HEALTH_CHECKING);
	assert_true(run_until(&backend.told, 1, 1000));
	assert_string_equal(backend.reason, "HTTP 200");
	check_stop(backend.check);
	server_stop(&server);
	free(body);
}

static void the_request(void **state)
{
	struct server server = { .answer = HEAD("200 OK"), .keep_open = true };
	struct conf_check conf = conf_of("/a/../b?c=%20&d");
	struct backend backend = { 0 };
	char host[64];

	(void)state;
	/* A proxy that is not there: asking it would fail. */
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	server_start(&server, "127.0.0.1");
	begin(&backend, &conf, "127.0.0.1", server.port, HEALTH_CHECKING);
	assert_true(run_until(&backend.told, 1, 5000));
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_int_equal(backend.health, HEALTH_UP);
	assert_ptr_equal(strstr(server.request, "GET /a/../b?c=%20&d HTTP/1.1\r\n"),
			 server.request);
	snprintf(host, sizeof(host), "\r\nHost: 127.0.0.1:%u\r\n", server.port);
	assert_non_null(strstr(server.request, host));
	assert_non_null(strstr(server.request, "\r\nUser-Agent: poise/" POISE_VERSION "\r\n"));
	assert_non_null(strstr(server.request, "\r\nConnection: close\r\n"));
	check_stop(backend.check);
	server_stop(&server);
}

/* A port that is bound but does not listen refuses, and is nobody else's. */
static int refusing_port(__u16 *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	getsockname(fd, (struct sockaddr *)&at, &length);
	*port = ntohs(at.sin_port);
	return fd;
}

static void refused_then_there_then_gone(void **state)
{
	struct server server = { .answer = HEAD("200 OK"), .keep_open = true };
	struct conf_check conf = conf_of("/");
	struct backend backend = { 0 };
	int fd = refusing_port(&server.port);

	(void)state;
	begin(&backend, &conf, "127.0.0.1", server.port, HEALTH_UP);
	assert_true(run_until(&backend.told, 1, 5000));
	assert_int_equal(backend.health, HEALTH_DOWN);
	assert_string_equal(backend.reason, "connection refused");

	close(fd);
	server_start(&server, "127.0.0.1");
	assert_true(run_until(&backend.told, 2, 5000));
	assert_int_equal(backend.health, HEALTH_UP);
	assert_int_equal(server.accepted, conf.rise);

	/* Down again for another reason; then the reason changes, and that is told as well. */
	server.answer = HEAD("500 Oops");
	assert_true(run_until(&backend.told, 3, 5000));
	assert_int_equal(backend.health, HEALTH_DOWN);
	assert_string_equal(backend.reason, "HTTP 500");
	assert_int_equal(server.accepted, conf.rise + conf.fall);
	server.answer = HEAD("503 Busy");
	assert_true(run_until(&backend.told, 4, 5000));
	assert_int_equal(backend.health, HEALTH_DOWN);
	assert_string_equal(backend.reason, "HTTP 503");
	run_for(400);
	assert_int_equal(backend.told, 4);
	check_stop(backend.check);
	server_stop(&server);
}

/* A listener whose queue is full leaves SYNs unanswered, as a dead host would. */
static void tcp_without_an_answer_times_out(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001) };
	socklen_t length = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fillers[4];
	struct conf_check conf = conf_of(NULL);
	struct backend backend = { 0 };

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 0), 0);
	getsockname(listener, (struct sockaddr *)&at, &length);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], (struct sockaddr *)&at, sizeof(at));
	}
	usleep(20000);
	conf.interval_ms = 1000;
	conf.timeout_ms = 1000;
	begin(&backend, &conf, "127.0.0.1", ntohs(at.sin_port), HEALTH_CHECKING);
	assert_true(run_until(&backend.told, 1, 5000));
	assert_int_equal(backend.health, HEALTH_DOWN);
	assert_string_equal(backend.reason, "timed out after 1s");
	check_stop(backend.check);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
		close(fillers[i]);
	close(listener);
}

static void what_cannot_be_checked_is_refused(void **state)
{
	static const char *const paths[] = {
		NULL, "", "x", "/a b", "/a\r\nX: y", "/\x7f", "/a\tb"
	};
	struct backend backend = { 0 };
	struct conf_check conf = conf_of(NULL);
	struct addr addr;

	(void)state;
	addr_parse("127.0.0.1", &addr);
#define REFUSED(port)                                                                              \
	assert_int_equal(check_start(checker, &conf, &addr, port, HEALTH_CHECKING, told, &backend, \
				     &backend.check),                                              \
			 -EINVAL)
	REFUSED(0);
	conf.kind = NULL;
	REFUSED(80);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		conf = conf_of(paths[i]);
		conf.kind = &check_http;
		REFUSED(80);
	}
}

/* Last, for the process stays there: a network namespace of its own, where not even lo is up. */
static void without_a_network(void **state)
{
	struct conf_check conf = conf_of(NULL);
	struct backend backend = { 0 };

	(void)state;
	if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET))
		skip();
	begin(&backend, &conf, "127.0.0.1", 80, HEALTH_CHECKING);
	assert_true(run_until(&backend.told, 1, 5000));
	assert_int_equal(backend.health, HEALTH_DOWN);
	assert_string_equal(backend.reason, "network is unreachable");
	check_stop(backend.check);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_ipv4),
		TEST(answers_ipv6),
		TEST(long_bodies_are_not_read_to_their_end),
		TEST(the_request),
		TEST(refused_then_there_then_gone),
		TEST(tcp_without_an_answer_times_out),
		TEST(what_cannot_be_checked_is_refused),
		TEST(without_a_network),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
