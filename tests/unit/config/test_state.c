// SPDX-License-Identifier: BSD-2-Clause
/* The state file: what is saved is read again, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "config/state.h"

static char dir[64], path[96];
static unsigned int files_synced, directories_synced;

/* In libc's place: what is told to be durable. */
int fsync(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -1;
	if (S_ISDIR(st.st_mode))
		directories_synced++;
	else
		files_synced++;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/poise-test-state-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/state.json", dir);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir); /* fails where something else was left */
}

static struct state sample(const char *name)
{
	return (struct state){ .file = json_pack("{s:[]}", "services"),
			       .running = json_pack("{s:s}", "name", name),
			       .health = json_pack("[{s:s}]", "health", "down"),
			       .seed = { 0x0123456789abcdef, 0x8000000000000001 } };
}

static void what_is_saved_is_read(void **state)
{
	struct state saved = sample("first"), read;
	struct stat st;

	(void)state;
	assert_int_equal(state_load(path, &read), -ENOENT);
	assert_int_equal(state_save(path, &saved, true), 0);
	state_free(&saved);
	saved = sample("second");
	assert_int_equal(state_save(path, &saved, false), 0);
	assert_int_equal(state_load(path, &read), 0);
	assert_true(json_equal(read.file, saved.file));
	assert_true(json_equal(read.running, saved.running));
	assert_true(json_equal(read.health, saved.health));
	assert_memory_equal(read.seed, saved.seed, sizeof(read.seed));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	state_free(&read);
	state_free(&saved);
}

/* A file is durable once its bytes are, and then its name in the directory. */
static void what_must_be_durable_is_synced(void **state)
{
	struct state saved = sample("first");

	(void)state;
	files_synced = directories_synced = 0;
	assert_int_equal(state_save(path, &saved, false), 0);
	assert_int_equal(files_synced + directories_synced, 0);
	assert_int_equal(state_save(path, &saved, true), 0);
	assert_int_equal(files_synced, 1);
	assert_int_equal(directories_synced, 1);
	state_free(&saved);
}

static void other_files_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"version\": 2, \"seed\": \"00112233445566778899aabbccddeeff\", \"file\": {}, "
		"\"running\": {}, \"health\": []}",
		"{\"version\": 1, \"seed\": \"0011\", \"file\": {}, \"running\": {}, "
		"\"health\": []}",
		"{\"version\": 1, \"seed\": \"-0112233445566778899aabbccddeeff\", \"file\": {}, "
		"\"running\": {}, \"health\": []}",
		"{\"version\": 1, \"seed\": \"00112233445566778899aabbccddeeff\", \"file\": [], "
		"\"running\": {}, \"health\": []}",
		"{\"version\": 1, \"seed\": \"00112233445566778899aabbccddeeff\", \"file\": {}, "
		"\"running\": {}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct state read = { 0 };
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(texts[i], file);
		fclose(file);
		if (state_load(path, &read) != -EPROTO)
			fail_msg("taken for a state file: %s", texts[i]);
		assert_null(read.running);
	}
}

static void a_failed_save_leaves_the_old_file(void **state)
{
	struct state saved = sample("first"), read;
	char in_the_way[128];

	(void)state;
	assert_int_equal(state_save(path, &saved, false), 0);
	snprintf(in_the_way, sizeof(in_the_way), "%s.new", path);
	assert_int_equal(mkdir(in_the_way, 0700), 0);
	json_object_set_new(saved.running, "name", json_string("second"));
	assert_int_equal(state_save(path, &saved, false), -EISDIR);
	rmdir(in_the_way);
	assert_int_equal(state_load(path, &read), 0);
	assert_string_equal(json_string_value(json_object_get(read.running, "name")), "first");
	state_free(&read);
	state_free(&saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_saved_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(what_must_be_durable_is_synced, setup, teardown),
		cmocka_unit_test_setup_teardown(other_files_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_failed_save_leaves_the_old_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
