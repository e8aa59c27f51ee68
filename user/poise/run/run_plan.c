// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "run/run_config.h"
#include "base/vip.h"
#include "mode/mode.h"

__attribute__((format(printf, 2, 3))) static int refuse(char error[RUN_ERROR_SIZE],
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, RUN_ERROR_SIZE, format, args);
	va_end(args);
	return -EINVAL;
}

static const char *backend_text(const struct run_backend *backend, char buf[ENDPOINT_TEXT_SIZE])
{
	return endpoint_format(&backend->addr, backend->port, buf);
}

static bool is_loopback(const struct addr *addr)
{
	static const struct addr v6 = { .b = { [15] = 1 } };

	return addr_equal(addr, &v6) || (addr_is_v4(addr) && addr_v4(addr)[0] == 127);
}

/* Refuses addresses that no host is reached by. */
static int addresses_check(const struct run_request *request, char error[RUN_ERROR_SIZE])
{
	char text[ENDPOINT_TEXT_SIZE];
	const char *trouble;
	size_t i;

	for (i = 0; i < request->listen_count; i++) {
		const struct run_listen *listen = &request->listens[i];

		trouble = vip_trouble(&listen->addr);
		if (trouble && !listen->any && !run_addr_any_v4(&listen->addr) &&
		    !is_loopback(&listen->addr))
			return refuse(error, "--listen %s: that is %s: expected a host's address",
				      run_listen_format(listen, text), trouble);
	}
	for (i = 0; i < request->backend_count; i++) {
		const struct run_backend *backend = &request->backends[i];

		trouble = vip_trouble(&backend->addr);
		if (trouble && !is_loopback(&backend->addr))
			return refuse(error, "backend %s: that is %s: expected a host's address",
				      backend_text(backend, text), trouble);
	}
	return 0;
}

/* Backends must all be on this host, or none of them. */
static int mode_choose(const struct run_request *request, const struct run_host *host, bool *local,
		       char error[RUN_ERROR_SIZE])
{
	const struct run_backend *here = NULL, *elsewhere = NULL;
	char text[ENDPOINT_TEXT_SIZE], other[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < request->backend_count; i++) {
		if (host->backends[i].error)
			return refuse(error, "backend %s: no way there: %s",
				      backend_text(&request->backends[i], text),
				      strerror(-host->backends[i].error));
		if (host->backends[i].local)
			here = &request->backends[i];
		else
			elsewhere = &request->backends[i];
	}
	*local = here;
	if (!here || !elsewhere)
		return 0;
	return refuse(error,
		      "backend %s is on this host, %s is not: one run serves either sockets of "
		      "this host or servers elsewhere; start one for each, on ports of their own",
		      backend_text(here, text), backend_text(elsewhere, other));
}

static bool covers(const struct run_listen *listen, const struct run_backend *backend)
{
	if (listen->port != backend->port)
		return false;
	return listen->any || addr_equal(&listen->addr, &backend->addr) ||
	       (run_addr_any_v4(&listen->addr) && addr_is_v4(&backend->addr));
}

static int local_check(const struct run_request *request, const struct run_host *host,
		       char error[RUN_ERROR_SIZE])
{
	char text[ENDPOINT_TEXT_SIZE], other[ENDPOINT_TEXT_SIZE];
	size_t i, k;

	for (i = 0; i < request->listen_count; i++) {
		const struct run_listen *listen = &request->listens[i];

		if (!listen->any && !run_addr_any_v4(&listen->addr) && !host->listens[i].local)
			return refuse(error, "--listen %s: that is no address of this host",
				      run_listen_format(listen, text));
		for (k = 0; k < request->backend_count; k++) {
			if (covers(listen, &request->backends[k]))
				return refuse(error,
					      "backend %s lies within --listen %s: connections "
					      "would come back; use another port for one of them",
					      backend_text(&request->backends[k], text),
					      run_listen_format(listen, other));
		}
	}
	for (k = 0; k < request->backend_count; k++) {
		if (!request->backends[k].port)
			return refuse(error,
				      "backend %s is on this host: it needs a port, as in %s:8001",
				      backend_text(&request->backends[k], text),
				      addr_is_v4(&request->backends[k].addr) ? text : "[::1]");
	}
	return 0;
}

static int listen_add(struct run_plan *plan, const struct run_listen *listen)
{
	size_t size = (plan->listen_count + 1) * sizeof(*plan->listens);
	struct run_listen *more = realloc(plan->listens, size);

	if (!more)
		return -ENOMEM;
	plan->listens = more;
	more[plan->listen_count++] = *listen;
	return 0;
}

static bool family_wanted(const struct run_request *request, bool v4)
{
	for (size_t i = 0; i < request->backend_count; i++) {
		if (addr_is_v4(&request->backends[i].addr) == v4)
			return true;
	}
	return false;
}

/* Spreads a port over all addresses of this host that others reach, in the families of the
 * backends. */
static int listen_spread(const struct run_request *request, const struct run_host *host,
			 const struct run_listen *any, struct run_plan *plan,
			 char error[RUN_ERROR_SIZE])
{
	struct run_listen listen = *any;
	size_t count = 0;
	int err = 0;

	listen.any = false;
	for (size_t i = 0; i < host->address_count && !err; i++) {
		bool v4 = addr_is_v4(&host->addresses[i].addr);

		if (!family_wanted(request, v4) || (!any->any && !v4))
			continue;
		listen.addr = host->addresses[i].addr;
		err = listen_add(plan, &listen);
		count++;
	}
	if (!err && !count)
		return refuse(error,
			      "--listen :%u: this host has no address of the backends' family that "
			      "others could reach: name one by --listen ADDR:%u",
			      any->port, any->port);
	if (!err && count > RUN_MAX_ADDRESSES)
		return refuse(error,
			      "--listen :%u: this host has %zu addresses: name those that clients "
			      "are to use by --listen ADDR:%u, each with one of its own",
			      any->port, count, any->port);
	return err;
}

static int nat_listens(const struct run_request *request, const struct run_host *host,
		       struct run_plan *plan, char error[RUN_ERROR_SIZE])
{
	char text[ENDPOINT_TEXT_SIZE];
	int err = 0;

	for (size_t i = 0; i < request->listen_count && !err; i++) {
		const struct run_listen *listen = &request->listens[i];
		bool v4 = addr_is_v4(&listen->addr);

		run_listen_format(listen, text);
		if (listen->any || run_addr_any_v4(&listen->addr))
			err = listen_spread(request, host, listen, plan, error);
		else if (is_loopback(&listen->addr))
			err = refuse(error,
				     "--listen %s: backends elsewhere are reached by mode nat, "
				     "which does not serve clients on this host: listen on an "
				     "address that others reach",
				     text);
		else if (!family_wanted(request, v4))
			err = refuse(error, "--listen %s: no backend has an IPv%d address", text,
				     v4 ? 4 : 6);
		else
			err = listen_add(plan, listen);
	}
	return err;
}

static int twice_check(const struct run_plan *plan, char error[RUN_ERROR_SIZE])
{
	char text[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < plan->listen_count; i++) {
		const struct run_listen *listen = &plan->listens[i];

		for (size_t k = 0; k < i; k++) {
			if (run_listen_equal(listen, &plan->listens[k]))
				return refuse(error,
					      "--listen: %s is meant twice: one without an address "
					      "is all addresses of this host",
					      run_listen_format(listen, text));
		}
	}
	return 0;
}

/* NULL: none. */
static const struct run_listen *listen_on(const struct run_request *request, __u16 port)
{
	for (size_t i = 0; i < request->listen_count; i++) {
		if (request->listens[i].port == port)
			return &request->listens[i];
	}
	return NULL;
}

/* Refuses a backend without a port that is the same as one with a port. */
static int ports_check(const struct run_request *request, char error[RUN_ERROR_SIZE])
{
	char text[ENDPOINT_TEXT_SIZE], other[ENDPOINT_TEXT_SIZE], where[ENDPOINT_TEXT_SIZE];

	for (size_t i = 0; i < request->backend_count; i++) {
		const struct run_backend *bare = &request->backends[i];

		for (size_t k = 0; !bare->port && k < request->backend_count; k++) {
			const struct run_backend *full = &request->backends[k];
			const struct run_listen *listen = listen_on(request, full->port);

			if (listen && addr_equal(&full->addr, &bare->addr))
				return refuse(error,
					      "backend %s is %s again by --listen %s, as a backend "
					      "without a port has the one that is listened on: "
					      "name one of them",
					      backend_text(bare, text), backend_text(full, other),
					      run_listen_format(listen, where));
		}
	}
	return 0;
}

int run_plan_make(const struct run_request *request, const struct run_host *host,
		  const char *const *interfaces, struct run_plan *out, char error[RUN_ERROR_SIZE])
{
	struct run_plan plan = { 0 };
	int err = addresses_check(request, error);

	if (!err)
		err = mode_choose(request, host, &plan.local, error);
	if (!err && plan.local && interfaces[0])
		err = refuse(error, "--interface: all backends are on this host: connections are "
				    "taken from every interface, none is named");
	if (!err && plan.local)
		err = local_check(request, host, error);
	if (!err && plan.local) {
		for (size_t i = 0; i < request->listen_count && !err; i++)
			err = listen_add(&plan, &request->listens[i]);
	} else if (!err) {
		err = nat_listens(request, host, &plan, error);
	}
	if (!err)
		err = twice_check(&plan, error);
	if (!err)
		err = ports_check(request, error);
	if (!err)
		err = run_config_make(request, host, interfaces, &plan, error);
	if (!err)
		*out = plan;
	else
		run_plan_free(&plan);
	return err;
}

const char *run_plan_mode(const struct run_plan *plan)
{
	return plan->local ? mode_local.word : mode_nat.word;
}

void run_plan_free(struct run_plan *plan)
{
	free(plan->listens);
	json_decref(plan->config);
	memset(plan, 0, sizeof(*plan));
}
