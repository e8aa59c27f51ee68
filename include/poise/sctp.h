/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The beginning of an SCTP packet (RFC 9260, 3). */
#ifndef POISE_SCTP_H
#define POISE_SCTP_H

#define SCTP_CHUNK_HEADER_BYTES 4

enum sctp_chunk_type {
	SCTP_CHUNK_INIT = 1,
	SCTP_CHUNK_ABORT = 6,
	SCTP_CHUNK_SHUTDOWN_ACK = 8,
	SCTP_CHUNK_SHUTDOWN_COMPLETE = 14,
};

/* The common header and the first chunk's header: there is no packet without a chunk. */
struct sctp_packet {
	__be16 source;
	__be16 dest;
	__be32 tag;
	__be32 crc; /* least significant byte first; nothing here looks at it */
	__u8 chunk_type;
	__u8 chunk_flags;
	__be16 chunk_bytes; /* with its header, without padding */
};

#endif
