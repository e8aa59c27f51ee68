// SPDX-License-Identifier: BSD-2-Clause
/* Changes: an edit of the running tree, applied as a whole. */
#include <errno.h>
#include <string.h>

#include "api/api_call.h"
#include "config/control.h"
#include "config/edit.h"

/* Returns whether a change was made; answers when it was refused. */
static bool done(struct api_call *call, int err, const struct refusal *refusal)
{
	call->put_off = err == -EAGAIN;
	if (err && !call->put_off)
		api_refuse(call, refusal);
	return !err;
}

/* Applies an edited tree, which it takes over (NULL: refused). */
static bool apply(struct api_call *call, json_t *tree, struct refusal *refusal)
{
	int err = tree ? control_set(call->control, tree, call->may_wait, refusal) : -EINVAL;

	json_decref(tree);
	return done(call, err, refusal);
}

static void answer_service(struct api_call *call, int status, const char *name)
{
	api_answer(call, status, api_service_tree(call->control, name));
}

void api_service_add(struct api_call *call)
{
	struct refusal refusal;
	json_t *tree = edit_service_add(control_running(call->control), call->body, &refusal);

	if (apply(call, tree, &refusal))
		answer_service(call, 201, json_string_value(json_object_get(call->body, "name")));
}

void api_service_set(struct api_call *call)
{
	struct refusal refusal;
	json_t *tree = edit_service_set(control_running(call->control), call->names[0], call->body,
					&refusal);

	if (apply(call, tree, &refusal))
		answer_service(call, 200, call->names[0]);
}

void api_service_del(struct api_call *call)
{
	struct refusal refusal;
	json_t *tree = edit_service_del(control_running(call->control), call->names[0], &refusal);

	if (apply(call, tree, &refusal))
		api_answer(call, 200, json_object());
}

void api_backend_add(struct api_call *call)
{
	struct refusal refusal;
	json_t *tree = edit_backend_add(control_running(call->control), call->names[0], call->body,
					&refusal);

	if (apply(call, tree, &refusal))
		answer_service(call, 201, call->names[0]);
}

void api_backend_set(struct api_call *call)
{
	struct refusal refusal;
	json_t *tree = edit_backend_set(control_running(call->control), call->names[0],
					call->names[1], call->body, &refusal);

	if (apply(call, tree, &refusal))
		answer_service(call, 200, call->names[0]);
}

void api_backend_del(struct api_call *call)
{
	struct refusal refusal;
	json_t *tree = edit_backend_del(control_running(call->control), call->names[0],
					call->names[1], &refusal);

	if (apply(call, tree, &refusal))
		answer_service(call, 200, call->names[0]);
}

void api_config_put(struct api_call *call)
{
	struct refusal refusal;

	if (apply(call, json_incref(call->body), &refusal))
		api_answer(call, 200, json_incref((json_t *)control_running(call->control)));
}

void api_reload(struct api_call *call)
{
	struct refusal refusal;
	int err = control_reload(call->control, call->may_wait, &refusal);

	if (done(call, err, &refusal))
		api_answer(call, 200, json_incref((json_t *)control_running(call->control)));
}

void api_interface_add(struct api_call *call)
{
	struct refusal refusal;
	json_t *tree = edit_interface_add(control_running(call->control), call->body, &refusal);

	if (apply(call, tree, &refusal))
		api_answer(call, 201, json_incref(call->body));
}

void api_interface_del(struct api_call *call)
{
	struct refusal refusal;
	json_t *tree = edit_interface_del(control_running(call->control), call->names[0], &refusal);

	if (apply(call, tree, &refusal))
		api_answer(call, 200, json_object());
}
