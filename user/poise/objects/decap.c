// SPDX-License-Identifier: BSD-2-Clause
/* poise decap: takes tunnel headers off on a backend. Without poised: the pins are all there is. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr_kind.h"
#include "base/needs.h"
#include "base/net.h"
#include "base/vip.h"
#include "cli/choice.h"
#include "conf/conf.h"
#include "decap/decap.h"
#include "maps/bpffs.h"
#include "objects/objects.h"
#include "poise/abi.h"
#include "poise/decap.h"

struct vip_list {
	struct addr vips[DECAP_MAX_VIPS];
	size_t count;
};

static int vip_add(struct vip_list *list, const char *text)
{
	const char *trouble;
	struct addr vip;

	if (addr_parse(text, &vip))
		return command_misuse("--vip: expected an IPv4 or IPv6 address, found \"%s\"",
				      text);
	trouble = vip_trouble(&vip);
	if (trouble)
		return command_misuse("--vip: expected an address that clients connect to, found "
				      "%s, which is %s",
				      text, trouble);
	for (size_t i = 0; i < list->count; i++) {
		if (addr_equal(&list->vips[i], &vip))
			return EXIT_DONE;
	}
	if (list->count == DECAP_MAX_VIPS)
		return command_refuse("--vip: at most %d addresses", DECAP_MAX_VIPS);
	list->vips[list->count++] = vip;
	return EXIT_DONE;
}

/* `--vip A --vip B` and `--vip A B`: words after the interface are more addresses. */
static int vips_take(const struct command *cmd, struct vip_list *list)
{
	int status = EXIT_DONE;
	const char *vip;
	size_t at = 0;

	while (status == EXIT_DONE && (vip = command_option_next(cmd, "vip", &at)))
		status = vip_add(list, vip);
	if (status == EXIT_DONE && !list->count)
		return command_misuse(
			"decap attach: expected at least one --vip ADDR: only packets "
			"to these addresses are taken out of a tunnel");
	for (int i = 1; i < cmd->argc && status == EXIT_DONE; i++)
		status = vip_add(list, cmd->argv[i]);
	return status;
}

/* --local, or what the interface has. */
static int locals_take(const struct command *cmd, struct decap_request *request,
		       struct addr *locals)
{
	const char *text;
	size_t at = 0;
	int found = 0;

	while ((text = command_option_next(cmd, "local", &at))) {
		struct addr addr;

		if (addr_parse(text, &addr) ||
		    addr_kind(&addr, &(const char *){ NULL }) != ADDR_HOST)
			return command_misuse("--local: expected an address of this host that "
					      "balancers send to, found \"%s\"",
					      text);
		if (found == DECAP_MAX_LOCALS)
			return command_refuse("--local: at most %d addresses", DECAP_MAX_LOCALS);
		locals[found++] = addr;
	}
	request->locals_given = found > 0;
	if (!found)
		found = decap_locals_find(request->ifname, locals, DECAP_MAX_LOCALS);
	if (found < 0)
		return command_refuse("%s: its addresses: %s", request->ifname, strerror(-found));
	if (found > DECAP_MAX_LOCALS)
		return command_refuse(
			"%s: it has %d addresses, expected at most %d: name those that "
			"balancers send to with --local ADDR",
			request->ifname, found, DECAP_MAX_LOCALS);
	if (!found)
		return command_refuse("%s: it has no address that tunnels could end at: name the "
				      "address that balancers send to with --local ADDR",
				      request->ifname);
	request->locals = locals;
	request->local_count = found;
	return EXIT_DONE;
}

static int nets_take(const struct command *cmd, struct decap_request *request, struct net *nets)
{
	char meant[NET_TEXT_SIZE];
	const char *text;
	size_t at = 0, count = 0;

	while ((text = command_option_next(cmd, "from", &at))) {
		struct net net;
		int err = net_parse(text, &net);

		if (err == -ERANGE)
			return command_misuse("--from: expected a network like 10.0.0.0/24, found "
					      "\"%s\": did you mean %s?",
					      text, net_format(&net, meant));
		if (err)
			return command_misuse("--from: expected a network like 10.0.0.0/24 or "
					      "2001:db8::/64, found \"%s\"",
					      text);
		if (count == DECAP_MAX_NETS)
			return command_refuse("--from: at most %d networks", DECAP_MAX_NETS);
		nets[count++] = net;
	}
	request->nets = nets;
	request->net_count = count;
	return EXIT_DONE;
}

static enum xdp_mode mode_take(const struct command *cmd)
{
	const char *word = command_option(cmd, "xdp");

	return word ? (enum xdp_mode)choice_find(word, conf_xdp_names, CONF_XDP_NAMES)
		    : XDP_MODE_AUTO;
}

static int port_take(const struct command *cmd, __u16 *port)
{
	const char *text = command_option(cmd, "gue-port");

	*port = POISE_GUE_PORT;
	if (text && port_parse(text, port))
		return command_misuse("--gue-port: expected a port from 1 to 65535, found \"%s\"",
				      text);
	return EXIT_DONE;
}

static int interface_take(const char *name, __u32 *ifindex)
{
	*ifindex = if_nametoindex(name);
	return *ifindex ? EXIT_DONE : command_refuse("%s: no such interface", name);
}

static int instance_refuse(const struct command *cmd, int err)
{
	if (err == -EINVAL)
		return command_refuse("instance \"%s\": a BPF file system takes only letters, "
				      "digits, - and _ in names",
				      cmd->instance);
	return command_refuse("instance %s: BPF file system: %s", cmd->instance, strerror(-err));
}

static int needs_met(void)
{
	char text[400];

	return needs_check(text, sizeof(text)) ? command_refuse("%s", text) : EXIT_DONE;
}

static int attach_locked(const struct command *cmd, const struct decap_request *request)
{
	char dir[PATH_MAX];
	int err = bpffs_instance_dir(cmd->instance, 1, dir, sizeof(dir)), lock, status;

	if (err)
		return instance_refuse(cmd, err);
	lock = decap_pins_lock(dir);
	if (lock < 0)
		return instance_refuse(cmd, lock);
	status = decap_attach(dir, request);
	rmdir(dir); /* goes only if nothing was left in it */
	close(lock);
	return status;
}

/* The options' values: memory that the request points to. */
struct request_lists {
	struct vip_list vips;
	struct addr locals[DECAP_MAX_LOCALS];
	struct net nets[DECAP_MAX_NETS];
};

static int attach_run(struct command *cmd)
{
	struct request_lists *lists = calloc(1, sizeof(*lists));
	struct decap_request request = { .ifname = cmd->argv[0], .mode = mode_take(cmd) };
	int status;

	if (!lists)
		return command_refuse("out of memory");
	status = vips_take(cmd, &lists->vips);
	if (status == EXIT_DONE)
		status = port_take(cmd, &request.gue_port);
	if (status == EXIT_DONE)
		status = nets_take(cmd, &request, lists->nets);
	if (status == EXIT_DONE)
		status = interface_take(request.ifname, &request.ifindex);
	if (status == EXIT_DONE)
		status = locals_take(cmd, &request, lists->locals);
	if (status == EXIT_DONE)
		status = needs_met();
	if (status == EXIT_DONE) {
		request.vips = lists->vips.vips;
		request.vip_count = lists->vips.count;
		status = attach_locked(cmd, &request);
	}
	free(lists);
	return status;
}

static int detach_pins(const char *dir, const char *ifname, __u32 ifindex)
{
	struct decap_pins pins;
	int err = decap_pins_open(dir, ifindex, &pins);

	if (!err && pins.link < 0)
		return command_refuse("%s: poise decap is not attached to it", ifname);
	if (!err)
		err = decap_pins_remove(&pins);
	decap_pins_close(&pins);
	if (err)
		return command_refuse("%s: detaching: %s", ifname, strerror(-err));
	return EXIT_DONE;
}

static int detach_run(struct command *cmd)
{
	const char *ifname = cmd->argv[0];
	char dir[PATH_MAX];
	__u32 ifindex;
	int status = interface_take(ifname, &ifindex), err, lock;

	if (status == EXIT_DONE)
		status = needs_met();
	if (status != EXIT_DONE)
		return status;
	err = bpffs_instance_dir(cmd->instance, 0, dir, sizeof(dir));
	if (err == -ENOENT)
		return command_refuse("%s: poise decap is not attached to it", ifname);
	if (err)
		return instance_refuse(cmd, err);
	lock = decap_pins_lock(dir);
	if (lock < 0)
		return instance_refuse(cmd, lock);
	decap_pins_sweep(dir);
	status = detach_pins(dir, ifname, ifindex);
	rmdir(dir); /* goes only if nothing is left in it */
	close(lock);
	return status;
}

static int stats_run(struct command *cmd)
{
	char dir[PATH_MAX];
	__u32 ifindex = 0;
	int status = cmd->argc ? interface_take(cmd->argv[0], &ifindex) : EXIT_DONE, err;

	if (status != EXIT_DONE)
		return status;
	err = bpffs_instance_dir(cmd->instance, 0, dir, sizeof(dir));
	if (err && err != -ENOENT)
		return instance_refuse(cmd, err);
	if (err && ifindex)
		return command_refuse("%s: poise decap is not attached to it", cmd->argv[0]);
	return decap_stats(cmd, err ? NULL : dir, ifindex);
}

static const struct option_row options[] = {
	{ "vip", "ADDR", "take packets to this address out of tunnels, and none but to these",
	  .many = true },
	{ "local", "ADDR", "tunnels end at this address (default: at those of IFACE)",
	  .many = true },
	{ "from", "NET", "drop tunnels from other networks (default: none)", .many = true },
	{ "gue-port", "PORT", "UDP port of gue (default: 6080)" },
	{ "xdp", NULL, "auto: native, generic where the driver has no native mode",
	  .words = conf_xdp_names, .word_count = CONF_XDP_NAMES },
	{ 0 },
};

static const struct verb verbs[] = {
	{ "stats", "[IFACE]", "packets taken out of tunnels, and dropped", 0, 1, NULL, stats_run },
	{ "attach", "IFACE --vip ADDR...", "take ipip and gue off; again: with other VIPs", 1, -1,
	  options, attach_run },
	{ "detach", "IFACE", "leave tunnels to the kernel again", 1, 1, NULL, detach_run },
};

const struct object object_decap = {
	"decap",
	"on a backend: take tunnel headers off",
	verbs,
	ARRAY_SIZE(verbs),
};
