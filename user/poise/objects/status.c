// SPDX-License-Identifier: BSD-2-Clause
/* poise status: the instance as a whole. */
#include "format.h"
#include "listing.h"
#include "nat_view.h"
#include "tree.h"

static bool daemon_runs(const json_t *status)
{
	return json_is_integer(json_object_get(status, "pid"));
}

/* Interfaces, or sockets of this host: else nobody gives packets to the services. */
static bool is_attached(const json_t *status)
{
	return json_array_size(json_object_get(status, "interfaces")) ||
	       tree_number(status, "local_services");
}

static void print_daemon(const json_t *status)
{
	char text[FORMAT_SIZE];

	printf("instance    %s\n", tree_text(status, "instance"));
	if (!daemon_runs(status)) {
		printf("poised      %snot running%s%s\n", color_start(TABLE_BAD),
		       color_end(TABLE_BAD),
		       is_attached(status) ? ", traffic goes on as last published" : "");
		return;
	}
	printf("poised      %srunning%s, version %s, pid %llu, for %s\n", color_start(TABLE_GOOD),
	       color_end(TABLE_GOOD), tree_text(status, "version"),
	       (unsigned long long)tree_number(status, "pid"),
	       format_duration(tree_number(status, "uptime_s"), text));
}

static void print_counts(const json_t *status)
{
	unsigned long long backends = tree_number(status, "backends");
	unsigned long long up = tree_number(status, "up");
	enum table_color color = up == backends ? TABLE_GOOD : up ? TABLE_UNSURE : TABLE_BAD;
	const char *start = backends ? color_start(color) : "";

	printf("services    %llu\n", (unsigned long long)tree_number(status, "services"));
	printf("backends    %s%llu of %llu up%s\n", start, up, backends,
	       backends ? color_end(color) : "");
}

static void print_interfaces(const json_t *status)
{
	const json_t *interfaces = json_object_get(status, "interfaces"), *interface;
	__u64 local = tree_number(status, "local_services");
	size_t i;

	if (!json_array_size(interfaces) && local && local == tree_number(status, "services"))
		printf("interfaces  none\n");
	else if (!json_array_size(interfaces))
		printf("interfaces  %snone%s: no traffic%s is balanced; see `poise attach help`\n",
		       color_start(TABLE_UNSURE), color_end(TABLE_UNSURE),
		       local ? " of the other services" : "");
	json_array_foreach (interfaces, i, interface)
		printf("%-12s%s (%s XDP, program %llu)\n", i ? "" : "interfaces",
		       tree_text(interface, "name"), tree_text(interface, "xdp"),
		       (unsigned long long)tree_number(interface, "program"));
	if (local)
		printf("mode local  %llu service%s by sockets of this host\n",
		       (unsigned long long)local, local == 1 ? "" : "s");
}

static void print_memory(const json_t *status)
{
	const char *name;
	char text[FORMAT_SIZE];
	json_t *bytes;

	printf("kernel maps %s\n", format_bytes(tree_number(status, "map_memory_bytes"), text));
	json_object_foreach (json_object_get(status, "maps"), name, bytes)
		printf("  %-14s%10s\n", name, format_bytes(json_integer_value(bytes), text));
}

/* A table that is full makes new flows push out others: then it is too small. */
static void print_flows(const json_t *status)
{
	const json_t *flows = json_object_get(status, "flows");
	__u64 size = tree_number(flows, "size"), occupied = tree_number(flows, "occupied");
	__u64 evicted = tree_number(flows, "evicted");
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
		       format_count(tree_number(status, "last_publish_us"), text));
	print_memory(status);
}

/* What is known is printed either way; whether poised runs is what scripts ask by the status. */
static int status_show(struct command *cmd)
{
	json_t *status;
	int ret = listing_status(cmd, &status);

	if (ret != EXIT_DONE)
		return ret;
	if (!daemon_runs(status))
		ret = EXIT_NO_DAEMON;
	if (cmd->json)
		return tree_print(status) == EXIT_DONE ? ret : EXIT_REFUSED;
	print_status(status);
	json_decref(status);
	return ret;
}

int cmd_status(struct command *cmd)
{
	static const struct verb verb = {
		"status",    "", "the instance: poised, interfaces, services, kernel memory",
		0,           0,  NULL,
		status_show,
	};

	return verb_run(cmd, &verb);
}
