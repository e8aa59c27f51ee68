// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "run/run_host.h"
#include "run/run_prepare.h"

/* The names that --interface gives, NULL behind the last. */
static const char **interfaces_take(const struct command *cmd)
{
	const char **names = calloc(cmd->given.count + 1, sizeof(*names));
	size_t count = 0, at = 0;

	while (names && (names[count] = command_option_next(cmd, "interface", &at)))
		count++;
	return names;
}

static int interfaces_check(const char *const *names, char error[RUN_ERROR_SIZE])
{
	for (; *names; names++) {
		if (if_nametoindex(*names))
			continue;
		snprintf(error, RUN_ERROR_SIZE, "--interface %s: %s", *names, strerror(errno));
		return -errno;
	}
	return 0;
}

int run_prepare(const struct command *cmd, const struct run_request *request, struct run_plan *out)
{
	const char **interfaces = interfaces_take(cmd);
	char error[RUN_ERROR_SIZE] = "out of memory";
	struct run_host host = { 0 };
	int err = run_host_read(request, &host), status = EXIT_DONE;

	if (!err && interfaces)
		err = interfaces_check(interfaces, error);
	else if (err)
		snprintf(error, sizeof(error), "addresses and routes cannot be read: %s",
			 strerror(-err));
	if (!err && interfaces)
		err = run_plan_make(request, &host, interfaces, out, error);
	if (err || !interfaces)
		status = command_refuse("%s", error);
	run_host_free(&host);
	free(interfaces);
	return status;
}
