// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_error.h"
#include "base/log.h"
#include "config/nat_host.h"
#include "base/vip.h"

#define MIN_PORTS      1024 /* that nat_ports may be */
#define ADDRS_TOLD_MAX 8
#define PORT_FIRST     1024
#define PORT_LAST      65535
#define PROC           "/proc/sys/net/"

struct range {
	int first, last;
};

/* The larger part of a range that leaves another one out; first is 0 where it is too small. */
static struct range range_without(struct range range, struct range out)
{
	struct range below = { range.first, out.first <= range.last ? out.first - 1 : range.last };
	struct range above = { out.last >= range.first ? out.last + 1 : range.first, range.last };
	struct range larger = below.last - below.first > above.last - above.first ? below : above;

	if (larger.last - larger.first + 1 < MIN_PORTS)
		larger.first = 0;
	return larger;
}

/* True if a service of that family has a mode for which `is` holds. */
static bool has_mode(const struct conf *conf, bool (*is)(enum poise_mode mode), bool v4)
{
	for (size_t i = 0; conf && i < conf->service_count; i++)
		if (is(conf->services[i].mode) && addr_is_v4(&conf->services[i].addr) == v4)
			return true;
	return false;
}

static bool has_source(const struct conf *conf, const struct addr *addr)
{
	for (size_t i = 0; conf && i < conf->nat_source_count; i++)
		if (addr_equal(&conf->nat_sources[i], addr))
			return true;
	return false;
}

/* True if the interfaces' own addresses are sources, as none of that family is configured. */
static bool sends_from_any(const struct conf *conf, bool v4)
{
	for (size_t i = 0; conf && i < conf->nat_source_count; i++)
		if (addr_is_v4(&conf->nat_sources[i]) == v4)
			return false;
	return has_mode(conf, mode_has_nat_table, v4);
}

/* ---- addresses */

/* "10.0.0.1, 10.0.1.1 and 3 more", of those of a family that may be meant. */
static void addrs_tell(const struct addr *addrs, size_t count, bool v4, char *buf, size_t size)
{
	size_t told = 0, more = 0, length = 0;
	char text[ADDR_TEXT_SIZE];

	for (size_t i = 0; i < count; i++) {
		if (addr_is_v4(&addrs[i]) != v4 || vip_trouble(&addrs[i]))
			continue;
		if (told == ADDRS_TOLD_MAX || length + ADDR_TEXT_SIZE + 2 > size) {
			more++;
			continue;
		}
		length += snprintf(buf + length, size - length, "%s%s", told++ ? ", " : "",
				   addr_format(&addrs[i], text));
	}
	if (!told)
		snprintf(buf, size, "no IPv%c address", v4 ? '4' : '6');
	else if (more && length < size)
		snprintf(buf + length, size - length, " and %zu more", more);
}

static bool is_among(const struct addr *addrs, size_t count, const struct addr *addr)
{
	for (size_t i = 0; i < count; i++)
		if (addr_equal(&addrs[i], addr))
			return true;
	return false;
}

static int refuse_source(const struct conf *conf, size_t index, const conf_marks *marks,
			 const struct addr *addrs, size_t count, struct conf_error *error)
{
	const struct addr *source = &conf->nat_sources[index];
	char text[ADDR_TEXT_SIZE], has[200];
	struct conf_path path = { .length = 0 };
	int line, column;

	conf_path_key(&path, "nat_sources");
	conf_path_item(&path, index);
	conf_mark_find(marks, &path, &line, &column);
	addrs_tell(addrs, count, addr_is_v4(source), has, sizeof(has));
	return conf_refuse_at(error, &path, line, column,
			      "nat_sources[%zu]: expected an address of this host, found %s: it "
			      "has %s",
			      index, addr_format(source, text), has);
}

static int validate_sources(const struct conf *conf, const struct conf *running,
			    const conf_marks *marks, const struct addr *addrs, size_t count,
			    struct conf_error *error)
{
	for (size_t i = 0; i < conf->nat_source_count; i++) {
		const struct addr *source = &conf->nat_sources[i];

		if (!is_among(addrs, count, source) && !has_source(running, source))
			return refuse_source(conf, i, marks, addrs, count, error);
	}
	return 0;
}

/* ---- ports */

static bool is_mixed_up(const struct conf *conf, const struct conf_service *service)
{
	return !mode_has_sockets(service->mode) && service->port >= conf->nat_port_first &&
	       service->port <= conf->nat_port_last &&
	       sends_from_any(conf, addr_is_v4(&service->addr));
}

/* The host may have been given an address since. */
static bool runs_so(const struct conf *running, const struct conf_service *service)
{
	for (size_t i = 0; running && i < running->service_count; i++) {
		const struct conf_service *old = &running->services[i];

		if (addr_equal(&old->addr, &service->addr) && old->port == service->port)
			return is_mixed_up(running, old);
	}
	return false;
}

static int refuse_port(const struct conf *conf, size_t index, const conf_marks *marks,
		       struct conf_error *error)
{
	const struct conf_service *service = &conf->services[index];
	const struct range port = { service->port, service->port };
	struct range rest = { conf->nat_port_first, conf->nat_port_last };
	char text[ADDR_TEXT_SIZE], other[48] = "";
	struct conf_path path = { .length = 0 };
	int line, column;

	rest = range_without(rest, port);
	if (rest.first)
		snprintf(other, sizeof(other), ", or e.g. `nat_ports: %d-%d`", rest.first,
			 rest.last);
	conf_path_key(&path, "services");
	conf_path_item(&path, index);
	conf_path_key(&path, "listen");
	conf_mark_find(marks, &path, &line, &column);
	return conf_refuse_at(
		error, &path, line, column,
		"listen: port %u lies within nat_ports %u-%u, and %s is an address of"
		" this host that services by nat may send from: use another port%s, or"
		" name other addresses as `nat_sources`",
		service->port, conf->nat_port_first, conf->nat_port_last,
		addr_format(&service->addr, text), other);
}

int nat_host_validate_addrs(const struct conf *conf, const struct conf *running,
			    const conf_marks *marks, const struct addr *addrs, size_t count,
			    struct conf_error *error)
{
	int err = validate_sources(conf, running, marks, addrs, count, error);

	for (size_t i = 0; i < conf->service_count && !err; i++) {
		const struct conf_service *service = &conf->services[i];

		if (is_mixed_up(conf, service) && !runs_so(running, service) &&
		    is_among(addrs, count, &service->addr))
			err = refuse_port(conf, i, marks, error);
	}
	return err;
}

static int addrs_read(struct addr **out, size_t *out_count)
{
	struct ifaddrs *list, *item;
	struct addr *addrs;
	size_t count = 0;

	if (getifaddrs(&list))
		return -errno;
	for (item = list; item; item = item->ifa_next)
		count++;
	addrs = calloc(count + 1, sizeof(*addrs));
	count = 0;
	for (item = list; item && addrs; item = item->ifa_next) {
		if (!item->ifa_addr)
			continue;
		if (item->ifa_addr->sa_family == AF_INET) {
			const struct sockaddr_in *in = (const void *)item->ifa_addr;

			addrs[count] = (struct addr){ { [10] = 0xff, [11] = 0xff } };
			memcpy(addrs[count++].b + 12, &in->sin_addr, sizeof(in->sin_addr));
		} else if (item->ifa_addr->sa_family == AF_INET6) {
			const struct sockaddr_in6 *in6 = (const void *)item->ifa_addr;

			memcpy(addrs[count++].b, &in6->sin6_addr, sizeof(in6->sin6_addr));
		}
	}
	freeifaddrs(list);
	*out = addrs;
	*out_count = count;
	return addrs ? 0 : -ENOMEM;
}

int nat_host_validate(const struct conf *conf, const struct conf *running, const conf_marks *marks,
		      struct conf_error *error)
{
	struct addr *addrs = NULL;
	size_t count = 0;
	int err;

	if (!conf->nat_source_count && !has_mode(conf, mode_has_nat_table, true) &&
	    !has_mode(conf, mode_has_nat_table, false))
		return 0;
	err = addrs_read(&addrs, &count);
	if (err == -ENOMEM)
		return conf_no_memory(error);
	if (err) {
		/* Nothing says that anything is wrong. */
		log_warn("addresses of this host cannot be read: %s", strerror(-err));
		return 0;
	}
	err = nat_host_validate_addrs(conf, running, marks, addrs, count, error);
	free(addrs);
	return err;
}

/* ---- warnings */

static bool has_any(const struct conf *conf, bool (*is)(enum poise_mode mode))
{
	return has_mode(conf, is, true) || has_mode(conf, is, false);
}

static void overlap_tell(const struct conf *conf, const struct conf *running,
			 const struct nat_host *host, char *buf, size_t size)
{
	const struct range nat = { conf->nat_port_first, conf->nat_port_last };
	const struct range own = { host->port_first, host->port_last };
	const struct range all = { PORT_FIRST, PORT_LAST };
	struct range better = range_without(nat, own);
	int length;

	if (!has_any(conf, mode_has_nat_table) || !own.last || nat.last < own.first ||
	    nat.first > own.last)
		return;
	if (running && has_any(running, mode_has_nat_table) &&
	    running->nat_port_first == nat.first && running->nat_port_last == nat.last)
		return;
	if (!better.first)
		better = range_without(all, own);
	length = snprintf(buf, size,
			  "nat_ports %d-%d and this host's own ports, net.ipv4.ip_local_port_range"
			  " %d-%d, overlap: connections of its own to backends may be taken for"
			  " those of clients: ",
			  nat.first, nat.last, own.first, own.last);
	if (better.first)
		snprintf(buf + length, size - length, "write `nat_ports: %d-%d`", better.first,
			 better.last);
	else
		snprintf(buf + length, size - length,
			 "`sysctl net.ipv4.ip_local_port_range=\"32768 60999\"` and `nat_ports:"
			 " 10240-32767` keep them apart");
}

static void forwarding_tell(const struct conf *conf, const struct conf *running, bool v4,
			    bool forwards, char *buf, size_t size)
{
	const char *key = v4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";

	if (forwards || !has_mode(conf, mode_has_reply_keys, v4) ||
	    has_mode(running, mode_has_reply_keys, v4))
		return;
	snprintf(buf, size,
		 "%s is 0: with `source: keep` this host is the backends' gateway, and what it does"
		 " not translate itself stops here: `sysctl %s=1`",
		 key, key);
}

bool nat_host_warning(const struct conf *conf, const struct conf *running,
		      const struct nat_host *host, enum nat_warning which, char *buf, size_t size)
{
	buf[0] = '\0';
	if (which == NAT_WARNING_PORTS)
		overlap_tell(conf, running, host, buf, size);
	else if (which == NAT_WARNING_FORWARDS_V4)
		forwarding_tell(conf, running, true, host->forwards_v4, buf, size);
	else
		forwarding_tell(conf, running, false, host->forwards_v6, buf, size);
	return buf[0];
}

/* False as well where it cannot be read. */
static bool is_zero(const char *path)
{
	FILE *file = fopen(path, "re");
	bool zero = file && fgetc(file) == '0';

	if (file)
		fclose(file);
	return zero;
}

static void host_read(struct nat_host *out)
{
	FILE *file = fopen(PROC "ipv4/ip_local_port_range", "re");

	*out = (struct nat_host){ .forwards_v4 = !is_zero(PROC "ipv4/ip_forward"),
				  .forwards_v6 = !is_zero(PROC "ipv6/conf/all/forwarding") };
	if (file && fscanf(file, "%hu %hu", &out->port_first, &out->port_last) != 2)
		out->port_first = out->port_last = 0;
	if (file)
		fclose(file);
}

void nat_host_warn(const struct conf *conf, const struct conf *running)
{
	struct nat_host host;
	char text[400];

	host_read(&host);
	for (enum nat_warning i = 0; i < NAT_WARNING_MAX; i++)
		if (nat_host_warning(conf, running, &host, i, text, sizeof(text)))
			log_warn("%s", text);
}
