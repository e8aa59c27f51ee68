// SPDX-License-Identifier: BSD-2-Clause
/*
 * Watches next hops and prints each change: "ADDRESS: HOP[ mtu N][ from SOURCE]".
 *
 *	nexthop_watch ADDRESS...       until SIGTERM
 *	nexthop_watch --count N NET    N addresses from NET on; the time until each was told READY
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/log.h"
#include "nexthop/nexthop.h"

struct watched {
	struct addr addr;
	struct nexthop_watch *watch;
	unsigned int told;
	bool ready;
};

static struct nexthop_table *table;
static struct watched *watched;
static size_t watched_count, ready_count;
static bool quiet;
static __u64 start_ns;

static void end(uv_loop_t *loop)
{
	for (size_t i = 0; i < watched_count; i++)
		nexthop_unwatch(watched[i].watch);
	nexthop_close(table);
	uv_stop(loop);
}

static void terminated(uv_signal_t *handle, int number)
{
	(void)number;
	end(handle->loop);
}

static void print(const struct addr *addr, const struct nexthop *hop)
{
	static const struct addr none;
	char text[ADDR_TEXT_SIZE], hop_text[128];

	printf("%s: %s", addr_format(addr, text), nexthop_format(hop, hop_text, sizeof(hop_text)));
	if (hop->state == NEXTHOP_READY) {
		const __u8 *m = hop->src_mac;

		printf(" mtu %u mac %02x:%02x:%02x:%02x:%02x:%02x", hop->mtu, m[0], m[1], m[2],
		       m[3], m[4], m[5]);
		if (!addr_equal(&hop->source, &none))
			printf(" from %s", addr_format(&hop->source, text));
	}
	printf("\n");
	fflush(stdout);
}

static void changed(void *arg, const struct nexthop *hop)
{
	struct watched *self = arg;

	self->told++;
	if (!quiet) {
		print(&self->addr, hop);
		return;
	}
	if (!self->ready && hop->state == NEXTHOP_READY) {
		self->ready = true;
		ready_count++;
	}
	if (ready_count < watched_count)
		return;
	printf("%zu ready after %llu ms\n", ready_count,
	       (unsigned long long)(uv_hrtime() - start_ns) / 1000000);
	fflush(stdout);
	quiet = false;
}

static void watch_from(const char *text, size_t count)
{
	struct addr addr;
	__u32 number;

	if (addr_parse(text, &addr) || !(watched = calloc(count, sizeof(*watched))))
		exit(2);
	memcpy(&number, addr_v4(&addr), sizeof(number));
	for (size_t i = 0; i < count; i++) {
		__u32 next = htonl(ntohl(number) + (__u32)i);

		watched[i].addr = addr;
		memcpy(watched[i].addr.b + 12, &next, sizeof(next));
	}
	watched_count = count;
	quiet = true;
}

static void watch_each(int argc, char **argv)
{
	watched = calloc((size_t)argc + 1, sizeof(*watched));
	if (!watched)
		exit(2);
	for (int i = 0; i < argc; i++) {
		if (addr_parse(argv[i], &watched[i].addr))
			exit(2);
	}
	watched_count = (size_t)argc;
}

int main(int argc, char **argv)
{
	uv_loop_t *loop = uv_default_loop();
	uv_signal_t signal_handle;
	int err;

	log_init("nexthop_watch");
	if (argc == 4 && !strcmp(argv[1], "--count"))
		watch_from(argv[3], (size_t)atol(argv[2]));
	else
		watch_each(argc - 1, argv + 1);
	uv_signal_init(loop, &signal_handle);
	uv_signal_start(&signal_handle, terminated, SIGTERM);
	err = nexthop_open(loop, &table);
	if (err) {
		fprintf(stderr, "nexthop_open: %s\n", strerror(-err));
		return 1;
	}
	start_ns = uv_hrtime();
	for (size_t i = 0; i < watched_count; i++) {
		if (nexthop_watch(table, &watched[i].addr, changed, &watched[i], &watched[i].watch))
			return 1;
	}
	uv_run(loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&signal_handle, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	uv_loop_close(loop);
	free(watched);
	return 0;
}
