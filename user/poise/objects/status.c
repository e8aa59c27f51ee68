// SPDX-License-Identifier: BSD-2-Clause
/* poise status: the instance as a whole. */
#include "objects/objects.h"
#include "print/format.h"
#include "lists/listing.h"
#include "print/nat_view.h"
#include "print/json.h"

static bool daemon_runs(const json_t *status)
{
	return json_is_integer(json_object_get(status, "pid"));
}

/* Without an interface or a socket of this host no packet reaches the services. */
static bool is_attached(const json_t *status)
{
	return json_array_size(json_object_get(status, "interfaces")) ||
	       member_number(status, "local_services");
}

static void print_daemon(const json_t *status)
{
	char text[FORMAT_SIZE];

	printf("instance    %s\n", member_text(status, "instance"));
	if (!daemon_runs(status)) {
		printf("poised      %snot running%s%s\n", color_start(TABLE_BAD),
		       color_end(TABLE_BAD),
		       is_attached(status) ? ", traffic goes on as last published" : "");
		return;
	}
	printf("poised      %srunning%s, version %s, pid %llu, for %s\n", color_start(TABLE_GOOD),
	       color_end(TABLE_GOOD), member_text(status, "version"),
	       (unsigned long long)member_number(status, "pid"),
	       format_duration(member_number(status, "uptime_s"), text));
}

static void print_counts(const json_t *status)
{
	unsigned long long backends = member_number(status, "backends");
	unsigned long long up = member_number(status, "up");
	enum table_color color = up == backends ? TABLE_GOOD : up ? TABLE_UNSURE : TABLE_BAD;
	const char *start = backends ? color_start(color) : "";

	printf("services    %llu\n", (unsigned long long)member_number(status, "services"));
	printf("backends    %s%llu of %llu up%s\n", start, up, backends,
	       backends ? color_end(color) : "");
}

static void print_interfaces(const json_t *status)
{
	const json_t *interfaces = json_object_get(status, "interfaces"), *interface;
	__u64 local = member_number(status, "local_services");
	size_t i;

	if (!json_array_size(interfaces) && local && local == member_number(status, "services"))
		printf("interfaces  none\n");
	else if (!json_array_size(interfaces))
		printf("interfaces  %snone%s: no traffic%s is balanced; see `poise attach help`\n",
		       color_start(TABLE_UNSURE), color_end(TABLE_UNSURE),
		       local ? " of the other services" : "");
	json_array_foreach (interfaces, i, interface)
		printf("%-12s%s (%s XDP, program %llu)\n", i ? "" : "interfaces",
		       member_text(interface, "name"), member_text(interface, "xdp"),
		       (unsigned long long)member_number(interface, "program"));
	if (local)
		printf("mode local  %llu service%s by sockets of this host\n",
		       (unsigned long long)local, local == 1 ? "" : "s");
}

static void print_memory(const json_t *status)
{
	const char *name;
	char text[FORMAT_SIZE];
	json_t *bytes;

	printf("kernel maps %s\n", format_bytes(member_number(status, "map_memory_bytes"), text));
	json_object_foreach (json_object_get(status, "maps"), name, bytes)
		printf("  %-14s%10s\n", name, format_bytes(json_integer_value(bytes), text));
}

/* In a full table new flows push out others: it is too small then. */
static void print_flows(const json_t *status)
{
	const json_t *flows = json_object_get(status, "flows");
	__u64 size = member_number(flows, "size"), occupied = member_number(flows, "occupied");
	__u64 evicted = member_number(flows, "evicted");
	char of[FORMAT_SIZE], in_use[FORMAT_SIZE], share[FORMAT_SIZE], pushed[FORMAT_SIZE];

	if (!size)
		return;
	printf("flow table  %s of %s entries in use (%s)", format_count(occupied, in_use),
	       format_count(size, of), format_share((double)occupied / (double)size, share));
	if (evicted)
		printf(", %s%s live ones lost to others: raise `flows`%s",
		       color_start(TABLE_UNSURE), format_count(evicted, pushed),
		       color_end(TABLE_UNSURE));
	putchar('\n');
}

static void print_nat(const json_t *status)
{
	const json_t *nat = json_object_get(status, "nat");
	const char *mark = nat_view_is_small(nat) ? color_start(TABLE_UNSURE) : "";
	char text[512];

	if (!json_is_object(nat))
		return;
	printf("nat         %s\n", nat_view_use(nat, text, sizeof(text)));
	printf("            %s%s%s\n", mark, nat_view_history(nat, text, sizeof(text)),
	       *mark ? color_end(TABLE_UNSURE) : "");
	printf("            from %s\n", nat_view_sources(nat, text, sizeof(text)));
}

static void print_status(const json_t *status)
{
	char text[FORMAT_SIZE];

	print_daemon(status);
	print_interfaces(status);
	print_counts(status);
	print_flows(status);
	print_nat(status);
	if (json_is_integer(json_object_get(status, "last_publish_us")))
		printf("publishing  took %s us for the last change\n",
		       format_count(member_number(status, "last_publish_us"), text));
	print_memory(status);
}

/* The tables are printed either way; the exit status tells scripts whether poised runs. */
static int status_show(struct command *cmd)
{
	json_t *status;
	int ret = listing_status(cmd, &status);

	if (ret != EXIT_DONE)
		return ret;
	if (!daemon_runs(status))
		ret = EXIT_NO_DAEMON;
	if (cmd->json)
		return print_json(status) == EXIT_DONE ? ret : EXIT_REFUSED;
	print_status(status);
	json_decref(status);
	return ret;
}

static const struct verb verbs[] = {
	{ "status", "", "the instance: poised, interfaces, services, kernel memory", 0, 0, NULL,
	  status_show },
};

const struct object object_status = {
	"status",
	"the instance: interfaces, services, kernel memory",
	verbs,
	ARRAY_SIZE(verbs),
};
