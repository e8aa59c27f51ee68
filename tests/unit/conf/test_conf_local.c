// SPDX-License-Identifier: BSD-2-Clause
/* Mode local: what it listens on, which backends it can have, and circles. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "fixtures/conf_decoded.h"

/* A service on a line of its own, the first in line 2; its backends follow. */
#define LOCAL(name, listen) "{name: " name ", mode: local, listen: " listen ", backends: ["
#define ONE(listen)         "services: [\n" LOCAL("a", listen)
#define WEB                 "0.0.0.0:80/tcp"

static void what_it_takes(void **state)
{
	static const char *const good[] = {
		ONE(WEB) "]}]",
		ONE("'[::]:80/udp'") "]}]",
		ONE("127.0.0.1:80/tcp") "]}]",
		ONE("'[::1]:80/tcp'") "]}]",
		ONE("192.0.2.1:80/tcp") "]}]",
		/* of any of the host's addresses, one address with several ports */
		ONE(WEB) "'127.0.0.1:8001', '127.0.0.1:8002', '192.0.2.1:8001', '[::1]:8001']}]",
		/* an IPv6 socket takes IPv4 connections, and :: is for clients of both families */
		ONE("192.0.2.1:80/tcp") "'[::1]:8001']}]",
		ONE("'[::]:80/tcp'") "'127.0.0.1:8001', '[2001:db8::1]:8001']}]",
		/* the address of the service or of another one, with another port */
		ONE("192.0.2.1:80/tcp") "'192.0.2.1:8001']}]",
		ONE("192.0.2.1:80/tcp") "'192.0.2.2:8001']},\n{name: b, listen: 192.0.2.2:80/tcp, "
					"mode: l2}]",
		/* the more exact endpoint counts */
		ONE(WEB) "]},\n" LOCAL("b", "127.0.0.1:80/tcp") "]},\n" LOCAL(
			"c", "'[::]:80/tcp'") "]},\n{name: d, listen: 192.0.2.1:80/tcp, mode: l2}]",
		/* no circle: another port, protocol or family */
		ONE(WEB) "'127.0.0.1:81']},\n" LOCAL("b", "0.0.0.0:81/udp") "]}]",
		ONE(WEB) "'[::1]:80']}]",
		ONE("192.0.2.1:80/tcp") "'127.0.0.1:80']}]",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		struct conf *conf = decode_good(good[i]);

		assert_int_equal(conf->services[0].mode, MODE_LOCAL);
		conf_free(conf);
	}
}

#define HOST_EXPECTED "expected a unicast address of a host, found "
#define PORT_EXPECTED                                                                              \
	"expected an address and the port that the server listens on, like 127.0.0.1:8001 or "     \
	"\"[::1]:8001\" (mode local), found "
#define CIRCLE "expected an endpoint that no service of mode local listens on, found "
#define OTHER  ": let the server listen on another port"

static const struct {
	const char *yaml, *error;
} refusals[] = {
	{ ONE("239.1.1.1:80/udp") "]}]", "x:2:32: listen: " HOST_EXPECTED "239.1.1.1: multicast" },
	{ ONE("0.1.1.1:80/udp") "]}]", "x:2:32: listen: " HOST_EXPECTED
				       "0.1.1.1: an address of the unspecified network 0.0.0.0/8" },
	{ ONE("'[fe80::1]:80/udp'") "]}]",
	  "x:2:32: listen: " HOST_EXPECTED
	  "fe80::1: link-local, which means nothing without its link" },
	{ ONE(WEB) "127.0.0.1]}]", "x:2:59: backends[0]: " PORT_EXPECTED "127.0.0.1" },
	{ ONE(WEB) "'127.0.0.1:81', {address: '::1'}]}]", "x:2:85: address: " PORT_EXPECTED "::1" },
	{ ONE(WEB) "'0.0.0.0:81']}]",
	  "x:2:59: backends[0]: " HOST_EXPECTED "0.0.0.0: the unspecified address" },
	{ ONE(WEB) "'[ff02::1]:81']}]",
	  "x:2:59: backends[0]: " HOST_EXPECTED "ff02::1: multicast" },
	{ ONE(WEB) "'127.0.0.1:81', '127.0.0.1:82', '127.0.0.1:81']}]",
	  "x:2:91: backends[2]: expected each address and port once, found 127.0.0.1:81 again: "
	  "backends[0] (line 2) has it" },
	{ ONE("'[::1]:80/tcp'") "'127.0.0.1:81']}]",
	  "x:2:59: backends[0]: expected an IPv6 address like the service's (an IPv4 socket takes "
	  "no IPv6 connections), found 127.0.0.1" },
	{ ONE(WEB) "'127.0.0.1:80']}]",
	  "x:2:59: backends[0]: " CIRCLE
	  "127.0.0.1:80: service \"a\" (line 2) does, on 0.0.0.0:80/tcp" OTHER },
	{ ONE("'[::]:80/tcp'") "'127.0.0.1:80']}]",
	  "x:2:58: backends[0]: " CIRCLE
	  "127.0.0.1:80: service \"a\" (line 2) does, on [::]:80/tcp" OTHER },
	{ ONE("'[::]:80/tcp'") "'[::1]:80']}]",
	  "x:2:58: backends[0]: " CIRCLE
	  "[::1]:80: service \"a\" (line 2) does, on [::]:80/tcp" OTHER },
	{ ONE("127.0.0.1:80/tcp") "'127.0.0.1:80']}]",
	  "x:2:61: backends[0]: " CIRCLE
	  "127.0.0.1:80: service \"a\" (line 2) does, on 127.0.0.1:80/tcp" OTHER },
	{ ONE(WEB) "'127.0.0.1:8001', {address: '127.0.0.1:8002'}]},\n" LOCAL(
		  "b", "127.0.0.1:8002/tcp") "]}]",
	  "x:2:87: address: " CIRCLE
	  "127.0.0.1:8002: service \"b\" (line 3) does, on 127.0.0.1:8002/tcp" OTHER },
	{ ONE(WEB) "]},\n" LOCAL("b", WEB) "]}]",
	  "x:3:32: listen: expected an endpoint of its own, found 0.0.0.0:80/tcp: service \"a\" "
	  "(line 2) has it" },
	{ ONE("192.0.2.1:80/tcp") "]},\n{name: b, listen: 192.0.2.1:80/tcp, mode: l2}]",
	  "x:3:19: listen: expected an endpoint of its own, found 192.0.2.1:80/tcp: service \"a\" "
	  "(line 2) has it" },
	{ ONE("192.0.2.1:80/tcp") "]},\n{name: b, listen: 192.0.2.2:80/tcp, mode: nat, backends: "
				  "[192.0.2.1]}]",
	  "x:3:59: backends[0]: expected an address that no service listens on, found 192.0.2.1: "
	  "service \"a\" (line 2) does" },
};

static void what_it_does_not_take(void **state)
{
	struct conf_error error;
	struct conf *conf;
	char buf[700];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (decode(refusals[i].yaml, &conf, &error) != -EINVAL)
			fail_msg("accepted: %s", refusals[i].yaml);
		assert_string_equal(conf_error_format(&error, "x", buf, sizeof(buf)),
				    refusals[i].error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_takes),
		cmocka_unit_test(what_it_does_not_take),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
