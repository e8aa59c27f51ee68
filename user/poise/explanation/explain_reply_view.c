// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "explanation/explain_reply_view.h"
#include "explanation/explain_words.h"
#include "print/json.h"

#define LINE "%-11s"

json_t *explain_reply_encode(const struct explain_reply *reply, const char *source,
			     const char *dest, __u64 tick_ms)
{
	char listen[ENDPOINT_TEXT_SIZE], client[ENDPOINT_TEXT_SIZE];
	const struct service_key *key = &reply->name.key;
	json_t *tree, *state, *expires_s;
	struct addr addr;

	memcpy(addr.b, key->addr, sizeof(addr.b));
	state = reply->kept ? json_null()
			    : json_string(explain_nat_state(nat_word_flags(reply->word)));
	expires_s = reply->kept ? json_null() : json_integer(reply->left_ticks * tick_ms / 1000);
	tree = json_pack("{s:s, s:s, s:s, s:s}", "service", reply->name.name, "listen",
			 listen_format(&addr, ntohs(key->port), key->proto, listen), "client",
			 endpoint_format(&reply->client, reply->client_port, client), "backend",
			 source);
	json_object_set_new(tree, "target", json_integer(reply->target));
	json_object_set_new(tree, "state", state);
	json_object_set_new(tree, "expires_s", expires_s);
	return json_pack("{s:s, s:s, s:o}", "source", source, "destination", dest, "reply", tree);
}

void explain_reply_print(const json_t *tree)
{
	const json_t *reply = json_object_get(tree, "reply");

	printf(LINE "%s to %s\n", "flow", member_text(tree, "source"),
	       member_text(tree, "destination"));
	printf(LINE "of client %s to service %s (%s) by backend %s\n", "reply",
	       member_text(reply, "client"), member_text(reply, "service"),
	       member_text(reply, "listen"), member_text(reply, "backend"));
	if (json_is_null(json_object_get(reply, "state")))
		printf(LINE "the backend's address and port say so: the client's stay\n",
		       "translated");
	else
		printf(LINE "the NAT table has it: %s, expires in about %llu s\n", "translated",
		       member_text(reply, "state"),
		       (unsigned long long)member_number(reply, "expires_s"));
	printf(LINE "to %s, from the service's address and port\n", "answer",
	       member_text(reply, "client"));
}
