// SPDX-License-Identifier: BSD-2-Clause
#include <string.h>

#include "ask/client.h"
#include "lists/listing.h"
#include "base/nearest.h"
#include "pinned/offline.h"
#include "print/json.h"

static int offline_array(const struct command *cmd, json_t **out)
{
	struct maps maps;
	int status = offline_open(cmd, &maps);

	if (status != EXIT_DONE)
		return status;
	*out = offline_services(&maps, NULL);
	maps_close(&maps);
	return *out ? EXIT_DONE : command_refuse("pinned maps cannot be read");
}

int listing_services(const struct command *cmd, json_t **out)
{
	int status = client_try(cmd, "GET", "/v1/services", NULL, out);

	return status == EXIT_NO_DAEMON ? offline_array(cmd, out) : status;
}

json_t *listing_find(json_t *services, const char *name)
{
	const char *names[POISE_MAX_SERVICES], *nearest;
	size_t i, count = 0;
	json_t *service;

	json_array_foreach (services, i, service) {
		const char *known = json_string_value(json_object_get(service, "name"));

		if (known && !strcmp(known, name))
			return service;
		if (known && count < ARRAY_SIZE(names))
			names[count++] = known;
	}
	nearest = nearest_name(name, names, count);
	if (nearest)
		command_refuse("no service \"%s\": did you mean \"%s\"?", name, nearest);
	else
		command_refuse("no service \"%s\"", name);
	return NULL;
}

int listing_service(const struct command *cmd, const char *name, json_t **out)
{
	char path[512] = "/v1/services";
	json_t *all, *service;
	int status;

	if (client_path_add(path, sizeof(path), name))
		return command_refuse("no service \"%s\"", name);
	status = client_try(cmd, "GET", path, NULL, out);
	if (status != EXIT_NO_DAEMON)
		return status;
	status = offline_array(cmd, &all);
	if (status != EXIT_DONE)
		return status;
	service = listing_find(all, name);
	*out = json_incref(service);
	json_decref(all);
	return service ? EXIT_DONE : EXIT_REFUSED;
}

int listing_status(const struct command *cmd, json_t **out)
{
	struct maps maps;
	int status = client_try(cmd, "GET", "/v1/status", NULL, out);

	if (status != EXIT_NO_DAEMON)
		return status;
	status = offline_open(cmd, &maps);
	if (status != EXIT_DONE)
		return status;
	*out = offline_status(cmd, &maps);
	maps_close(&maps);
	return *out ? EXIT_DONE : command_refuse("pinned maps cannot be read");
}

enum poise_mode listing_mode(const json_t *service)
{
	return mode_find(json_string_value(json_object_get(service, "mode")),
			 json_string_value(json_object_get(service, "source")));
}

const char *listing_mode_text(const json_t *service)
{
	enum poise_mode mode = listing_mode(service);

	/* A newer poised may have a mode that is not known here. */
	return mode == MODE_NONE ? member_text(service, "mode") : mode_of(mode)->label;
}

size_t listing_count_up(const json_t *service, size_t *unreachable)
{
	const json_t *backends = json_object_get(service, "backends"), *backend;
	size_t i, up = 0, lost = 0;

	json_array_foreach (backends, i, backend) {
		const char *health = member_text(backend, "health");
		bool well = !strcmp(health, "up") || !strcmp(health, "unchecked");
		/* In maint nothing is served, whether there is a way or not. */
		bool cut_off = json_is_false(json_object_get(backend, "serves")) &&
			       strcmp(member_text(backend, "state"), "maint");

		up += well && !cut_off;
		lost += well && cut_off;
	}
	if (unreachable)
		*unreachable = lost;
	return up;
}

const char *listing_state(const json_t *backend, bool leaving, char buf[LISTING_STATE_SIZE])
{
	bool sorry = json_is_true(json_object_get(backend, "sorry"));
	const char *state = leaving ? "leaving" : member_text(backend, "state");

	if (sorry && !strcmp(state, "ready"))
		snprintf(buf, LISTING_STATE_SIZE, "sorry");
	else
		snprintf(buf, LISTING_STATE_SIZE, "%s%s", state, sorry ? ", sorry" : "");
	return buf;
}

enum table_color listing_state_color(const char *state)
{
	return strcmp(state, "ready") && strcmp(state, "sorry") && strcmp(state, "-") ? TABLE_UNSURE
										      : TABLE_PLAIN;
}

bool listing_tracks(const json_t *service)
{
	const json_t *rows = json_object_get(service, "tracking");
	enum poise_mode mode = listing_mode(service);

	/* The NAT table and the kernel's sockets tell of flows whatever rows are. */
	return member_number(rows, "moving") || member_number(rows, "tracked") ||
	       mode_has_nat_table(mode) || mode_has_sockets(mode);
}

enum table_color listing_health_color(const char *health)
{
	if (!strcmp(health, "up"))
		return TABLE_GOOD;
	if (!strcmp(health, "down"))
		return TABLE_BAD;
	return !strcmp(health, "checking") ? TABLE_UNSURE : TABLE_PLAIN;
}

static void flat_add(json_t *flat, const json_t *service, json_t *backend, bool leaving)
{
	json_t *entry = json_object();

	json_object_set(entry, "service", json_object_get(service, "name"));
	json_object_update(entry, backend);
	if (leaving)
		json_object_set_new(entry, "leaving", json_true());
	json_array_append_new(flat, entry);
}

json_t *listing_backends(const json_t *services)
{
	const json_t *service;
	json_t *flat = json_array(), *backend;
	size_t i, k;

	json_array_foreach (services, i, service) {
		json_array_foreach (json_object_get(service, "backends"), k, backend)
			flat_add(flat, service, backend, false);
		json_array_foreach (json_object_get(service, "leaving"), k, backend)
			flat_add(flat, service, backend, true);
	}
	return flat;
}
