/* SPDX-License-Identifier: BSD-2-Clause */
/* Flows of services by nat, and what the NAT table has of them. */
#ifndef POISE_TESTS_NAT_FLOW_H
#define POISE_TESTS_NAT_FLOW_H

#include "nat/nat_fixture.h"

struct nat_flow {
	int version;
	__u8 proto;
	unsigned int service; /* enum nat_service: its port */
	unsigned int client;  /* last byte or word of its address */
	__u16 client_port;
	/* These are as the NAT table has them. With `source: keep` only `backend` is looked at. */
	char backend;        /* 'A' to 'C', 0: not known */
	unsigned int source; /* of the family's, from 0 */
	__u16 nat_port;
	const char *client_text; /* its address, if it is another one than `client` says */
};

void nat_flow_client_text(const struct nat_flow *flow, char *text);

/* The place of an entry; NULL: there is none. */
struct nat_place {
	__u64 *word;
	struct nat_entry *entry;
	__u32 number; /* set * NAT_PER_SET + place in it */
};

/* Hashes of the client's packets and of the backend's; the latter of a flow whose source and port
 * are known. */
__u64 nat_hash(const struct lb_maps *lb, const struct nat_flow *flow);
__u64 nat_reply_hash(const struct lb_maps *lb, const struct nat_flow *flow);

/* The entries that packets would find, expired or not. */
struct nat_place nat_find(const struct lb_maps *lb, const struct nat_flow *flow);
struct nat_place nat_find_reply(const struct lb_maps *lb, const struct nat_flow *flow);
struct nat_place nat_other(const struct lb_maps *lb, struct nat_place place);

/* Backend, source and port, from the table. Whether it has the flow. */
bool nat_learn(const struct lb_maps *lb, struct nat_flow *flow);

/*
 * NULL, or what is wrong with the flow's two entries: each is found by the packets of its side,
 * they name each other, agree about the flow, and their words say `flags` and `ticks` left since a
 * tick from `since` to now.
 */
const char *nat_entries_wrong(const struct lb_maps *lb, const struct nat_flow *flow, __u32 flags,
			      __u32 ticks, __u32 since);

/* The whole table: NULL, or what is wrong with it. Every entry has its other one, and no two are
 * found by the same packets. *flows: how many there are. */
const char *nat_table_wrong(const struct lb_maps *lb, unsigned int *flows);

unsigned int nat_occupied(const struct lb_maps *lb); /* words that are not 0 */
void nat_clear(struct lb_maps *lb);

/* Both words of a flow: another expiry, flags changed to these (~0: left as they are). */
void nat_set_words(struct lb_maps *lb, const struct nat_flow *flow, int left, __u32 flags);

/* How much these rose since they were last asked for. */
struct nat_counter nat_counted(struct lb_maps *lb);
/* True if the counters rose by this; otherwise it prints the difference. */
bool nat_counted_is(struct lb_maps *lb, struct nat_counter want);

#endif
