// SPDX-License-Identifier: BSD-2-Clause
/* Changes: an edit of the running tree, applied as a whole. */
#include <string.h>

#include "api_call.h"
#include "control.h"
#include "edit.h"

/* Applies an edited tree, which it takes over (NULL: refused). Answers when that is refused. */
static bool apply(struct api_call *call, json_t *tree, struct refusal *refusal)
{
	bool done = tree && !control_set(call->control, tree, refusal);

	json_decref(tree);
	if (!done)
		api_refuse(call, refusal);
	return done;
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

	if (control_reload(call->control, &refusal))
		api_refuse(call, &refusal);
	else
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
