// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "cli/numbers.h"
#include "drain/drain_judge.h"
#include "lists/listing.h"
#include "print/format.h"
#include "print/json.h"

static const json_t *find(const json_t *backends, const char *id)
{
	const json_t *backend;
	size_t i;

	json_array_foreach (backends, i, backend) {
		if (!strcmp(member_text(backend, "id"), id))
			return backend;
	}
	return NULL;
}

void drain_name(const json_t *service, char id[ENDPOINT_TEXT_SIZE])
{
	const json_t *backends = json_object_get(service, "backends"), *backend;
	struct addr addr, other;
	__u16 port, other_port;
	size_t i;

	if (find(backends, id) || endpoint_parse(id, &addr, &port))
		return;
	json_array_foreach (backends, i, backend) {
		if (!endpoint_parse(member_text(backend, "id"), &other, &other_port) &&
		    addr_equal(&addr, &other)) {
			endpoint_format(&other, other_port, id);
			return;
		}
	}
}

void drain_read(const json_t *service, const char *id, __u64 elapsed_ms, struct drain_seen *out)
{
	const json_t *age = json_object_get(json_object_get(service, "tracking"), "sweep_age_ms");
	const char *settle = json_string_value(json_object_get(service, "settle"));
	const json_t *backend = find(json_object_get(service, "backends"), id);
	bool configured = backend;

	memset(out, 0, sizeof(*out));
	if (!backend)
		backend = find(json_object_get(service, "leaving"), id);
	if (!backend)
		return;
	out->there = true;
	snprintf(out->state, sizeof(out->state), "%s", member_text(backend, "state"));
	/* A backend that was removed meanwhile goes on being emptied. */
	out->undone = configured && strcmp(out->state, "drain");
	out->counted = json_is_integer(age) && (__u64)json_integer_value(age) <= elapsed_ms;
	out->sockets = mode_has_sockets(listing_mode(service));
	out->target = member_number(backend, "target");
	out->flows = member_number(backend, "flows");
	out->previous_rows = member_number(backend, "previous_rows");
	if (settle && duration_parse(settle, &out->settle_ms))
		out->settle_ms = 0;
}

enum drain_verdict drain_judge(const struct drain_seen *seen, __u64 elapsed_ms, __u64 silent_ms,
			       __u64 timeout_ms)
{
	bool empty = seen->counted && seen->flows == seen->silent;

	if (!seen->there)
		return DRAIN_DONE;
	if (seen->undone)
		return DRAIN_UNDONE;
	/* Rows that no other backend takes over keep it as the previous one for ever. */
	if (empty && (!seen->previous_rows || (seen->settle_ms && elapsed_ms >= seen->settle_ms)))
		return seen->silent ? DRAIN_SILENT : DRAIN_DONE;
	if (empty && elapsed_ms >= silent_ms)
		return DRAIN_SILENT;
	return elapsed_ms >= timeout_ms ? DRAIN_TIMEOUT : DRAIN_WAIT;
}

const char *drain_words(enum drain_verdict verdict, const struct drain_seen *seen,
			const char *silent_text, char *buf, size_t size)
{
	char count[32] = "";

	if (verdict != DRAIN_SILENT) {
		snprintf(buf, size, "drained");
		return buf;
	}
	/* Rows that wait for silent connections may have more of them than can be counted. */
	if (seen->silent)
		snprintf(count, sizeof(count), "%llu%s ", (unsigned long long)seen->silent,
			 seen->previous_rows ? " or more" : "");
	snprintf(buf, size, "drained, but for %sconnection%s silent for %s", count,
		 seen->silent == 1 && !seen->previous_rows ? "" : "s", silent_text);
	return buf;
}
