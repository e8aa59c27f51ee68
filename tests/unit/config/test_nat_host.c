// SPDX-License-Identifier: BSD-2-Clause
/* Tests which configurations of mode nat a host cannot carry out, or an operator may not mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include "fixtures/conf_decoded.h"
#include "config/nat_host.h"

#define NAT4 "{name: n, listen: 192.0.2.10:80/tcp, mode: nat, backends: [10.0.0.11]}"
#define KEEP "{name: k, listen: 192.0.2.10:80/tcp, mode: nat, source: keep, backends: [10.0.0.11]}"

static struct addr host[16];
static size_t host_count;

static void host_has(const char *text)
{
	char copy[256], *save = NULL;

	host_count = 0;
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *one = strtok_r(copy, " ", &save); one; one = strtok_r(NULL, " ", &save))
		assert_int_equal(addr_parse(one, &host[host_count++]), 0);
}

/* Refused at a path, with words: or not, with NULL. */
static void checked(const char *running_yaml, const char *yaml, const char *path, const char *words)
{
	struct conf *running = running_yaml ? decode_good(running_yaml) : NULL;
	struct conf *conf = decode_good(yaml);
	struct conf_error error = { 0 };
	int err = nat_host_validate_addrs(conf, running, NULL, host, host_count, &error);

	conf_free(conf);
	conf_free(running);
	if (!path && err)
		fail_msg("%s: %s: %s", yaml, error.path, error.text);
	if (!path)
		return;
	assert_int_equal(err, -EINVAL);
	assert_string_equal(error.path, path);
	if (!strstr(error.text, words))
		fail_msg("%s: lacks \"%s\"", error.text, words);
}

static void sources_are_addresses_of_this_host(void **state)
{
	(void)state;
	host_has("127.0.0.1 10.0.0.1 10.0.1.1 ::1 fe80::1 2001:db8::1");
	checked(NULL, "nat_sources: [10.0.0.1, 10.0.1.1, '2001:db8::1']", NULL, NULL);
	checked(NULL, "nat_sources: [10.0.0.1, 10.0.0.2]", "nat_sources[1]",
		"found 10.0.0.2: it has 10.0.0.1, 10.0.1.1");
	checked(NULL, "nat_sources: ['2001:db8::2']", "nat_sources[0]", "it has 2001:db8::1");
	/* One that was taken off the host since is no reason to refuse something else. */
	checked("nat_sources: [10.0.0.2]", "nat_sources: [10.0.0.1, 10.0.0.2]", NULL, NULL);
	host_has("127.0.0.1 fe80::1");
	checked(NULL, "nat_sources: [10.0.0.1]", "nat_sources[0]", "no IPv4 address");
}

static void addresses_are_named_within_reason(void **state)
{
	char text[256] = "";

	(void)state;
	for (int i = 1; i <= 10; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "10.0.0.%d ", i);
	host_has(text);
	checked(NULL, "nat_sources: [10.0.1.1]", "nat_sources[0]", "10.0.0.8 and 2 more");
}

static void clients_packets_are_no_answers(void **state)
{
	static const char other[] = "services: [" NAT4 ", {name: o, listen: 10.0.0.1:20000/tcp, "
				    "mode: l2, backends: [10.0.0.11]}]";

	(void)state;
	host_has("10.0.0.1");
	checked(NULL, other, "services[1].listen", "e.g. `nat_ports: 20001-32767`");
	checked(NULL, other, "services[1].listen", "20000 lies within nat_ports 10240-32767");
	/* At another port, at no address of this host, without nat, with another source. */
	checked(NULL, "services: [" NAT4 ", {name: o, listen: 10.0.0.1:8000/tcp, mode: l2}]", NULL,
		NULL);
	checked(NULL, "services: [" NAT4 ", {name: o, listen: 10.0.0.9:20000/tcp, mode: l2}]", NULL,
		NULL);
	checked(NULL, "services: [{name: o, listen: 10.0.0.1:20000/tcp, mode: l2}]", NULL, NULL);
	host_has("10.0.0.1 10.0.0.2");
	checked(NULL,
		"{nat_sources: [10.0.0.2], services: [" NAT4
		", {name: o, listen: 10.0.0.1:20000/tcp, mode: l2}]}",
		NULL, NULL);
	checked(NULL,
		"{nat_ports: 20001-32767, services: [" NAT4
		", {name: o, listen: 10.0.0.1:20000/tcp, mode: l2}]}",
		NULL, NULL);
	/* Sockets get it from the kernel. */
	checked(NULL,
		"services: [" NAT4 ", {name: o, listen: 10.0.0.1:20000/tcp, mode: local, "
		"backends: ['127.0.0.1:8001']}]",
		NULL, NULL);
	checked(other, other, NULL, NULL);
	checked("services: [" NAT4 "]", other, "services[1].listen", "");
}

static void the_larger_part_is_named(void **state)
{
	(void)state;
	host_has("192.0.2.10");
	checked(NULL,
		"services: [{name: n, listen: 192.0.2.10:30000/udp, mode: nat, "
		"backends: ['10.0.0.11']}]",
		"services[0].listen", "e.g. `nat_ports: 10240-29999`");
	checked(NULL,
		"{nat_ports: 20000-21500, services: [{name: n, listen: 192.0.2.10:20700/udp, "
		"mode: nat, backends: ['10.0.0.11']}]}",
		"services[0].listen", "use another port, or name");
}

/* ---- warnings */

static void warned(const char *running_yaml, const char *yaml, struct nat_host nat_host,
		   enum nat_warning which, const char *words)
{
	struct conf *running = running_yaml ? decode_good(running_yaml) : NULL;
	struct conf *conf = decode_good(yaml);
	char text[400];
	bool any = nat_host_warning(conf, running, &nat_host, which, text, sizeof(text));

	conf_free(conf);
	conf_free(running);
	assert_int_equal(any, words != NULL);
	if (words && !strstr(text, words))
		fail_msg("%s: lacks \"%s\"", text, words);
}

static void ports_are_kept_apart(void **state)
{
	const struct nat_host usual = { 32768, 60999, true, true };
	const enum nat_warning ports = NAT_WARNING_PORTS;

	(void)state;
	warned(NULL, "services: [" NAT4 "]", usual, ports, NULL);
	warned(NULL, "{nat_ports: 10240-40000, services: [" NAT4 "]}", usual, ports,
	       "nat_ports 10240-40000");
	warned(NULL, "{nat_ports: 10240-40000, services: [" NAT4 "]}", usual, ports,
	       "ip_local_port_range 32768-60999");
	warned(NULL, "{nat_ports: 10240-40000, services: [" NAT4 "]}", usual, ports,
	       "`nat_ports: 10240-32767`");
	warned(NULL, "{nat_ports: 40000-65535, services: [" NAT4 "]}", usual, ports,
	       "`nat_ports: 61000-65535`");
	/* Nothing of it is left, but elsewhere there is some. */
	warned(NULL, "{nat_ports: 40000-50000, services: [" NAT4 "]}", usual, ports,
	       "`nat_ports: 1024-32767`");
	warned(NULL, "services: [" NAT4 "]", (struct nat_host){ 1024, 65535, true, true }, ports,
	       "sysctl");
	warned(NULL, "services: [" NAT4 "]", (struct nat_host){ 0 }, ports, NULL);
	warned(NULL, "nat_ports: 10240-40000", usual, ports, NULL);
	/* Once. */
	warned("{nat_ports: 10240-40000, services: [" NAT4 "]}",
	       "{nat_ports: 10240-40000, services: [" NAT4 "]}", usual, ports, NULL);
	warned("{nat_ports: 10240-40000, services: []}",
	       "{nat_ports: 10240-40000, services: [" NAT4 "]}", usual, ports, "");
	warned("{nat_ports: 10240-50000, services: [" NAT4 "]}",
	       "{nat_ports: 10240-40000, services: [" NAT4 "]}", usual, ports, "");
}

static void a_gateway_forwards(void **state)
{
	const struct nat_host neither = { 32768, 60999, false, false };

	(void)state;
	warned(NULL, "services: [" KEEP "]", neither, NAT_WARNING_FORWARDS_V4,
	       "net.ipv4.ip_forward is 0");
	warned(NULL, "services: [" KEEP "]", neither, NAT_WARNING_FORWARDS_V6, NULL);
	warned(NULL, "services: [" NAT4 "]", neither, NAT_WARNING_FORWARDS_V4, NULL);
	warned("services: [" KEEP "]", "services: [" KEEP "]", neither, NAT_WARNING_FORWARDS_V4,
	       NULL);
	warned(NULL, "services: [" KEEP "]", (struct nat_host){ .forwards_v4 = true },
	       NAT_WARNING_FORWARDS_V4, NULL);
	warned(NULL,
	       "services: [{name: k, listen: '[2001:db8::10]:80/tcp', mode: nat, source: keep, "
	       "backends: ['2001:db8::11']}]",
	       neither, NAT_WARNING_FORWARDS_V6, "net.ipv6.conf.all.forwarding is 0");
}

/* Nothing to be asked of the host. */
static void without_nat_all_is_well(void **state)
{
	struct conf *conf = decode_good("services: [" KEEP "]");
	struct conf_error error;

	(void)state;
	assert_int_equal(nat_host_validate(conf, NULL, NULL, &error), 0);
	conf_free(conf);
	/* Loopback addresses are the host's, whichever others it has. */
	conf = decode_good("services: [" NAT4 "]");
	assert_int_equal(nat_host_validate(conf, NULL, NULL, &error), 0);
	conf_free(conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_are_addresses_of_this_host),
		cmocka_unit_test(addresses_are_named_within_reason),
		cmocka_unit_test(clients_packets_are_no_answers),
		cmocka_unit_test(the_larger_part_is_named),
		cmocka_unit_test(ports_are_kept_apart),
		cmocka_unit_test(a_gateway_forwards),
		cmocka_unit_test(without_nat_all_is_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
