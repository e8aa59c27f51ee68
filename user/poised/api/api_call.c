// SPDX-License-Identifier: BSD-2-Clause
#include <stdlib.h>

#include "api/api_call.h"

void api_answer(struct api_call *call, int status, json_t *reply)
{
	call->status = status;
	json_decref(call->reply);
	call->reply = reply;
}

void api_refuse(struct api_call *call, const struct refusal *refusal)
{
	const struct conf_error *error = &refusal->error;
	json_t *reply = json_pack("{s:s}", "error", error->text);

	if (!reply)
		reply = json_pack("{s:s}", "error", "refused; the reason is not UTF-8");
	if (error->path[0])
		json_object_set_new(reply, "path", json_string(error->path));
	if (error->line) {
		json_object_set_new(reply, "line", json_integer(error->line));
		json_object_set_new(reply, "column", json_integer(error->column));
	}
	api_answer(call, refusal->status, reply);
}

void api_call_free(struct api_call *call)
{
	for (size_t i = 0; i < API_MAX_NAMES; i++)
		free(call->names[i]);
	json_decref(call->body);
	json_decref(call->reply);
}
