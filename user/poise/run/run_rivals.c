// SPDX-License-Identifier: BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ask/client.h"
#include "sockets/listening.h"
#include "pinned/pinned.h"
#include "base/run_dir.h"
#include "run/run_rivals.h"
#include "print/json.h"

#define ASK_MS 1000 /* each neighbour; a hung one is not to keep us from starting */

static bool collides(const struct run_listen *listen, const char *text)
{
	struct listening_socket there = { 0 };
	__u8 proto;

	return !listen_parse(text, &there.addr, &there.port, &proto) && proto == listen->proto &&
	       listening_collides(&there, &listen->addr, listen->port);
}

const json_t *run_rivals_find(const struct run_plan *plan, const json_t *services)
{
	const json_t *service;
	size_t i;

	json_array_foreach (services, i, service) {
		for (size_t k = 0; k < plan->listen_count; k++) {
			if (collides(&plan->listens[k], member_text(service, "listen")))
				return service;
		}
	}
	return NULL;
}

/* The process of an instance; 0: none, or it is in another network. */
static int neighbour_pid(const char *instance)
{
	char path[PATH_MAX];
	struct stat ours, its;
	int pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), RUN_DIR "/%s/" RUN_PID_FILE, instance);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%9d", &pid) != 1)
		pid = 0;
	fclose(file);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	if (!pid || stat("/proc/self/ns/net", &ours) || stat(path, &its) ||
	    ours.st_ino != its.st_ino)
		return 0;
	return pid;
}

static int neighbour_check(const struct run_plan *plan, const char *instance, int pid)
{
	static const struct client_limits limits = { .timeout_ms = ASK_MS, .stop_fd = -1 };
	char socket_path[PATH_MAX];
	struct client_reply reply;
	const json_t *service;
	int status = EXIT_DONE, err;

	err = client_socket_path(instance, socket_path, sizeof(socket_path));
	if (!err)
		err = client_get_within(socket_path, "/v1/services", &limits, &reply);
	if (err == -ETIMEDOUT)
		fprintf(stderr,
			"hint: poised (process %d, instance %s) does not answer: of its services "
			"only those that are pinned are known\n",
			pid, instance);
	if (err)
		return EXIT_DONE;
	service = run_rivals_find(plan, reply.body);
	if (service)
		status = command_refuse("%s is taken: it is service %s of poised (process %d, "
					"instance %s)",
					member_text(service, "listen"),
					member_text(service, "name"), pid, instance);
	client_reply_free(&reply);
	return status;
}

struct search {
	const struct run_plan *plan;
};

/* This instance's poised did not answer, but its program would take the connections. */
static int pinned_check(const char *instance, void *arg)
{
	const struct search *search = arg;
	json_t *services = pinned_services(instance);
	const json_t *service = run_rivals_find(search->plan, services);
	int status = EXIT_DONE;

	if (service)
		status = command_refuse(
			"%s is taken: it is service %s of instance %s, which is served without its "
			"poised; `poise --instance %s detach --all` ends that",
			member_text(service, "listen"), member_text(service, "name"), instance,
			instance);
	json_decref(services);
	return status;
}

int run_rivals_check(const struct run_plan *plan)
{
	struct search search = { plan };
	DIR *entries = opendir(RUN_DIR);
	int status = EXIT_DONE;
	struct dirent *entry;

	while (status == EXIT_DONE && entries && (entry = readdir(entries))) {
		int pid = entry->d_name[0] == '.' ? 0 : neighbour_pid(entry->d_name);

		if (pid)
			status = neighbour_check(plan, entry->d_name, pid);
	}
	if (entries)
		closedir(entries);
	return status == EXIT_DONE ? pinned_each(pinned_check, &search) : status;
}
