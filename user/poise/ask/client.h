/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to poised: HTTP with JSON bodies over its unix socket. */
#ifndef POISE_CLIENT_H
#define POISE_CLIENT_H

#include <jansson.h>

#include "cli/command.h"

#define CLIENT_ERROR_SIZE 256

struct client_reply {
	long status;      /* of HTTP */
	json_t *body;     /* NULL: empty, or no JSON */
	json_t *warnings; /* texts: what poised logged on the way; NULL: nothing */
};

/* "/run/poise/INSTANCE/poised.sock"; 0 or -ENAMETOOLONG. */
int client_socket_path(const char *instance, char *buf, size_t size);

/*
 * One request; body NULL sends none. Any HTTP answer is a success. On errors `error` says why in
 * words: -ECONNREFUSED (also a socket that is not there), -EACCES, -ETIMEDOUT, -EPROTO (no HTTP, or
 * cut short), -ENOMEM.
 */
int client_request(const char *socket_path, const char *method, const char *path,
		   const json_t *body, struct client_reply *reply, char error[CLIENT_ERROR_SIZE]);

struct client_limits {
	int timeout_ms;
	int stop_fd; /* what is readable has the request given up: -ECANCELED; -1: none */
};

/* GET; errors as client_request's, and -ECANCELED. */
int client_get_within(const char *socket_path, const char *path, const struct client_limits *limits,
		      struct client_reply *reply);
void client_reply_free(struct client_reply *reply); /* an empty one is fine */

/*
 * A request to the command's instance. EXIT_DONE with *out, which may be NULL for an empty answer
 * and is the caller's; EXIT_REFUSED after printing what poised said; EXIT_NO_DAEMON after printing
 * why it cannot be reached. out may be NULL.
 */
int client_call(const struct command *cmd, const char *method, const char *path, const json_t *body,
		json_t **out);
/* The same, but silent about EXIT_NO_DAEMON, as the caller has another way; an answer to GET is
 * never NULL. */
int client_try(const struct command *cmd, const char *method, const char *path, const json_t *body,
	       json_t **out);
/* As client_call, but gives the reply whatever its status: EXIT_DONE or EXIT_NO_DAEMON. */
int client_answer(const struct command *cmd, const char *method, const char *path,
		  const json_t *body, struct client_reply *reply);
/* The same, and says nothing. */
int client_answer_silent(const struct command *cmd, const char *method, const char *path,
			 const json_t *body, struct client_reply *reply);

/* Ends a change: with -j prints what was answered, an empty object where nothing was. Takes answer
 * over. Returns an enum poise_exit. */
int client_done(const struct command *cmd, json_t *answer);

/*
 * A request that changes something. Silent when it is done, as ip(8) is; see
 * client_done for -j. Takes body, which may be NULL, over. Returns an enum poise_exit.
 */
int client_change(const struct command *cmd, const char *method, const char *path, json_t *body);

/* Prints what a reply of status 400 and more says; returns EXIT_REFUSED. */
int client_refused(const struct client_reply *reply);

/* Appends "/" and name, percent-encoded, to the path in buf. 0 or -ENAMETOOLONG. */
int client_path_add(char *buf, size_t size, const char *name);

#endif
