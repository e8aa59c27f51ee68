// SPDX-License-Identifier: BSD-2-Clause
/* poise flows: the flow table and what it is for, read from the pinned maps; poised only adds the
 * ports of nat. */
#include "ask/client.h"
#include "lists/flows_view.h"
#include "lists/listing.h"
#include "objects/objects.h"
#include "pinned/offline.h"
#include "print/json.h"

/* The ports in use are in no map: poised knows them, where it runs. */
static void ports_ask(const struct command *cmd, json_t *tables)
{
	json_t *nat = json_object_get(tables, "nat");
	struct client_reply reply;

	if (!nat)
		return;
	if (client_answer_silent(cmd, "GET", "/v1/status", NULL, &reply) == EXIT_DONE &&
	    json_is_string(json_object_get(json_object_get(reply.body, "nat"), "ports")))
		json_object_set(nat, "ports",
				json_object_get(json_object_get(reply.body, "nat"), "ports"));
	client_reply_free(&reply);
}

static int flows_show(struct command *cmd)
{
	const char *only = cmd->argc ? cmd->argv[0] : NULL;
	json_t *services, *tables = NULL, *flows = NULL;
	struct maps maps;
	int status = offline_open_maps(cmd, &maps);

	if (status != EXIT_DONE)
		return status;
	services = offline_services(&maps, &tables);
	maps_close(&maps);
	if (!services || !json_is_object(json_object_get(tables, "flows"))) {
		status = command_refuse("the pinned flow table cannot be read");
	} else if (only && !listing_find(services, only)) {
		status = EXIT_REFUSED;
	} else {
		ports_ask(cmd, tables);
		flows = flows_encode(services, tables, only);
	}
	if (status == EXIT_DONE)
		status = cmd->json ? print_json(json_incref(flows)) : flows_print(flows);
	json_decref(flows);
	json_decref(services);
	json_decref(tables);
	return status;
}

static const struct verb verbs[] = {
	{ "flows", "[SERVICE]",
	  "tracked flows, rows that move, health of the flow table; needs no poised", 0, 1, NULL,
	  flows_show },
};

const struct object object_flows = {
	"flows",
	"which flows are tracked, which rows move, how full the table is",
	verbs,
	ARRAY_SIZE(verbs),
};
