/* SPDX-License-Identifier: BSD-2-Clause */
/* One request of the API, between HTTP (api.c), routes (api_route.c) and what they do. */
#ifndef POISE_API_CALL_H
#define POISE_API_CALL_H

#include <jansson.h>
#include <stddef.h>

#include "config/refusal.h"

#define API_MAX_BODY_BYTES (16U << 20)
#define API_MAX_NAMES      2

struct control;

struct api_call {
	struct control *control;
	char *names[API_MAX_NAMES]; /* the path's variable parts, in order */
	json_t *body;               /* NULL where the route takes none */
	int status;                 /* of HTTP */
	json_t *reply;              /* what is answered */
	char allow[64];             /* with 405: the methods there are */
	json_t *warnings;           /* texts: what was logged on the way; NULL: nothing */
	bool may_wait;              /* a change may be put off */
	bool put_off;               /* it was: nothing is answered, the call is to be made again */
};

typedef void (*api_handler)(struct api_call *call);

/*
 * Finds who answers method and path (still percent-encoded), reads the body as JSON where that is
 * wanted, and has it answered: status and reply are set unless it is put off; reply NULL: no
 * memory.
 */
void api_route(struct api_call *call, const char *method, const char *path, const char *body,
	       size_t length);

#define API_WARNING_HEADER "Poise-Warning"

/* --- api_call.c --- */
void api_call_free(struct api_call *call); /* what api_route made */
/* Answers with an error. */
void api_refuse(struct api_call *call, const struct refusal *refusal);
/* status and reply, which it takes over. */
void api_answer(struct api_call *call, int status, json_t *reply);

/* --- api_show.c --- */
void api_status(struct api_call *call);
void api_services(struct api_call *call);
void api_service(struct api_call *call);
void api_config(struct api_call *call);
/* A service as JSON, for answers to changes; NULL when there is no such service. */
json_t *api_service_tree(const struct control *control, const char *name);

/* --- api_stats.c --- */
void api_stats(struct api_call *call);
void api_drops(struct api_call *call);
void api_answers(struct api_call *call);

/* --- api_change.c --- */
void api_service_add(struct api_call *call);
void api_service_set(struct api_call *call);
void api_service_del(struct api_call *call);
void api_backend_add(struct api_call *call);
void api_backend_set(struct api_call *call);
void api_backend_del(struct api_call *call);
void api_config_put(struct api_call *call);
void api_reload(struct api_call *call);
void api_interface_add(struct api_call *call);
void api_interface_del(struct api_call *call);

#endif
