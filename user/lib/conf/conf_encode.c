// SPDX-License-Identifier: BSD-2-Clause
/* struct conf -> the canonical tree. Lists and their items' mappings are always there, so that who
 * edits a tree finds one shape only. */
#include <stdio.h>

#include "conf/conf_decode.h"

/* These take what json_*() returned, NULL without memory, and count what went wrong. */
static int set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) ? 1 : 0;
}

static int set_number(json_t *object, const char *key, __u32 number, __u32 absent)
{
	return number == absent ? 0 : set(object, key, json_integer(number));
}

static int set_duration(json_t *object, const char *key, __u32 duration_ms, __u32 absent_ms)
{
	char buf[16];

	if (duration_ms == absent_ms)
		return 0;
	return set(object, key, json_string(conf_duration_format(duration_ms, buf)));
}

static int set_word(json_t *object, const char *key, const char *const *words, unsigned int word)
{
	return word ? set(object, key, json_string(words[word])) : 0; /* the first: absent */
}

static json_t *finish(json_t *tree, int failures)
{
	if (!failures)
		return tree;
	json_decref(tree);
	return NULL;
}

static json_t *encode_interface(const struct conf_interface *interface)
{
	json_t *tree = json_object();
	int failures = set(tree, "name", json_string(interface->name));

	failures += set_word(tree, "xdp", conf_xdp_names, interface->xdp);
	return finish(tree, failures);
}

static json_t *encode_check(const struct conf_check *check)
{
	json_t *tree = json_object();
	int failures = set(tree, check->kind->word, json_incref(check->value));

	failures += set_number(tree, "port", check->port, 0);
	failures += set_duration(tree, "interval", check->interval_ms, CONF_DEFAULT_INTERVAL_MS);
	failures += set_duration(tree, "timeout", check->timeout_ms,
				 conf_default_timeout_ms(check->interval_ms));
	failures += set_number(tree, "rise", check->rise, CONF_DEFAULT_RISE);
	failures += set_number(tree, "fall", check->fall, CONF_DEFAULT_FALL);
	return finish(tree, failures);
}

static json_t *encode_backend(const struct conf_backend *backend)
{
	char buf[ENDPOINT_TEXT_SIZE];
	json_t *tree = json_object();
	int failures;

	failures = set(tree, "address",
		       json_string(endpoint_format(&backend->addr, backend->port, buf)));
	failures += set_number(tree, "weight", backend->weight, CONF_DEFAULT_WEIGHT);
	failures += set_word(tree, "state", conf_admin_names, backend->state);
	if (backend->sorry)
		failures += set(tree, "sorry", json_true());
	return finish(tree, failures);
}

/* The keys that say how flows are spread and remembered. */
static int set_flow_keys(json_t *tree, const struct conf_service *service)
{
	char percent[8];
	int failures;

	failures = set_duration(tree, "idle_timeout", service->idle_timeout_ms, 0);
	failures += set_duration(tree, "settle", service->settle_ms, CONF_DEFAULT_SETTLE_MS);
	failures += set_duration(tree, "slow_start", service->slow_start_ms, 0);
	if (service->panic_percent) {
		snprintf(percent, sizeof(percent), "%u%%", service->panic_percent);
		failures += set(tree, "panic", json_string(percent));
	}
	return failures;
}

json_t *conf_encode_service(const struct conf_service *service)
{
	char buf[ENDPOINT_TEXT_SIZE], nets[CONF_OUTER_TEXT_SIZE];
	json_t *tree = json_object(), *backends = json_array();
	int failures = 0;
	size_t i;

	for (i = 0; i < service->backend_count; i++)
		failures +=
			!!json_array_append_new(backends, encode_backend(&service->backends[i]));
	failures += set(tree, "name", json_string(service->name));
	failures +=
		set(tree, "listen",
		    json_string(listen_format(&service->addr, service->port, service->proto, buf)));
	failures += set(tree, "mode", json_string(mode_name(service->mode)));
	if (mode_source(service->mode))
		failures += set(tree, "source", json_string(mode_source(service->mode)));
	failures += set_word(tree, "scheduler", conf_scheduler_names, service->scheduler);
	failures += set_word(tree, "hash", conf_hash_names, service->hash_source);
	failures += set_word(tree, "track", conf_track_names, service->track_always);
	if (service->reject != conf_default_reject(service))
		failures += set(tree, "unavailable",
				json_string(conf_unavailable_names[service->reject]));
	failures += set_number(tree, "rows", service->rows, POISE_DEFAULT_ROWS);
	failures += set_number(tree, "gue_port", service->gue_port, POISE_GUE_PORT);
	if (conf_outer_sources_format(service, nets))
		failures += set(tree, "outer_sources", json_string(nets));
	failures += set_flow_keys(tree, service);
	if (service->check.kind)
		failures += set(tree, "check", encode_check(&service->check));
	failures += set(tree, "backends", backends);
	return finish(tree, failures);
}

static int set_size(json_t *object, const char *key, __u32 size, __u32 absent)
{
	char buf[16];

	return size == absent ? 0 : set(object, key, json_string(conf_size_format(size, buf)));
}

static int set_timeouts(json_t *tree, const struct conf *conf)
{
	json_t *timeouts = json_object();
	int failures;

	failures = set_duration(timeouts, "tcp", conf->tcp_idle_ms, CONF_DEFAULT_TCP_IDLE_MS);
	failures += set_duration(timeouts, "udp", conf->udp_idle_ms, CONF_DEFAULT_UDP_IDLE_MS);
	failures += set_duration(timeouts, "nat", conf->nat_idle_ms, CONF_DEFAULT_NAT_IDLE_MS);
	if (!timeouts || json_object_size(timeouts))
		return failures + set(tree, "timeouts", timeouts);
	json_decref(timeouts);
	return failures;
}

static int set_nat(json_t *tree, const struct conf *conf)
{
	char ports[16], source[ADDR_TEXT_SIZE];
	json_t *sources;
	int failures = 0;
	size_t i;

	if (conf->nat_source_count) {
		sources = json_array();
		for (i = 0; i < conf->nat_source_count; i++)
			failures += !!json_array_append_new(
				sources, json_string(addr_format(&conf->nat_sources[i], source)));
		failures += set(tree, "nat_sources", sources);
	}
	if (conf_nat_ports_format(conf, ports))
		failures += set(tree, "nat_ports", json_string(ports));
	return failures + set_size(tree, "nat_flows", conf->nat_flows, POISE_DEFAULT_NAT_FLOWS);
}

json_t *conf_encode(const struct conf *conf)
{
	json_t *tree = json_object(), *interfaces = json_array(), *services = json_array();
	int failures = 0;
	char seed[33];
	size_t i;

	for (i = 0; i < conf->interface_count; i++)
		failures +=
			!!json_array_append_new(interfaces, encode_interface(&conf->interfaces[i]));
	for (i = 0; i < conf->service_count; i++)
		failures +=
			!!json_array_append_new(services, conf_encode_service(&conf->services[i]));
	failures += set(tree, "interfaces", interfaces);
	failures += set_number(tree, "max_backends", conf->max_backends, POISE_DEFAULT_BACKENDS);
	failures += set_size(tree, "flows", conf->flows, POISE_DEFAULT_FLOWS);
	failures += set_timeouts(tree, conf);
	failures += set_nat(tree, conf);
	if (conf->seed_set) {
		snprintf(seed, sizeof(seed), "%016llx%016llx", conf->seed[0], conf->seed[1]);
		failures += set(tree, "seed", json_string(seed));
	}
	failures += set(tree, "services", services);
	return finish(tree, failures);
}
