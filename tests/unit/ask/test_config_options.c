// SPDX-License-Identifier: BSD-2-Clause
/* Options of the command line as bodies of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fixtures/caught.h"
#include "ask/config_options.h"

static int keep(struct command *cmd);

static json_t *built;
static char said[1024];

static int keep_backend(struct command *cmd);

static const struct verb service_set = {
	"service", "NAME [OPTION]...", "", 1, 1, service_options, keep,
};
static const struct verb backend_set = {
	"backend", "", "", 0, 0, backend_options, keep_backend,
};
static const struct object object_service_set = { "service", "", &service_set, 1 };
static const struct object object_backend_set = { "backend", "", &backend_set, 1 };
static const struct object *const set[] = { &object_service_set, &object_backend_set };

static int keep(struct command *cmd)
{
	return service_config(cmd, &built);
}

/* The body that a line of options makes, as text; NULL where it is refused. The caller frees. */
static char *build(const char *line, const char *present)
{
	char text[512], *argv[32], *rest = text, *word;
	int argc = 0;
	json_t *check = present ? json_loads(present, 0, NULL) : NULL;
	struct caught caught;
	char *made = NULL;

	built = NULL;
	snprintf(text, sizeof(text), "service web %s", line);
	while ((word = strsep(&rest, " "))) {
		if (*word)
			argv[argc++] = word;
	}
	argv[argc] = NULL;
	caught_begin(&caught);
	if (command_run(set, ARRAY_SIZE(set), argc, argv) == EXIT_DONE &&
	    check_config_complete(built, check) == EXIT_DONE)
		made = json_dumps(built, JSON_COMPACT | JSON_SORT_KEYS);
	caught_end(&caught, said, sizeof(said));
	json_decref(built);
	json_decref(check);
	return made;
}

static void options_become_the_configuration_s_keys(void **state)
{
	static const struct {
		const char *line, *present, *body;
	} rows[] = {
		{ "", NULL, "{}" },
		{ "--listen 192.0.2.10:80/tcp --mode gue --gue-port 6081 --rows 251", NULL,
		  "{\"gue_port\":6081,\"listen\":\"192.0.2.10:80/tcp\",\"mode\":\"gue\","
		  "\"rows\":251}" },
		{ "--check tcp", NULL, "{\"check\":{\"tcp\":true}}" },
		{ "--check http:/a?b=c --check-port 8080 --rise 3 --fall=1", NULL,
		  "{\"check\":{\"fall\":1,\"http\":\"/a?b=c\",\"port\":8080,\"rise\":3}}" },
		{ "--backend 10.0.0.1 --backend 10.0.0.2:80,0 --backend [2001:db8::1]:80,65535",
		  NULL,
		  "{\"backends\":[{\"address\":\"10.0.0.1\"},"
		  "{\"address\":\"10.0.0.2:80\",\"weight\":0},"
		  "{\"address\":\"[2001:db8::1]:80\",\"weight\":65535}]}" },
		/* tuning keeps what was there */
		{ "--interval 5s", "{\"http\":\"/x\",\"rise\":4}",
		  "{\"check\":{\"http\":\"/x\",\"interval\":\"5s\",\"rise\":4}}" },
		{ "--interval 5s", "{\"http\":\"/x\",\"interval\":\"1s\"}",
		  "{\"check\":{\"http\":\"/x\",\"interval\":\"5s\"}}" },
		/* another kind takes the place of the first, tuned as it was */
		{ "--check tcp", "{\"http\":\"/x\",\"rise\":4}",
		  "{\"check\":{\"rise\":4,\"tcp\":true}}" },
		{ "--check http:/y --timeout 500ms", "{\"tcp\":true}",
		  "{\"check\":{\"http\":\"/y\",\"timeout\":\"500ms\"}}" },
		{ "--check none", "{\"tcp\":true}", "{\"check\":null}" },
		{ "--scheduler leastconn --hash source --track always --unavailable drop", NULL,
		  "{\"hash\":\"source\",\"scheduler\":\"leastconn\",\"track\":\"always\","
		  "\"unavailable\":\"drop\"}" },
		{ "--idle-timeout 5m --settle 1h --slow-start 30s --panic 30%", NULL,
		  "{\"idle_timeout\":\"5m\",\"panic\":\"30%\",\"settle\":\"1h\","
		  "\"slow_start\":\"30s\"}" },
		{ "--panic 100", NULL, "{\"panic\":\"100%\"}" },
		{ "--idle-timeout default --slow-start none --panic never", NULL,
		  "{\"idle_timeout\":null,\"panic\":null,\"slow_start\":null}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *body = build(rows[i].line, rows[i].present);

		assert_non_null(body);
		assert_string_equal(body, rows[i].body);
		free(body);
	}
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const lines[] = {
		"--listen 192.0.2.10:80",
		"--listen 192.0.2.10/tcp",
		"--listen 192.0.2.10:+80/tcp",
		"--listen 2001:db8::1:80/tcp",
		"--rows 0",
		"--rows 4294967296",
		"--rows 251x",
		"--gue-port 65536",
		"--gue-port 0",
		"--check",
		"--check http",
		"--check http:healthz",
		"--check udp",
		"--check tcp:/x",
		"--check none --rise 2",
		"--rise 2", /* there is no check */
		"--check tcp --rise 0",
		"--check tcp --fall -1",
		"--check tcp --interval 2",
		"--check tcp --timeout 1.5s",
		"--check tcp --check-port http",
		"--idle-timeout 5",
		"--settle none",
		"--slow-start 1.5s",
		"--panic 0",
		"--panic 101%",
		"--panic 30%%",
		"--panic 30%x",
		"--panic %",
		"--panic none",
		"--panic 000000000030%",
		"--backend",
		"--backend 10.0.0",
		"--backend 10.0.0.1,",
		"--backend 10.0.0.1,65536",
		"--backend 10.0.0.1,+5",
		"--backend 10.0.0.1,5,5",
		"--backend ,5",
		"--backend 10.0.0.1:0",
		"--backend 2001:db8::1:8000000000000000000000000000000000000000000000000000000000",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		char *body = build(lines[i], NULL);

		if (body)
			fail_msg("%s: made %s", lines[i], body);
		assert_int_equal(strncmp(said, "poise: ", 7), 0);
	}
}

static void a_backend_s_body(void **state)
{
	json_t *body = NULL;
	char *text;

	(void)state;
	assert_int_equal(backend_config("[2001:db8::1]:80", "7", &body), EXIT_DONE);
	text = json_dumps(body, JSON_COMPACT);
	assert_string_equal(text, "{\"address\":\"[2001:db8::1]:80\",\"weight\":7}");
	free(text);
	json_decref(body);
}

static int keep_backend(struct command *cmd)
{
	return backend_config_put(cmd, built);
}

/*
 * Returns what options of backend add and set make, or NULL if they are refused. The caller frees
 * it.
 */
static char *build_backend(const char *line)
{
	char text[128], *argv[8], *rest = text, *word;
	int argc = 0;
	struct caught caught;
	char *made = NULL;

	built = json_object();
	snprintf(text, sizeof(text), "backend %s", line);
	while ((word = strsep(&rest, " ")))
		argv[argc++] = word;
	argv[argc] = NULL;
	caught_begin(&caught);
	if (command_run(set, ARRAY_SIZE(set), argc, argv) == EXIT_DONE)
		made = json_dumps(built, JSON_COMPACT | JSON_SORT_KEYS);
	caught_end(&caught, said, sizeof(said));
	json_decref(built);
	return made;
}

static void a_backend_s_state_and_whether_it_is_sorry(void **state)
{
	static const struct {
		const char *line, *body; /* NULL: refused */
	} rows[] = {
		{ "--state drain", "{\"state\":\"drain\"}" },
		{ "--state r --sorry yes", "{\"sorry\":true,\"state\":\"ready\"}" },
		{ "--sorry no", "{\"sorry\":false}" },
		{ "--weight 5", "{}" },
		{ "--state up", NULL },
		{ "--sorry true", NULL },
		{ "--sorry", NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char *body = build_backend(rows[i].line);

		if (!rows[i].body != !body || (body && strcmp(body, rows[i].body)))
			fail_msg("%s: %s", rows[i].line, body ? body : said);
		free(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_become_the_configuration_s_keys),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(a_backend_s_body),
		cmocka_unit_test(a_backend_s_state_and_whether_it_is_sorry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
