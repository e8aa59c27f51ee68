/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mode local in the kernel: the programs of bpf/local.bpf.c over the maps of poise_lb, and the link
 * that leads this network namespace's look-ups for sockets to them. The link is pinned as XDP links
 * are, <instance>/local/: new connections find their backends without poised.
 */
#ifndef POISE_LOCAL_H_
#define POISE_LOCAL_H_

#include "kernel/lb.h"
#include "poise/local.h"

struct local;

/* Connections of a service with a backend. */
struct local_tally {
	struct local_pair pair;
	struct local_count count;
};

/* Loads the programs; nothing is led to them yet. 0 or -errno with *error. */
int local_open(struct lb *lb, struct local **out, struct lb_error *error);
/* Another local_close() is due; both are for one thread, which may let others count meanwhile. */
struct local *local_hold(struct local *local);
/* The last one closes descriptors only: what is attached goes on. NULL is fine. */
void local_close(struct local *local);

/*
 * Makes the link that leads look-ups to the programs, if there is none. A link that an earlier
 * poised left goes on with that one's programs and sockets until local_switch(), which is to be
 * called once sockets and services are entered. 0 or -errno with *error.
 */
int local_attach(struct local *local, struct lb_error *error);
int local_switch(struct local *local); /* 0 or -errno */

/* Takes off what local_attach() made, or an earlier poised's did, pins and all. Nothing there is
 * fine. 0 or -errno. */
int local_remove(const struct lb *lb);

/* Looks for the socket that listens at a backend's address and port (host order), and enters it as
 * its target's, or empties the target's place. enum local_found or -errno. */
int local_find(struct local *local, __u32 target, const struct addr *addr, __u16 port, __u8 proto);

/* Counts open TCP connections; any thread, one at a time. *out is to be freed. 0 or -errno. */
int local_count(struct local *local, struct local_tally **out, size_t *count);

#endif
