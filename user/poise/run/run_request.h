/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of `poise run`, taken apart. Pure. */
#ifndef POISE_RUN_REQUEST_H
#define POISE_RUN_REQUEST_H

#include <jansson.h>

#include "base/addr.h"
#include "cli/command.h"

#define RUN_MAX_LISTENS   16
#define RUN_MAX_ADDRESSES 8 /* of this host that one --listen without an address stands for */
#define RUN_ERROR_SIZE    400

struct run_listen {
	struct addr addr; /* all zero (::) where any is set */
	bool any;         /* ":PORT" or "[::]:PORT"; 0.0.0.0 is an address */
	__u16 port;       /* host order */
	__u8 proto;
};

struct run_backend {
	struct addr addr;
	__u16 port; /* host order; 0: none given */
};

struct run_request {
	struct run_listen listens[RUN_MAX_LISTENS];
	size_t listen_count;
	struct run_backend *backends;
	size_t backend_count;
	const char *scheduler; /* NULL: poised's default */
	const char *check;     /* "tcp", "http:/PATH" or "none"; NULL: tcp, of UDP none */
	const char *xdp;       /* NULL: auto */
};

/* "[ADDR]:PORT[/tcp|/udp]", also "PORT". 0 or -EINVAL with the reason in error. */
int run_listen_parse(const char *text, struct run_listen *out, char error[RUN_ERROR_SIZE]);
const char *run_listen_format(const struct run_listen *listen, char buf[ENDPOINT_TEXT_SIZE]);

bool run_listen_equal(const struct run_listen *a, const struct run_listen *b);

/* "ADDR[:PORT]", "[V6]:PORT"; "localhost:PORT" and ":PORT" are 127.0.0.1's. 0 or -EINVAL with the
 * reason in error. */
int run_backend_parse(const char *text, struct run_backend *out, char error[RUN_ERROR_SIZE]);

/* Is it 0.0.0.0? */
bool run_addr_any_v4(const struct addr *addr);

/* Options and words. EXIT_DONE with *out, or EXIT_USAGE after saying what makes no sense. */
int run_request_take(const struct command *cmd, struct run_request *out);
void run_request_free(struct run_request *request); /* an empty one is fine */

#endif
