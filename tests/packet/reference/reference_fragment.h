/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fragments of datagrams, read and remembered byte by byte (RFC 791, RFC 8200). Neither time nor
 * the room for datagrams is part of it.
 */
#ifndef POISE_TESTS_REFERENCE_FRAGMENT_H
#define POISE_TESTS_REFERENCE_FRAGMENT_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct reference_fragment {
	__u8 datagram[41]; /* addresses, identification, protocol */
	__u8 proto;        /* of what follows; of IPv6 it may be an extension header */
	size_t ip_bytes;
	size_t data; /* offset of what follows from the IP header's start */
	size_t from, to;
	bool last;
};

enum reference_fragment_kind {
	REFERENCE_WHOLE, /* no fragment */
	REFERENCE_FIRST,
	REFERENCE_LATER,
	REFERENCE_LYING,   /* longer than its frame, or shorter than its header */
	REFERENCE_BAD,     /* has a length that no fragment has */
	REFERENCE_UNKNOWN, /* of a protocol that is not balanced */
};

/* Reads the packet whose IP header, of which at least the fixed part is there, is at `ip`. */
enum reference_fragment_kind reference_fragment_read(const __u8 *ip, size_t frame, int version,
						     struct reference_fragment *out);

/* The fate of a datagram, as its first fragment decided it. */
struct reference_datagram {
	unsigned int port;
	int backend;
	bool kernel; /* for no service */
};

/* False if the datagram's first fragment has come before. */
bool reference_fragment_begin(const struct reference_fragment *fragment,
			      const struct reference_datagram *datagram);
/* NULL if nothing is known of the datagram. *fits: nothing of the fragment has come before. */
const struct reference_datagram *
reference_fragment_follow(const struct reference_fragment *fragment, bool *fits);
void reference_fragments_forget(void);

#endif
