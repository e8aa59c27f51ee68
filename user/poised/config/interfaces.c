// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_error.h"
#include "config/interfaces.h"
#include "base/log.h"

static bool has_interface(const struct conf *conf, const char *name)
{
	for (size_t i = 0; conf && i < conf->interface_count; i++)
		if (!strcmp(conf->interfaces[i].name, name))
			return true;
	return false;
}

int interfaces_validate(const struct conf *conf, const struct conf *running,
			const conf_marks *marks, struct conf_error *error)
{
	for (size_t i = 0; i < conf->interface_count; i++) {
		const char *name = conf->interfaces[i].name;
		struct conf_path path = { .length = 0 };
		int line, column;

		if (has_interface(running, name) || if_nametoindex(name))
			continue;
		conf_path_key(&path, "interfaces");
		conf_path_item(&path, i);
		conf_path_key(&path, "name");
		conf_mark_find(marks, &path, &line, &column);
		return conf_refuse_at(error, &path, line, column,
				      "name: expected an interface of this machine, found \"%s\"",
				      name);
	}
	return 0;
}

struct lb_link *interfaces_links(const struct lb *lb, size_t *count)
{
	size_t room = lb_links(lb, NULL, 0);
	struct lb_link *links = calloc(room + 1, sizeof(*links));

	*count = links ? lb_links(lb, links, room) : 0;
	return links;
}

bool interface_here(const struct lb_link *link)
{
	return link->ifindex && link->ifname[0];
}

static const struct lb_link *link_find(const struct lb_link *links, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (interface_here(&links[i]) && !strcmp(links[i].ifname, name))
			return &links[i];
	return NULL;
}

static void log_attached(const struct lb *lb, const char *name)
{
	size_t count;
	struct lb_link *links = interfaces_links(lb, &count);
	const struct lb_link *link = link_find(links, count, name);

	if (link)
		log_info("%s: attached, %s XDP", name, link->generic ? "generic" : "native");
	free(links);
}

int interfaces_attach(struct lb *lb, const struct conf *conf, struct conf_error *error)
{
	struct lb_error why = { "out of memory" };
	size_t count;
	struct lb_link *before = interfaces_links(lb, &count);
	int err = before ? 0 : -ENOMEM;

	for (size_t i = 0; i < conf->interface_count && !err; i++) {
		const struct conf_interface *want = &conf->interfaces[i];

		if (!if_nametoindex(want->name)) {
			log_warn("%s: no such interface now: not attached", want->name);
			continue;
		}
		err = lb_attach(lb, want->name, want->xdp, &why);
		if (!err && !link_find(before, count, want->name))
			log_attached(lb, want->name);
	}
	free(before);
	if (!err)
		return 0;
	memset(error, 0, sizeof(*error));
	snprintf(error->text, sizeof(error->text), "%s", why.text);
	return err;
}

static void detach(struct lb *lb, const char *name)
{
	struct lb_error why;

	if (lb_detach(lb, name, &why))
		log_err("%s", why.text);
	else
		log_info("%s: detached", name);
}

void interfaces_restore(struct lb *lb, const struct lb_link *links, size_t count)
{
	size_t now_count;
	struct lb_link *now = interfaces_links(lb, &now_count);

	for (size_t i = 0; i < now_count; i++)
		if (interface_here(&now[i]) && !link_find(links, count, now[i].ifname))
			detach(lb, now[i].ifname);
	free(now);
}

void interfaces_detach(struct lb *lb, const struct conf *conf)
{
	size_t count;
	struct lb_link *links = interfaces_links(lb, &count);

	for (size_t i = 0; i < count; i++)
		if (interface_here(&links[i]) && !has_interface(conf, links[i].ifname))
			detach(lb, links[i].ifname);
	free(links);
}
