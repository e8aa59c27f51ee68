// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "ask/config_options.h"
#include "run/run_request.h"

static const struct addr loopback_v4 = {
	.b = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 },
};

bool run_addr_any_v4(const struct addr *addr)
{
	static const struct addr any = { .b = { [10] = 0xff, [11] = 0xff } };

	return addr_equal(addr, &any);
}

static int proto_take(char *text, __u8 *out)
{
	char *slash = strrchr(text, '/');

	*out = IPPROTO_TCP;
	if (!slash)
		return 0;
	*slash = '\0';
	if (!strcmp(slash + 1, "udp"))
		*out = IPPROTO_UDP;
	return strcmp(slash + 1, "udp") && strcmp(slash + 1, "tcp") ? -EINVAL : 0;
}

int run_listen_parse(const char *text, struct run_listen *out, char error[RUN_ERROR_SIZE])
{
	static const struct addr unspecified;
	struct run_listen listen = { 0 };
	char copy[ENDPOINT_TEXT_SIZE];
	const char *port = NULL;
	int err = -EINVAL;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) < sizeof(copy))
		err = proto_take(copy, &listen.proto);
	if (copy[0] == ':' && copy[1] != ':')
		port = copy + 1;
	else if (!strpbrk(copy, ".:"))
		port = copy;
	if (!err && port) {
		err = port_parse(port, &listen.port);
		listen.any = true;
	} else if (!err) {
		err = endpoint_parse(copy, &listen.addr, &listen.port);
		if (!err && !listen.port)
			err = -EINVAL;
		listen.any = addr_equal(&listen.addr, &unspecified);
	}
	if (!err)
		*out = listen;
	else
		snprintf(error, RUN_ERROR_SIZE,
			 "--listen: expected [ADDR]:PORT with a port from 1 to 65535 and perhaps "
			 "/udp behind it, as in :8080, 192.0.2.10:53/udp or [2001:db8::10]:443, "
			 "found \"%s\"",
			 text);
	return err;
}

const char *run_listen_format(const struct run_listen *listen, char buf[ENDPOINT_TEXT_SIZE])
{
	return listen_format(&listen->addr, listen->port, listen->proto, buf);
}

static bool is_unspecified(const struct addr *addr)
{
	static const struct addr unspecified;

	return addr_equal(addr, &unspecified) || run_addr_any_v4(addr);
}

/* A name and not a mistyped address. */
static bool is_name(const char *text)
{
	return text[strcspn(text, "ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ")] && text[0] != '[';
}

int run_backend_parse(const char *text, struct run_backend *out, char error[RUN_ERROR_SIZE])
{
	struct run_backend backend = { .addr = loopback_v4 };
	const char *port = NULL;
	int err;

	if (!strncmp(text, "localhost:", strlen("localhost:")))
		port = strchr(text, ':') + 1;
	else if (text[0] == ':' && text[1] != ':')
		port = text + 1;
	if (port)
		err = port_parse(port, &backend.port);
	else
		err = endpoint_parse(text, &backend.addr, &backend.port);
	if (!err && is_unspecified(&backend.addr))
		err = -EINVAL;
	if (!err)
		*out = backend;
	else if (!port && is_name(text))
		snprintf(error, RUN_ERROR_SIZE,
			 "backend \"%s\": names are not looked up: give its address", text);
	else
		snprintf(error, RUN_ERROR_SIZE,
			 "backend: expected ADDR:PORT with a port from 1 to 65535, as in "
			 "127.0.0.1:8001, 10.0.0.5:80 or [::1]:8001, found \"%s\"",
			 text);
	return err;
}

bool run_listen_equal(const struct run_listen *a, const struct run_listen *b)
{
	return addr_equal(&a->addr, &b->addr) && a->port == b->port && a->proto == b->proto;
}

static int listens_take(const struct command *cmd, struct run_request *request)
{
	char error[RUN_ERROR_SIZE], text[ENDPOINT_TEXT_SIZE];
	const char *value;
	size_t at = 0;

	while ((value = command_option_next(cmd, "listen", &at))) {
		struct run_listen *listen = &request->listens[request->listen_count];

		if (request->listen_count == RUN_MAX_LISTENS)
			return command_misuse("--listen: at most %d of them", RUN_MAX_LISTENS);
		if (run_listen_parse(value, listen, error))
			return command_misuse("%s", error);
		for (size_t k = 0; k < request->listen_count; k++) {
			if (run_listen_equal(listen, &request->listens[k]))
				return command_misuse("--listen: %s is given twice",
						      run_listen_format(listen, text));
		}
		request->listen_count++;
	}
	if (!request->listen_count)
		return command_misuse("run: where clients connect to is missing: "
				      "--listen [ADDR]:PORT, as in `poise run --listen :8080 "
				      "127.0.0.1:8001 127.0.0.1:8002`");
	return EXIT_DONE;
}

static int backends_take(const struct command *cmd, struct run_request *request)
{
	char error[RUN_ERROR_SIZE];

	if (!cmd->argc)
		return command_misuse("run: no backends: name the servers that connections go to, "
				      "as in `poise run --listen :8080 127.0.0.1:8001 "
				      "127.0.0.1:8002`");
	request->backends = calloc(cmd->argc, sizeof(*request->backends));
	if (!request->backends)
		return command_refuse("out of memory");
	for (int i = 0; i < cmd->argc; i++) {
		struct run_backend *backend = &request->backends[i];

		if (run_backend_parse(cmd->argv[i], backend, error))
			return command_misuse("%s", error);
		for (size_t k = 0; k < request->backend_count; k++) {
			if (addr_equal(&backend->addr, &request->backends[k].addr) &&
			    backend->port == request->backends[k].port)
				return command_misuse("backend %s is given twice", cmd->argv[i]);
		}
		request->backend_count++;
	}
	return EXIT_DONE;
}

static int choices_take(const struct command *cmd, struct run_request *request)
{
	const char *check = command_option(cmd, "check");
	json_t *kind = json_object();
	int status = EXIT_DONE;

	if (check && strcmp(check, "none"))
		status = check_option_put(check, kind);
	json_decref(kind);
	request->check = check;
	request->scheduler = command_option(cmd, "scheduler");
	request->xdp = command_option(cmd, "xdp");
	return status;
}

int run_request_take(const struct command *cmd, struct run_request *out)
{
	struct run_request request = { 0 };
	int status = listens_take(cmd, &request);

	if (status == EXIT_DONE)
		status = backends_take(cmd, &request);
	if (status == EXIT_DONE)
		status = choices_take(cmd, &request);
	if (status == EXIT_DONE)
		*out = request;
	else
		run_request_free(&request);
	return status;
}

void run_request_free(struct run_request *request)
{
	free(request->backends);
	request->backends = NULL;
	request->backend_count = 0;
}
