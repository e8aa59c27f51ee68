// SPDX-License-Identifier: BSD-2-Clause
/* Turns a plan into a configuration. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "check/check_kind.h"
#include "poise/abi.h"
#include "run/run_config.h"

#define CHECK_INTERVAL "500ms" /* somebody is watching */
/* poised refuses a smaller range of nat_ports. */
#define MIN_NAT_PORTS 1024

void run_ports_choose(__u16 first, __u16 last, const __u16 *ports, size_t count, __u16 *out_first,
		      __u16 *out_last)
{
	__u32 begin = first, best = 0;

	*out_first = first;
	*out_last = first;
	while (begin <= last) {
		__u32 end = (__u32)last + 1;

		for (size_t i = 0; i < count; i++) {
			if (ports[i] >= begin && ports[i] < end)
				end = ports[i];
		}
		if (end - begin > best) {
			best = end - begin;
			*out_first = begin;
			*out_last = end - 1;
		}
		begin = end + 1;
	}
}

static int nat_ports_put(const struct run_plan *plan, json_t *config, char error[RUN_ERROR_SIZE])
{
	static const __u16 range[] = { POISE_NAT_PORT_FIRST, POISE_NAT_PORT_LAST };
	__u16 ports[RUN_MAX_LISTENS * RUN_MAX_ADDRESSES], first, last;
	size_t count = 0;

	for (size_t i = 0; i < plan->listen_count && count < ARRAY_SIZE(ports); i++)
		ports[count++] = plan->listens[i].port;
	run_ports_choose(range[0], range[1], ports, count, &first, &last);
	if (last - first + 1 < MIN_NAT_PORTS) {
		snprintf(error, RUN_ERROR_SIZE,
			 "--listen: ports %u to %u are for connections to backends: use ports "
			 "outside of them",
			 range[0], range[1]);
		return -EINVAL;
	}
	if (first == range[0] && last == range[1])
		return 0;
	return json_object_set_new(config, "nat_ports", json_sprintf("%u-%u", first, last))
		       ? -ENOMEM
		       : 0;
}

static void interface_add(const struct run_request *request, json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		if (!strcmp(json_string_value(json_object_get(item, "name")), name))
			return;
	}
	json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "xdp",
					      request->xdp ? request->xdp : "auto"));
}

static const char *carrier(const struct run_host *host, const struct addr *addr)
{
	for (size_t i = 0; i < host->address_count; i++) {
		if (addr_equal(&host->addresses[i].addr, addr))
			return host->addresses[i].ifname;
	}
	return NULL;
}

/* Where packets of clients and of backends come in. */
static int interfaces_put(const struct run_request *request, const struct run_host *host,
			  const char *const *given, const struct run_plan *plan, json_t *list,
			  char error[RUN_ERROR_SIZE])
{
	char text[ENDPOINT_TEXT_SIZE];
	size_t i;

	for (i = 0; given[i]; i++)
		interface_add(request, list, given[i]);
	for (i = 0; i < plan->listen_count && !given[0]; i++) {
		const char *name = carrier(host, &plan->listens[i].addr);

		if (!name) {
			snprintf(error, RUN_ERROR_SIZE,
				 "--listen %s: no interface of this host has that address: name "
				 "the one that clients' packets come in by: --interface NAME",
				 run_listen_format(&plan->listens[i], text));
			return -EINVAL;
		}
		interface_add(request, list, name);
	}
	for (i = 0; i < request->backend_count; i++)
		interface_add(request, list, host->backends[i].ifname);
	return 0;
}

static json_t *check_tree(const struct run_request *request, __u8 proto)
{
	const char *check = request->check ? request->check : proto == IPPROTO_UDP ? "none" : "tcp";

	json_t *tree;

	if (!strcmp(check, "none"))
		return NULL;
	tree = json_object();
	check_kind_parse(check, tree);
	json_object_set_new(tree, "interval", json_string(CHECK_INTERVAL));
	return tree;
}

/* "8080", "53-udp"; another of that name "8080-2". */
static void name_choose(const struct run_plan *plan, size_t at, char *buf, size_t size)
{
	const struct run_listen *listen = &plan->listens[at];
	size_t same = 1;
	int length;

	for (size_t i = 0; i < at; i++)
		same += plan->listens[i].port == listen->port &&
			plan->listens[i].proto == listen->proto;
	length = snprintf(buf, size, "%u%s", listen->port,
			  listen->proto == IPPROTO_UDP ? "-udp" : "");
	if (same > 1)
		snprintf(buf + length, size - length, "-%zu", same);
}

static json_t *backends_tree(const struct run_request *request, const struct run_plan *plan,
			     const struct run_listen *listen)
{
	char text[ENDPOINT_TEXT_SIZE];
	json_t *list = json_array();

	for (size_t i = 0; i < request->backend_count; i++) {
		const struct run_backend *backend = &request->backends[i];

		if (!plan->local && addr_is_v4(&backend->addr) != addr_is_v4(&listen->addr))
			continue;
		endpoint_format(&backend->addr, backend->port ? backend->port : listen->port, text);
		json_array_append_new(list, json_pack("{s:s}", "address", text));
	}
	return list;
}

static json_t *service_tree(const struct run_request *request, const struct run_plan *plan,
			    size_t at)
{
	const struct run_listen *listen = &plan->listens[at];
	char name[POISE_NAME_SIZE], text[ENDPOINT_TEXT_SIZE];
	json_t *check = check_tree(request, listen->proto), *tree;

	name_choose(plan, at, name, sizeof(name));
	tree = json_pack("{s:s, s:s, s:s, s:o}", "name", name, "listen",
			 run_listen_format(listen, text), "mode", run_plan_mode(plan), "backends",
			 backends_tree(request, plan, listen));
	if (request->scheduler)
		json_object_set_new(tree, "scheduler", json_string(request->scheduler));
	if (check)
		json_object_set_new(tree, "check", check);
	return tree;
}

/* Each service has backends of its own. */
static int room_put(const struct run_plan *plan, const json_t *services, json_t *config,
		    char error[RUN_ERROR_SIZE])
{
	const json_t *service;
	size_t i, total = 0;

	json_array_foreach (services, i, service)
		total += json_array_size(json_object_get(service, "backends"));
	if (total >= POISE_MAX_BACKENDS) {
		snprintf(error, RUN_ERROR_SIZE,
			 "the backends count for each of the %zu addresses and ports that are "
			 "listened on: expected at most %d in all, found %zu: name fewer addresses "
			 "by --listen ADDR:PORT, or fewer backends",
			 plan->listen_count, POISE_MAX_BACKENDS - 1, total);
		return -EINVAL;
	}
	if (total < POISE_DEFAULT_BACKENDS)
		return 0;
	return json_object_set_new(config, "max_backends", json_integer(total + 1)) ? -ENOMEM : 0;
}

int run_config_make(const struct run_request *request, const struct run_host *host,
		    const char *const *interfaces, struct run_plan *plan,
		    char error[RUN_ERROR_SIZE])
{
	json_t *list = json_array(), *services = json_array();
	int err = 0;

	plan->config = json_pack("{s:o, s:o}", "interfaces", list, "services", services);
	if (!plan->config)
		return -ENOMEM;
	if (!plan->local)
		err = interfaces_put(request, host, interfaces, plan, list, error);
	if (!err && !plan->local)
		err = nat_ports_put(plan, plan->config, error);
	for (size_t i = 0; i < plan->listen_count && !err; i++)
		err = json_array_append_new(services, service_tree(request, plan, i)) ? -ENOMEM : 0;
	if (!err)
		err = room_put(plan, services, plan->config, error);
	return err;
}
