// SPDX-License-Identifier: BSD-2-Clause
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference_nat_flow.h"

#define MAX_FLOWS (1U << 18)

struct reply_key {
	__u8 version, proto;
	__u16 nat_port;
	unsigned int source;
	__u8 backend[16];
};

static struct reference_nat_flow known[MAX_FLOWS];
static struct {
	struct reply_key key;
	struct reference_nat_flow *flow;
} replies[MAX_FLOWS];

static struct {
	char current; /* 0: 'A' */
	bool lost[NAT_BACKENDS];
} services[BY_END - BY_NAT];

/* FNV-1a */
static unsigned int hash_bytes(const void *data, size_t length)
{
	const __u8 *bytes = data;
	unsigned int hash = 2166136261;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	return hash;
}

static void too_many(void)
{
	fprintf(stderr, "more than %u flows\n", MAX_FLOWS);
	abort();
}

struct reference_nat_flow *reference_nat_find(const struct reference_nat_key *key)
{
	unsigned int at = hash_bytes(key, sizeof(*key));

	for (unsigned int tries = 0; tries < MAX_FLOWS; tries++, at++) {
		struct reference_nat_flow *found = &known[at % MAX_FLOWS];

		if (!found->key.version || !memcmp(&found->key, key, sizeof(*key)))
			return found;
	}
	too_many();
	return NULL;
}

static unsigned int reply_place(const struct reply_key *key)
{
	unsigned int at = hash_bytes(key, sizeof(*key));

	for (unsigned int tries = 0; tries < MAX_FLOWS; tries++, at++)
		if (!replies[at % MAX_FLOWS].flow ||
		    !memcmp(&replies[at % MAX_FLOWS].key, key, sizeof(*key)))
			return at % MAX_FLOWS;
	too_many();
	return 0;
}

static void reply_key_of(const struct reference_nat_flow *flow, struct reply_key *key)
{
	memset(key, 0, sizeof(*key));
	key->version = flow->key.version;
	key->proto = flow->key.proto;
	key->nat_port = flow->nat_port;
	key->source = flow->source;
	reference_nat_backend(&flow->key, flow->backend, key->backend);
}

/* Flows leave what they were found by behind when they become others: that is nobody's then. */
static struct reference_nat_flow *flow_at(const struct reply_key *key)
{
	struct reference_nat_flow *flow = replies[reply_place(key)].flow;
	struct reply_key now;

	if (!flow)
		return NULL;
	reply_key_of(flow, &now);
	return memcmp(&now, key, sizeof(now)) ? NULL : flow;
}

struct reference_nat_flow *reference_nat_find_reply(int version, __u8 proto, const __u8 *backend,
						    __u16 backend_port, unsigned int source,
						    __u16 nat_port)
{
	struct reply_key key;

	memset(&key, 0, sizeof(key));
	key.version = version;
	key.proto = proto;
	key.nat_port = nat_port;
	key.source = source;
	memcpy(key.backend, backend, version == 4 ? 4 : 16);
	return backend_port == NAT_BACKEND_PORT && nat_port ? flow_at(&key) : NULL;
}

bool reference_nat_set_port(struct reference_nat_flow *flow, unsigned int source, __u16 nat_port)
{
	struct reference_nat_flow *other;
	struct reply_key key;
	unsigned int at;

	flow->source = source;
	flow->nat_port = nat_port;
	reply_key_of(flow, &key);
	other = flow_at(&key);
	at = reply_place(&key);
	replies[at].key = key;
	replies[at].flow = flow;
	return !other || other == flow;
}

void reference_nat_row(unsigned int service, char backend)
{
	services[service - BY_NAT].current = backend;
}

void reference_nat_lose(unsigned int service, char backend, bool lost)
{
	services[service - BY_NAT].lost[backend - 'A'] = lost;
}

char reference_nat_current(unsigned int service)
{
	char current = services[service - BY_NAT].current;

	if (service == BY_NAT_NOBODY)
		return '0';
	return current ? current : 'A';
}

bool reference_nat_serves(unsigned int service, char backend)
{
	return !services[service - BY_NAT].lost[backend - 'A'];
}

static void from_text(int version, const char *text, __u8 *addr)
{
	inet_pton(version == 4 ? AF_INET : AF_INET6, text, addr);
}

void reference_nat_backend(const struct reference_nat_key *key, char backend, __u8 *addr)
{
	char text[NAT_TEXT];

	nat_backend_text(key->version, nat_target(key->version, key->proto, key->service, backend),
			 text);
	from_text(key->version, text, addr);
}

void reference_nat_source(int version, unsigned int source, __u8 *addr)
{
	char text[NAT_TEXT];

	nat_source_text(version, source, text);
	from_text(version, text, addr);
}

void reference_nat_vip(int version, unsigned int service, __u8 *addr)
{
	from_text(version, nat_vip(version, service), addr);
}
