// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <string.h>

#include "explanation/explain_sockets.h"
#include "sockets/listening.h"
#include "print/json.h"

enum { YES = 1, NO };

/* As the kernel has it: a socket of IPv4 takes no IPv6; one of IPv6 takes IPv4 only where it is at
 * all addresses and did not ask for IPV6_V6ONLY. */
bool explain_socket_fits(const struct addr *listens, bool v6only, bool client_v4)
{
	static const struct addr all;

	return addr_is_v4(listens) == client_v4 ||
	       (client_v4 && !v6only && addr_equal(listens, &all));
}

/* poised knows of sockets that are there and cannot be given a connection. */
static bool is_refused(const json_t *service, const char *id)
{
	const json_t *backend;
	size_t i;

	json_array_foreach (json_object_get(service, "backends"), i, backend) {
		if (!strcmp(member_text(backend, "id"), id))
			return json_is_false(json_object_get(backend, "serves"));
	}
	return false;
}

static bool takes(const struct explain_sockets *sockets, __u16 target)
{
	const struct target_name *name = &sockets->names->targets[target];
	struct listening_socket socket;
	struct addr addr;
	char id[ENDPOINT_TEXT_SIZE];

	memcpy(addr.b, name->addr, sizeof(addr.b));
	endpoint_format(&addr, ntohs(name->port), id);
	if (is_refused(sockets->service, id))
		return false;
	if (!sockets->here)
		return explain_socket_fits(&addr, false, sockets->client_v4);
	return listening_closest(&addr, ntohs(name->port), sockets->proto, &socket) == 1 &&
	       explain_socket_fits(&socket.addr, socket.v6only, sockets->client_v4);
}

bool explain_sockets_take(void *arg, __u16 target)
{
	struct explain_sockets *sockets = arg;

	if (target >= sockets->names->target_count)
		return false;
	if (!sockets->known[target])
		sockets->known[target] = takes(sockets, target) ? YES : NO;
	return sockets->known[target] == YES;
}
