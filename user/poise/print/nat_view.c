// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <string.h>

#include "print/format.h"
#include "print/nat_view.h"
#include "print/json.h"

#define NAMED_SOURCES 4 /* the others are only counted */

const char *nat_view_use(const json_t *nat, char *buf, size_t size)
{
	__u64 room = member_number(nat, "size"), flows = member_number(nat, "flows");
	__u64 closing = member_number(nat, "closing");
	char in_use[FORMAT_SIZE], of[FORMAT_SIZE], share[FORMAT_SIZE], fresh[FORMAT_SIZE],
		ended[FORMAT_SIZE];
	int length = snprintf(buf, size, "%s of %s flows (%s), %s of them new",
			      format_count(flows, in_use), format_count(room, of),
			      format_share(room ? (double)flows / (double)room : -1, share),
			      format_count(member_number(nat, "new"), fresh));

	if (closing && length > 0 && (size_t)length < size)
		snprintf(buf + length, size - length, "; %s more have ended",
			 format_count(closing, ended));
	return buf;
}

bool nat_view_is_small(const json_t *nat)
{
	return member_number(nat, "evicted");
}

const char *nat_view_history(const json_t *nat, char *buf, size_t size)
{
	__u64 evicted = member_number(nat, "evicted"), broken = member_number(nat, "broken");
	__u64 reused = member_number(nat, "reused");
	char made[FORMAT_SIZE], lost[FORMAT_SIZE], of_these[FORMAT_SIZE], again[FORMAT_SIZE];
	char lost_text[96] = "none lost to others", reused_text[64] = "";

	if (evicted)
		snprintf(lost_text, sizeof(lost_text),
			 "%s lost to others, %s of these established: raise `nat_flows`",
			 format_count(evicted, lost), format_count(broken, of_these));
	if (reused)
		snprintf(reused_text, sizeof(reused_text), "; %s took a port of one that had ended",
			 format_count(reused, again));
	snprintf(buf, size, "%s entered, %s%s", format_count(member_number(nat, "made"), made),
		 lost_text, reused_text);
	return buf;
}

const char *nat_view_sources(const json_t *nat, char *buf, size_t size)
{
	const json_t *sources = json_object_get(nat, "sources"), *source;
	const char *ports = json_string_value(json_object_get(nat, "ports"));
	size_t i, used = 0, count = json_array_size(sources);

	snprintf(buf, size, "none yet");
	json_array_foreach (sources, i, source) {
		if (i == NAMED_SOURCES || used >= size)
			break;
		used += snprintf(buf + used, size - used, "%s%s", i ? ", " : "",
				 json_string_value(source));
	}
	if (count > NAMED_SOURCES && used < size)
		snprintf(buf + used, size - used, " and %zu more", count - NAMED_SOURCES);
	used = strlen(buf);
	if (ports)
		snprintf(buf + used, size - used, ", ports %s", ports);
	return buf;
}
