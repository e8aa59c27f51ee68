/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs of mode local over an instance of its own, in a network namespace of its own. */
#ifndef POISE_TESTS_LOCAL_FIXTURE_H
#define POISE_TESTS_LOCAL_FIXTURE_H

#include <stdbool.h>

#include "harness/harness.h"
#include "kernel/local.h"

#define LOCAL_ROWS    251
#define LOCAL_SOCKETS 16

struct local_fixture {
	char dir[512];
	struct lb *lb;
	struct local *local;
	struct flow_hash_key *hash_key;
	struct harness harness;
	/* indexed by the target's number */
	int sockets[LOCAL_SOCKETS];
	__u64 cookies[LOCAL_SOCKETS];
	struct lb_rows *rows[LOCAL_SOCKETS]; /* by the service's number */
};

/* Says why not and returns -errno when it cannot. */
int local_fixture_open(struct local_fixture *fix);
void local_fixture_close(struct local_fixture *fix); /* takes everything off */

enum local_listen {
	LISTEN_TCP,
	LISTEN_UDP,
	LISTEN_IPV6_ONLY, /* TCP */
	LISTEN_GROUP,     /* TCP, SO_REUSEPORT */
	LISTEN_MPTCP,
};

/* A socket bound to "127.0.0.1:8001"; -errno. */
int local_listen(const char *endpoint, enum local_listen how);
/* The same, known by a target's number and entered as its socket. 0 or -errno. */
int local_backend(struct local_fixture *fix, __u32 target, const char *endpoint,
		  enum local_listen how);
int local_find_text(struct local_fixture *fix, __u32 target, const char *endpoint, __u8 proto);

/* A service listening at "0.0.0.0:80" whose row i is rows[i % count]. 0 or -errno. */
int local_service(struct local_fixture *fix, __u16 number, const char *listen, __u8 proto,
		  __u16 flags, const struct row *rows, size_t count);

/*
 * Returns the number of the target whose socket a look-up is given, 0 if there is none, or -errno.
 */
int local_lookup(struct local_fixture *fix, const char *remote, const char *to, __u8 proto);

/* Sum over CPUs of a target's. */
struct harness_counter local_counted(const struct local_fixture *fix, __u32 target);

#endif
