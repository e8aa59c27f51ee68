// SPDX-License-Identifier: BSD-2-Clause
/* poise_lb and rows that are not stable: which packets follow an entry, and which make one. */
#include <stdlib.h>

#include "flow_sequence.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NEW           FLOW_NEW, FLOW_NEW_TICKS
#define OPEN          FLOW_ESTABLISHED, FLOW_IDLE_TICKS
#define CLOSING       FLOW_CLOSING, FLOW_CLOSING_TICKS
#define OLDER         FLOW_NEW, FLOW_IDLE_TICKS /* one packet of a flow older than the entry */

/* row, packet, goes to, entry's target, its state and ticks, what else */
static const struct flow_sequence tcp[] = {
	{ "TCP to a stable row writes nothing",
	  { { "B0", SYN, 'B', .what = BEGUN },
	    { "B0", ACK, 'B' },
	    { "B0", FIN, 'B' },
	    { "B0", RST, 'B' } } },
	{ "TCP begun while a row moves stays",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "BA", SYN, 'B', 'B', NEW, BEGUN },
	    { "CA", SYN, 'B', 'B', NEW, BEGUN },
	    { "CA", ACK, 'B', 'B', OPEN },
	    { "AB", ACK, 'B', 'B', OPEN },
	    { "C*", ACK, 'B', 'B', OPEN },
	    { "0*", ACK, 'B', 'B', OPEN },
	    { "0A", ACK, 'B', 'B', OPEN } } },
	{ "TCP with an entry, once its row is stable",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "C0", ACK, 'C', 'B', NEW },
	    { "C0", SYN, 'C', 'B', NEW, BEGUN } } },
	{ "TCP older than the change",
	  { { "BA", ACK, 'A', 'A', OLDER, MADE },
	    { "BA", ACK, 'A', 'A', OPEN },
	    { "CB", ACK, 'A', 'A', OPEN },
	    { "C*", ACK, 'A', 'A', OPEN },
	    { "C*", FIN, 'A', 'A', CLOSING } } },
	{ "TCP, SYN with ACK is no new flow's",
	  { { "BA", SYN_ACK, 'A', 'A', OLDER, MADE }, { "BA", SYN_ACK, 'A', 'A', OPEN } } },
	{ "TCP to a tracked row",
	  { { "B*", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "C*", ACK, 'B', 'B', OPEN },
	    { "C*", SYN, 'C', 'C', NEW, MADE | BEGUN },
	    { "B*", ACK, 'C', 'C', OPEN } } },
	{ "TCP with its port used again",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "BA", ACK, 'B', 'B', OPEN },
	    { "CA", SYN, 'C', 'C', NEW, MADE | BEGUN },
	    { "CA", ACK, 'C', 'C', OPEN },
	    { "CA", FIN, 'C', 'C', CLOSING },
	    { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN } } },
	{ "TCP FIN closes, and the rest follows",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "BA", ACK, 'B', 'B', OPEN },
	    { "CA", FIN, 'B', 'B', CLOSING },
	    { "CA", ACK, 'B', 'B', CLOSING },
	    { "CA", FIN, 'B', 'B', CLOSING },
	    { "CA", ACK, 'B', 'B', CLOSING } } },
	{ "TCP met at its end is closing from the start",
	  { { "BA", FIN, 'A', 'A', CLOSING, MADE },
	    { "BA", ACK, 'A', 'A', CLOSING },
	    { "CA", SYN, 'C', 'C', NEW, MADE | BEGUN },
	    { "B*", RST, 'C', 'C', CLOSING } } },
	{ "TCP met at its end, by RST",
	  { { "B*", RST, 'B', 'B', CLOSING, MADE | BEGUN }, { "B*", ACK, 'B', 'B', CLOSING } } },
	{ "TCP that goes on for long after a FIN",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "CA", FIN, 'B', 'B', CLOSING },
	    { "CA", ACK, 'B', 'B', OPEN, LATE },
	    { "CA", FIN, 'B', 'B', CLOSING },
	    { "CA", ACK, 'B', 'B', CLOSING },
	    { "CA", ACK, 'B', 'B', OPEN, AGED } } },
	{ "TCP RST closes",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "CA", RST, 'B', 'B', CLOSING },
	    { "CA", ACK, 'B', 'B', CLOSING } } },
	{ "TCP SYN with FIN",
	  { { "BA", SYN_FIN, 'B', 'B', FLOW_NEW, FLOW_CLOSING_TICKS, MADE | BEGUN },
	    { "CA", SYN_FIN, 'B', 'B', CLOSING, BEGUN },
	    { "CA", SYN_FIN, 'C', 'C', FLOW_NEW, FLOW_CLOSING_TICKS, MADE | BEGUN } } },
	{ "TCP of a backend that serves no more",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "CA", SYN, 'C', 'C', NEW, MADE | BEGUN, .lost = "B" },
	    { "C*", ACK, 'C', 'C', OPEN },
	    { "B*", ACK, 'B', 'B', OLDER, MADE | BEGUN, .lost = "C" } } },
	{ "TCP of a backend that serves no more, at a moving row",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "BA", ACK, 'B', 'B', OPEN },
	    { "CA", ACK, 'A', 'A', OLDER, MADE, .lost = "B" } } },
	{ "TCP of a target that is another service's now",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "BA", ACK, 'B', 'B', OPEN },
	    { "C*", ACK, 'C', 'C', OLDER, MADE | BEGUN, .lost = "b" } } },
	{ "TCP while everybody drains",
	  { { "0A", SYN, 0 },
	    { "0A", ACK, 'A', 'A', OLDER, MADE },
	    { "0A", ACK, 'A', 'A', OPEN },
	    { "0A", SYN, 0, 'A', OPEN },
	    { "0*", ACK, 'A', 'A', OPEN },
	    { "0*", ACK, 0, 'A', OPEN, .lost = "A" },
	    { "B*", ACK, 'B', 'B', OLDER, MADE | BEGUN, .lost = "A" } } },
	{ "TCP to a tracked row of nobody", { { "0*", SYN, 0 }, { "0*", ACK, 0 } } },
	{ "TCP to an empty row", { { "00", SYN, 0 }, { "00", ACK, 0 } } },
	{ "TCP that expired and was not cleared yet",
	  { { "BA", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "CA", ACK, 'B', 'B', OPEN, AGED },
	    { "CA", FIN, 'B', 'B', CLOSING, AGED },
	    { "CA", SYN, 'C', 'C', NEW, MADE | BEGUN | AGED } } },
};

static const struct flow_sequence udp[] = {
	{ "UDP to a stable row writes nothing",
	  { { "B0", DATAGRAM, 'B' }, { "C0", DATAGRAM, 'C' } } },
	{ "UDP to a tracked row",
	  { { "B*", DATAGRAM, 'B', 'B', NEW, MADE | BEGUN },
	    { "C*", DATAGRAM, 'B', 'B', OPEN },
	    { "CA", DATAGRAM, 'B', 'B', OPEN },
	    { "0*", DATAGRAM, 'B', 'B', OPEN },
	    { "C*", DATAGRAM, 'C', 'C', NEW, MADE | BEGUN, .lost = "B" } } },
	{ "UDP to a moving row",
	  { { "BA", DATAGRAM, 'A', 'A', OLDER, MADE }, { "BA", DATAGRAM, 'A', 'A', OPEN } } },
	{ "UDP while everybody drains",
	  { { "0*", DATAGRAM, 0 },
	    { "0A", DATAGRAM, 'A', 'A', OLDER, MADE },
	    { "0*", DATAGRAM, 'A', 'A', OPEN } } },
};

static const struct flow_sequence tcp_by_client[] = {
	{ "TCP of a client to a stable row", { { "B0", SYN, 'B', .what = BEGUN } } },
	{ "TCP of a client: its connections stay together",
	  { { "B*", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "C*", SYN, 'B', 'B', OPEN, BEGUN | OTHER_PORT },
	    { "C*", FIN, 'B', 'B', OPEN },
	    { "C*", RST, 'B', 'B', OPEN },
	    { "CA", ACK, 'B', 'B', OPEN, OTHER_PORT },
	    { "CA", SYN, 'B', 'B', OPEN, BEGUN | OTHER_PORT } } },
	{ "TCP of a client without an entry at a moving row",
	  { { "BA", SYN, 'A', 'A', OLDER, MADE | BEGUN },
	    { "BA", ACK, 'A', 'A', OPEN },
	    { "B*", SYN, 'A', 'A', OPEN, BEGUN | OTHER_PORT } } },
	{ "TCP of a client whose backend serves no more",
	  { { "B*", SYN, 'B', 'B', NEW, MADE | BEGUN },
	    { "C*", ACK, 'C', 'C', OLDER, MADE | BEGUN, .lost = "B" } } },
};

static const struct flow_sequence udp_by_client[] = {
	{ "UDP of a client: its datagrams stay together",
	  { { "B*", DATAGRAM, 'B', 'B', NEW, MADE | BEGUN },
	    { "C*", DATAGRAM, 'B', 'B', OPEN, OTHER_PORT },
	    { "CA", DATAGRAM, 'B', 'B', OPEN, OTHER_PORT } } },
};

int main(void)
{
	struct lb_maps lb;
	int status;

	if (flow_case_open(&lb, POISE_MIN_FLOWS))
		return EXIT_FAILURE;
	flow_run(&lb, IPPROTO_TCP, false, tcp, ARRAY_SIZE(tcp));
	flow_run(&lb, IPPROTO_UDP, false, udp, ARRAY_SIZE(udp));
	flow_run(&lb, IPPROTO_TCP, true, tcp_by_client, ARRAY_SIZE(tcp_by_client));
	flow_run(&lb, IPPROTO_UDP, true, udp_by_client, ARRAY_SIZE(udp_by_client));
	status = harness_end(&lb.harness);
	lb_maps_close(&lb);
	return status;
}
