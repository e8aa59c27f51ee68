// SPDX-License-Identifier: BSD-2-Clause
/* Mode local: the connections that the iterator counts, and by what it knows whose they are. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/array.h"
#include "local/local_fixture.h"

/* Targets. */
enum {
	NOBODY,
	ONE,   /* 127.0.0.1:8001 */
	DUAL,  /* 127.0.0.1:8002, which listens at [::] */
	DUAL6, /* [::1]:8002, the same */
	ANY,   /* 127.0.0.1:8003, which listens at 0.0.0.0 */
	GROUP, /* 127.0.0.1:8004, many sockets */
};

/* Services, each on port 80 + its number of all addresses. */
enum {
	BY_ONE,
	BY_DUAL,
	BY_DUAL6,
	BY_ANY,
	BY_GROUP,
};

#define MEMBERS 32
#define CLIENTS 200

/* Those of a service by sockets that are bound there. */
static struct local_count counted(struct local_fixture *fix, __u32 service, const char *bound)
{
	struct local_count found = { 0 };
	struct local_tally *tallies;
	struct addr addr;
	__u16 port;
	size_t count;

	if (endpoint_parse(bound, &addr, &port) || local_count(fix->local, &tallies, &count))
		return (struct local_count){ .live = ~0U };
	for (size_t i = 0; i < count; i++)
		if (tallies[i].pair.service == service &&
		    tallies[i].pair.bound.port == htons(port) &&
		    !memcmp(tallies[i].pair.bound.addr, addr.b, sizeof(addr.b)))
			found = tallies[i].count;
	free(tallies);
	return found;
}

static int client(const char *address, __u16 port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = inet_addr(address),
				    .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	close(fd);
	return -1;
}

/* Connections made through the kernel. */
static void test_connections(struct local_fixture *fix)
{
	struct local_count count;
	int clients[3], served[3], direct, kept;

	for (int i = 0; i < 3; i++) {
		clients[i] = client("127.0.0.2", 80);
		served[i] = accept(fix->sockets[ONE], NULL, NULL);
	}
	direct = client("127.0.0.1", 8001);
	kept = accept(fix->sockets[ONE], NULL, NULL);
	harness_ok(&fix->harness, clients[2] >= 0 && served[2] >= 0,
		   "clients reach the backend by the service's address");
	count = counted(fix, BY_ONE, "127.0.0.1:8001");
	harness_ok(&fix->harness, count.live == 3 && !count.closing,
		   "its connections are counted (%u), and not one that came directly", count.live);
	close(clients[0]);
	close(served[0]); /* in TIME_WAIT at the client's end, gone here */
	shutdown(clients[1], SHUT_WR);
	count = counted(fix, BY_ONE, "127.0.0.1:8001");
	harness_ok(&fix->harness, count.live == 2,
		   "one that ended is not, one that is half closed is (%u)", count.live);
	close(served[1]);
	close(served[2]);
	count = counted(fix, BY_ONE, "127.0.0.1:8001");
	harness_ok(&fix->harness, client("127.0.0.2", 85) < 0 && errno == ECONNREFUSED,
		   "where no backend is up the kernel refuses");
	harness_ok(&fix->harness, !count.live && count.closing <= 1,
		   "what only the kernel has to end is told apart (%u, %u)", count.live,
		   count.closing);
	for (int i = 1; i < 3; i++)
		close(clients[i]);
	close(direct);
	close(kept);
}

/* One socket with several names: what it is bound to tells whose its connections are. */
static void test_names(struct local_fixture *fix)
{
	int clients[] = { client("127.0.0.2", 81), client("127.0.0.2", 81),
			  client("127.0.0.2", 83) };

	/* Under the other name, last. */
	local_find_text(fix, DUAL6, "[::1]:8002", IPPROTO_TCP);
	local_find_text(fix, ANY, "127.0.0.3:8003", IPPROTO_TCP);
	harness_ok(&fix->harness, counted(fix, BY_DUAL, "[::]:8002").live == 2,
		   "a socket at [::] that services know by other addresses");
	harness_ok(&fix->harness, !counted(fix, BY_DUAL6, "[::]:8002").live,
		   "connections of one service are not another one's");
	harness_ok(&fix->harness, counted(fix, BY_ANY, "0.0.0.0:8003").live == 1,
		   "a socket at 0.0.0.0");
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		close(clients[i]);
}

/* Look-ups meet some of the many sockets of a group, a count all. */
static void test_group(struct local_fixture *fix)
{
	int members[MEMBERS], clients[CLIENTS], bad = 0;
	struct local_count count;

	for (int i = 0; i < MEMBERS; i++)
		bad += (members[i] = local_listen("127.0.0.1:8004", LISTEN_GROUP)) < 0;
	counted(fix, BY_GROUP, "127.0.0.1:8004");
	for (int i = 0; i < CLIENTS; i++)
		bad += (clients[i] = client("127.0.0.2", 84)) < 0;
	count = counted(fix, BY_GROUP, "127.0.0.1:8004");
	harness_ok(&fix->harness, !bad && count.live == CLIENTS,
		   "%d connections of %d sockets are counted (%u)", CLIENTS, MEMBERS, count.live);
	for (int i = 0; i < CLIENTS; i++)
		close(clients[i]);
	for (int i = 0; i < MEMBERS; i++)
		close(members[i]);
}

static int serve(struct local_fixture *fix)
{
	static const struct {
		const char *listens; /* NULL: as the target before */
		enum local_listen how;
		const char *found;
	} targets[] = {
		[ONE] = { "127.0.0.1:8001", LISTEN_TCP, "127.0.0.1:8001" },
		[DUAL] = { "[::]:8002", LISTEN_TCP, "127.0.0.1:8002" },
		[DUAL6] = { NULL, LISTEN_TCP, "[::1]:8002" },
		[ANY] = { "0.0.0.0:8003", LISTEN_TCP, "127.0.0.1:8003" },
		[GROUP] = { "127.0.0.1:8004", LISTEN_GROUP, "127.0.0.1:8004" },
	};
	struct lb_error error;
	int err = 0;

	for (__u16 i = ONE; i <= GROUP && !err; i++) {
		const struct row row = { i, 0 };
		char listen[32];

		if (targets[i].listens)
			fix->sockets[i] = local_listen(targets[i].listens, targets[i].how);
		if (fix->sockets[i] < -1 ||
		    local_find_text(fix, i, targets[i].found, IPPROTO_TCP) != LOCAL_FOUND)
			return -1;
		snprintf(listen, sizeof(listen), i == DUAL6 ? "[::]:%d" : "0.0.0.0:%d", 79 + i);
		err = local_service(fix, i - 1, listen, IPPROTO_TCP, 0, &row, 1);
	}
	if (!err)
		err = local_service(fix, GROUP, "0.0.0.0:85", IPPROTO_TCP, 0,
				    &(const struct row){ NOBODY, 0 }, 1);
	return err ? err : local_attach(fix->local, &error);
}

int main(void)
{
	struct local_fixture fix;
	int err = local_fixture_open(&fix);

	if (!err)
		err = serve(&fix);
	if (harness_ok(&fix.harness, !err, "sockets are found, the program is attached (%d)",
		       err)) {
		test_connections(&fix);
		test_names(&fix);
		test_group(&fix);
	}
	local_fixture_close(&fix);
	return harness_end(&fix.harness);
}
