/* SPDX-License-Identifier: BSD-2-Clause */
/* Mode nat's configuration has to fit the host: its addresses, its own ports, its forwarding. */
#ifndef POISE_NAT_HOST_H
#define POISE_NAT_HOST_H

#include "conf/conf.h"

/*
 * Sources that are no addresses of this host, and services whose clients' packets could not be told
 * from what backends answer, as they are for an address that mode nat may send from, at a port of
 * its own. What runs already is not looked at. 0, -EINVAL or -ENOMEM with *error.
 */
int nat_host_validate(const struct conf *conf, const struct conf *running, const conf_marks *marks,
		      struct conf_error *error);
/* The same, the host's addresses being these. */
int nat_host_validate_addrs(const struct conf *conf, const struct conf *running,
			    const conf_marks *marks, const struct addr *addrs, size_t count,
			    struct conf_error *error);

/* The host's settings, as far as they matter here. */
struct nat_host {
	__u16 port_first, port_last;   /* net.ipv4.ip_local_port_range; 0: not known */
	bool forwards_v4, forwards_v6; /* or not known */
};

enum nat_warning {
	NAT_WARNING_PORTS, /* nat_ports are also the host's own */
	NAT_WARNING_FORWARDS_V4,
	NAT_WARNING_FORWARDS_V6,
	NAT_WARNING_MAX,
};

/* Logs what works but may not be meant, unless it runs already. */
void nat_host_warn(const struct conf *conf, const struct conf *running);
/* True if this warning is due; buf then says it in words. */
bool nat_host_warning(const struct conf *conf, const struct conf *running,
		      const struct nat_host *host, enum nat_warning which, char *buf, size_t size);

#endif
