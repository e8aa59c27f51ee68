// SPDX-License-Identifier: BSD-2-Clause
/* poise explain: where a flow's packets go, from the pinned maps; poised only adds to it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "ask/client.h"
#include "base/protocol.h"
#include "explain/explain_local.h"
#include "explanation/explain_reply_view.h"
#include "explanation/explain_sockets.h"
#include "explanation/explain_view.h"
#include "objects/objects.h"
#include "pinned/links.h"
#include "print/json.h"
#include "cli/choice.h"

struct tuple {
	struct addr source, dest;
	__u16 source_port, dest_port;
	__u8 proto;
};

static int endpoint_take(const char *what, const char *text, struct addr *addr, __u16 *port)
{
	if (!endpoint_parse(text, addr, port) && *port)
		return EXIT_DONE;
	return command_misuse("%s: expected ADDR:PORT or [V6]:PORT, found \"%s\"", what, text);
}

static int tuple_take(const struct command *cmd, struct tuple *out)
{
	char **words = cmd->argv + (cmd->argc - 2);
	int at = 0, status;

	if (cmd->argc == 3) {
		at = choice_find(cmd->argv[0], protocol_names, PROTOCOL_COUNT);
		if (at < 0)
			return choice_misuse("protocol", cmd->argv[0], protocol_names,
					     PROTOCOL_COUNT);
	}
	out->proto = protocol_number(at);
	status = endpoint_take("source", words[0], &out->source, &out->source_port);
	if (status == EXIT_DONE)
		status = endpoint_take("destination", words[1], &out->dest, &out->dest_port);
	if (status == EXIT_DONE && addr_is_v4(&out->source) != addr_is_v4(&out->dest))
		status = command_misuse("source and destination are of different families");
	return status;
}

/* Lists the services that listen on other ports of the address: "web (80/tcp), dns (53/udp)". */
static void join_neighbours(const struct names *names, const struct addr *addr, char *buf,
			    size_t size)
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < POISE_MAX_SERVICES && used < size; i++) {
		const struct service_name *service = &names->services[i];

		if (!service->name[0] || memcmp(service->key.addr, addr->b, sizeof(addr->b)))
			continue;
		used += snprintf(buf + used, size - used, "%s%s (%u/%s)", used ? ", " : "",
				 service->name, ntohs(service->key.port),
				 protocol_name(service->key.proto));
	}
}

static int refuse_nobody(const struct names *names, const struct tuple *tuple)
{
	char listen[ENDPOINT_TEXT_SIZE], address[ADDR_TEXT_SIZE], others[512];

	listen_format(&tuple->dest, tuple->dest_port, tuple->proto, listen);
	join_neighbours(names, &tuple->dest, others, sizeof(others));
	if (others[0])
		return command_refuse("no service listens on %s: the packet goes to the kernel; on "
				      "%s there is %s",
				      listen, addr_format(&tuple->dest, address), others);
	return command_refuse("no service listens on %s, nor on any other port there: the packet "
			      "goes to the kernel; `poise service list` shows who listens where",
			      listen);
}

/* Asks poised about the service. NULL: it does not answer. */
static json_t *ask_poised(const struct command *cmd, const char *service)
{
	struct client_reply reply;
	char path[512] = "/v1/services";
	json_t *tree = NULL;

	if (client_path_add(path, sizeof(path), service))
		return NULL;
	if (client_answer_silent(cmd, "GET", path, NULL, &reply) == EXIT_DONE && reply.status < 400)
		tree = json_incref(reply.body);
	client_reply_free(&reply);
	return tree;
}

static __u64 tick_ms(const struct meta *meta)
{
	return ((__u64)meta->clock.jiffy_ns << meta->clock.tick_shift) / 1000000;
}

static int tree_show(const struct command *cmd, json_t *tree, void (*print)(const json_t *tree))
{
	if (cmd->json || !tree)
		return print_json(tree);
	print(tree);
	json_decref(tree);
	return EXIT_DONE;
}

/* Mode local: finds the backends that are passed over because their sockets cannot take the client.
 * 0 or -errno. */
static int sockets_find(const struct command *cmd, const struct maps *maps,
			const struct names *names, const struct tuple *tuple, const json_t *service,
			struct explanation *flow)
{
	struct stat self = { 0 };
	struct explain_sockets sockets = {
		.names = names,
		.service = service,
		.client_v4 = addr_is_v4(&tuple->source),
		.proto = tuple->proto,
		.here = !stat("/proc/self/ns/net", &self) &&
			self.st_ino == links_local(cmd->instance),
		.known = calloc(names->target_count + 1, sizeof(*sockets.known)),
	};
	int err =
		sockets.known ? explain_local(maps, flow, explain_sockets_take, &sockets) : -ENOMEM;

	free(sockets.known);
	return err;
}

static int report_print(const struct command *cmd, const struct maps *maps,
			const struct names *names, const struct tuple *tuple,
			struct explanation *flow)
{
	size_t bytes = names->target_count * sizeof(struct target);
	char source[ENDPOINT_TEXT_SIZE], dest[ENDPOINT_TEXT_SIZE];
	void *targets = mmap(NULL, bytes, PROT_READ, MAP_SHARED, maps->targets, 0);
	struct meta meta = { 0 };
	json_t *service, *tree;
	int err = 0;

	if (targets == MAP_FAILED)
		return command_refuse("pinned maps: %s", strerror(errno));
	/* explain_flow() has just read it. */
	meta_read(maps, &meta);
	service = ask_poised(cmd, flow->name.name);
	if (explain_is_local(flow))
		err = sockets_find(cmd, maps, names, tuple, service, flow);
	tree = err ? NULL
		   : explain_encode(&(struct explain_report){
			     .flow = flow,
			     .names = names,
			     .targets = targets,
			     .service = service,
			     .source = endpoint_format(&tuple->source, tuple->source_port, source),
			     .dest = listen_format(&tuple->dest, tuple->dest_port, tuple->proto,
						   dest),
			     .connects = tuple->proto != IPPROTO_UDP,
			     .tick_ms = tick_ms(&meta),
		     });
	munmap(targets, bytes);
	json_decref(service);
	return err ? command_refuse("pinned maps: %s", strerror(-err))
		   : tree_show(cmd, tree, explain_print);
}

/* No service listens there, but the packet may be the reply of a backend: says of which one. */
static int reply_print(const struct command *cmd, const struct maps *maps,
		       const struct names *names, const struct tuple *tuple)
{
	char source[ENDPOINT_TEXT_SIZE], dest[ENDPOINT_TEXT_SIZE];
	struct explain_reply reply;
	struct meta meta = { 0 };
	json_t *tree;
	int err = explain_reply(maps, &tuple->source, tuple->source_port, &tuple->dest,
				tuple->dest_port, tuple->proto, &reply);

	if (err == -ENOENT)
		return refuse_nobody(names, tuple);
	if (err)
		return command_refuse("pinned maps: %s", strerror(-err));
	meta_read(maps, &meta);
	tree = explain_reply_encode(
		&reply, endpoint_format(&tuple->source, tuple->source_port, source),
		listen_format(&tuple->dest, tuple->dest_port, tuple->proto, dest), tick_ms(&meta));
	return tree_show(cmd, tree, explain_reply_print);
}

static int explain_run(struct command *cmd)
{
	struct explanation flow;
	struct tuple tuple = { 0 };
	struct names names;
	struct maps maps;
	int status = tuple_take(cmd, &tuple), err;

	if (status == EXIT_DONE)
		status = offline_open_maps(cmd, &maps);
	if (status != EXIT_DONE)
		return status;
	err = names_read(&maps, &names);
	if (!err)
		err = explain_flow(&maps, &tuple.source, tuple.source_port, &tuple.dest,
				   tuple.dest_port, tuple.proto, &flow);
	if (!err)
		status = report_print(cmd, &maps, &names, &tuple, &flow);
	else if (err == -ENOENT && names.services)
		status = reply_print(cmd, &maps, &names, &tuple);
	else
		status = command_refuse("pinned maps: %s%s", strerror(-err),
					err == -EPERM ? " (are you root?)" : "");
	names_free(&names);
	maps_close(&maps);
	return status;
}

static const struct verb verbs[] = {
	{ "explain", "[tcp|udp|sctp] SRC:PORT DST:PORT",
	  "where a flow's packets go, and why; needs no poised (tcp)", 2, 3, NULL, explain_run },
};

const struct object object_explain = {
	"explain",
	"where a flow's packets go, and why",
	verbs,
	ARRAY_SIZE(verbs),
};
