// SPDX-License-Identifier: BSD-2-Clause
/* `poise decap stats`: counters as they are pinned -> a JSON tree -> tables for people. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/net.h"
#include "decap/decap.h"
#include "decap/decap_set.h"
#include "print/format.h"
#include "poise/decap.h"
#include "print/table.h"
#include "print/json.h"
#include "maps/xdp_link.h"

static const char *const drop_texts[] = {
	[DECAP_DROP_NONE] = "",
	[DECAP_DROP_MALFORMED_IP] = "the IP header inside contradicts itself or the outer length",
	[DECAP_DROP_ECN] = "congestion marked outside, and a sender that cannot be told of it",
	[DECAP_DROP_STRANGER] = "a tunnel to this host from none of the networks of --from",
};
_Static_assert(ARRAY_SIZE(drop_texts) == DECAP_DROP_MAX, "explain every drop");

/* Sums the CPUs' entries of `words` 64-bit words each. 0 or -errno. */
static int percpu_sum(int fd, const void *key, __u64 *out, size_t words)
{
	int cpus = libbpf_num_possible_cpus(), err;
	__u64 *values;

	if (cpus < 0)
		return cpus;
	values = calloc(cpus, words * sizeof(*values));
	if (!values)
		return -ENOMEM;
	err = bpf_map_lookup_elem(fd, key, values) ? -errno : 0;
	for (size_t i = 0; i < words * cpus && !err; i++)
		out[i % words] += values[i];
	free(values);
	return err;
}

/* In the order of addresses, IPv4 before most of IPv6. */
static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

static int read_vips(int fd, json_t *array)
{
	struct addr *vips = calloc(DECAP_VIP_ENTRIES, sizeof(*vips));
	size_t count = 0;
	int err = 0;

	if (!vips)
		return -ENOMEM;
	while (count < DECAP_VIP_ENTRIES &&
	       !bpf_map_get_next_key(fd, count ? &vips[count - 1] : NULL, &vips[count]))
		count++;
	qsort(vips, count, sizeof(*vips), compare);
	for (size_t i = 0; i < count && !err; i++) {
		struct decap_counter sum = { 0 };
		char text[ADDR_TEXT_SIZE];

		err = percpu_sum(fd, &vips[i], (__u64 *)&sum, sizeof(sum) / sizeof(__u64));
		if (err == -ENOENT) {
			err = 0; /* taken off since */
			continue;
		}
		json_array_append_new(array, json_pack("{s:s, s:I, s:I}", "address",
						       addr_format(&vips[i], text), "packets",
						       (json_int_t)sum.packets, "bytes",
						       (json_int_t)sum.bytes));
	}
	free(vips);
	return err;
}

static int read_drops(int fd, json_t *object)
{
	int err = 0;

	for (__u32 reason = DECAP_DROP_NONE + 1; reason < DECAP_DROP_MAX && !err; reason++) {
		__u64 sum = 0;

		err = percpu_sum(fd, &reason, &sum, 1);
		json_object_set_new(object, decap_drop_name(reason), json_integer(sum));
	}
	return err;
}

static int read_passed(int fd, json_t *object)
{
	const __u32 entry = DECAP_NOT_LOCAL;
	__u64 sum = 0;
	int err = percpu_sum(fd, &entry, &sum, 1);

	json_object_set_new(object, "not_local", json_integer(sum));
	return err;
}

/* Adds those addresses of the interface that tunnels do not end at, as they came later. */
static int find_missing(const char *ifname, const struct addr *locals, size_t count, json_t *array)
{
	struct addr *now = calloc(DECAP_MAX_LOCALS, sizeof(*now));
	int found = now ? decap_locals_find(ifname, now, DECAP_MAX_LOCALS) : -ENOMEM;

	for (int i = 0; i < found && i < DECAP_MAX_LOCALS; i++) {
		char text[ADDR_TEXT_SIZE];
		size_t k = 0;

		while (k < count && !addr_equal(&locals[k], &now[i]))
			k++;
		if (k == count)
			json_array_append_new(array, json_string(addr_format(&now[i], text)));
	}
	free(now);
	return found < 0 ? found : 0;
}

/* Attached by an older version it has no such map: then tunnels to anywhere end here. */
static int read_locals(int fd, const char *ifname, json_t *array, json_t *missing)
{
	const struct decap_set set = { fd, sizeof(struct addr), DECAP_LOCAL_ENTRIES };
	char text[ADDR_TEXT_SIZE];
	void *keys = NULL;
	struct addr *locals;
	__u8 value = 0;
	int count = fd < 0 ? 0 : decap_set_read(&set, &keys), err = 0;

	locals = keys;
	for (int i = 0; i < count; i++)
		json_array_append_new(array, json_string(addr_format(&locals[i], text)));
	if (count > 0 && !bpf_map_lookup_elem(fd, &locals[0], &value) && value == DECAP_LOCAL_FOUND)
		err = find_missing(ifname, locals, count, missing);
	free(keys);
	return count < 0 ? count : err;
}

static int read_nets(int fd, json_t *array)
{
	const struct decap_set set = { fd, sizeof(struct decap_net), DECAP_NET_ENTRIES };
	char text[NET_TEXT_SIZE];
	void *keys = NULL;
	int count = fd < 0 ? 0 : decap_set_read(&set, &keys);
	const struct net *nets = keys;

	for (int i = 0; i < count; i++)
		json_array_append_new(array, json_string(net_format(&nets[i], text)));
	free(keys);
	return count < 0 ? count : 0;
}

static int read_outer(const struct decap_pins *pins, const char *ifname, json_t *attachment)
{
	json_t *locals = json_array(), *missing = json_array(), *nets = json_array();
	json_t *passed = json_object();
	int err = read_locals(pins->locals, ifname, locals, missing);

	if (!err)
		err = read_nets(pins->nets, nets);
	if (!err)
		err = read_passed(pins->drops, passed);
	json_object_set_new(attachment, "local", locals);
	json_object_set_new(attachment, "missing", missing);
	json_object_set_new(attachment, "from", nets);
	json_object_set_new(attachment, "passed", passed);
	return err;
}

struct collection {
	__u32 ifindex; /* only this one; 0: all */
	json_t *attachments;
};

static int collect(struct decap_pins *pins, void *arg)
{
	struct collection *all = arg;
	struct xdp_link_state state;
	char ifname[IF_NAMESIZE];
	json_t *vips, *drops, *attachment;
	int err;

	if (pins->link < 0 || pins->vips < 0 || pins->drops < 0 ||
	    xdp_link_state(pins->link, &state) || !state.here)
		return 0;
	if ((all->ifindex && all->ifindex != state.ifindex) ||
	    !if_indextoname(state.ifindex, ifname))
		return 0;
	vips = json_array();
	drops = json_object();
	err = read_vips(pins->vips, vips);
	if (!err)
		err = read_drops(pins->drops, drops);
	attachment =
		json_pack("{s:s, s:I, s:s, s:I, s:o, s:o}", "interface", ifname, "ifindex",
			  (json_int_t)state.ifindex, "xdp", state.generic ? "generic" : "native",
			  "program", (json_int_t)state.program_id, "vips", vips, "drops", drops);
	if (!err)
		err = read_outer(pins, ifname, attachment);
	if (json_array_append_new(all->attachments, attachment) && !err)
		err = -ENOMEM;
	return err;
}

static int print_vips(const json_t *attachments)
{
	static const struct table_column columns[] = {
		{ "INTERFACE" },          { "XDP" }, { "VIP" }, { "PACKETS", TABLE_RIGHT },
		{ "BYTES", TABLE_RIGHT },
	};
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const json_t *attachment, *vip;
	char text[FORMAT_SIZE];
	size_t i, k;

	json_array_foreach (attachments, i, attachment) {
		json_array_foreach (json_object_get(attachment, "vips"), k, vip) {
			table_row(table);
			table_cell(table, "%s", member_text(attachment, "interface"));
			table_cell(table, "%s", member_text(attachment, "xdp"));
			table_cell(table, "%s", member_text(vip, "address"));
			table_cell(table, "%s", format_count(member_number(vip, "packets"), text));
			table_cell(table, "%s", format_bytes(member_number(vip, "bytes"), text));
		}
	}
	return table_print(table);
}

static int print_drops(const json_t *attachments)
{
	static const struct table_column columns[] = {
		{ "INTERFACE" },
		{ "DROPPED" },
		{ "PACKETS", TABLE_RIGHT },
		{ "MEANING", TABLE_WRAP },
	};
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	const json_t *attachment;
	char text[FORMAT_SIZE];
	size_t i;

	json_array_foreach (attachments, i, attachment) {
		const json_t *drops = json_object_get(attachment, "drops");

		for (int reason = DECAP_DROP_NONE + 1; reason < DECAP_DROP_MAX; reason++) {
			__u64 count = member_number(drops, decap_drop_name(reason));

			table_row(table);
			table_cell(table, "%s", member_text(attachment, "interface"));
			table_cell(table, "%s", decap_drop_name(reason));
			table_cell(table, "%s", format_count(count, text));
			table_paint(table, count ? TABLE_UNSURE : TABLE_PLAIN);
			table_cell(table, "%s", drop_texts[reason]);
		}
	}
	return table_print(table);
}

static void print_texts(const char *heading, const json_t *array, const char *none)
{
	const json_t *text;
	size_t i;

	printf("  %s ", heading);
	json_array_foreach (array, i, text)
		printf("%s%s", i ? ", " : "", json_string_value(text));
	printf("%s\n", json_array_size(array) ? "" : none);
}

/* Where tunnels end, and who may send them. */
static void print_outer(const json_t *attachments)
{
	const json_t *attachment, *text;
	size_t i, k;

	json_array_foreach (attachments, i, attachment) {
		const char *ifname = member_text(attachment, "interface");
		__u64 passed = member_number(json_object_get(attachment, "passed"), "not_local");
		char count[FORMAT_SIZE];

		printf("\n%s:\n", ifname);
		print_texts("tunnels end at", json_object_get(attachment, "local"), "any address");
		print_texts("tunnels may come from", json_object_get(attachment, "from"),
			    "anywhere");
		printf("  left to the kernel, as the tunnel is for another address: %s\n",
		       format_count(passed, count));
		json_array_foreach (json_object_get(attachment, "missing"), k, text)
			log_warn("%s: %s is an address since it was attached: tunnels to it are "
				 "left to the kernel until `poise decap attach` is run again",
				 ifname, json_string_value(text));
	}
}

int decap_stats(const struct command *cmd, const char *instance_dir, __u32 ifindex)
{
	struct collection all = { .ifindex = ifindex, .attachments = json_array() };
	int err = instance_dir ? decap_pins_each(instance_dir, collect, &all) : 0;
	int status;

	if (err)
		status = command_refuse("decap stats: %s", strerror(-err));
	else if (ifindex && !json_array_size(all.attachments))
		status = command_refuse("%s: poise decap is not attached to it", cmd->argv[0]);
	else if (cmd->json)
		return print_json(all.attachments);
	else if (!json_array_size(all.attachments))
		status = EXIT_DONE; /* an empty list, as `ip -br link show type ...` has it */
	else
		status = print_vips(all.attachments);
	if (!err && status == EXIT_DONE && json_array_size(all.attachments)) {
		putchar('\n');
		status = print_drops(all.attachments);
		print_outer(all.attachments);
	}
	json_decref(all.attachments);
	return status;
}
