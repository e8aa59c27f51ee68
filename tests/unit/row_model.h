/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model of one service: packet path, clients and daemon, in steps that come in any order; what
 * all of its parts share. Everything is in one static variable, made anew for each seed.
 */
#ifndef POISE_TESTS_ROW_MODEL_H
#define POISE_TESTS_ROW_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poise/flow.h"
#include "row.h"

#define LEN(array) (sizeof(array) / sizeof(*(array)))

#define ROWS     251
#define MAX_SETS 256
#define CLIENTS  600
#define BACKENDS 8
#define TARGETS  14 /* few, so that numbers come back soon */
#define NUMBER   5  /* the service's */

/* Ticks. */
#define IDLE_TICKS    24
#define NEW_TICKS     6
#define CLOSING_TICKS 10
#define SETTLE_TICKS  24
#define QUIET_TICKS   (SETTLE_TICKS - FLOW_END_TICKS - 1) /* silence that breaks nothing */

enum kind { KIND_TCP, KIND_SOURCE, KIND_UDP, KIND_MAX };
enum step { STEP_SYN, STEP_DATA, STEP_FIN };

enum client_state { CLIENT_AWAY, CLIENT_OPENING, CLIENT_OPEN, CLIENT_HALF_CLOSED };

struct packet_note {
	__u32 tick;
	enum step step;
	struct row row;
	__u16 target;
};

struct client {
	__u64 hash;
	enum client_state state;
	__u16 home;  /* who got its first packet; 0: nobody, or it does not matter any more */
	__u64 since; /* when */
	bool noted;  /* its first packet made an entry, or met one */
	bool hasty;  /* has sent one packet only, so that it is remembered for NEW_TICKS */
	__u32 last, due;
	int left; /* packets */
	struct packet_note notes[16];
	__u32 note_count;
};

struct backend {
	__u16 number; /* 0: none */
	bool wanted;  /* configured */
	bool leaving; /* not any more, but has flows */
	bool healthy, serves, serves_next;
	__u32 weight;
	enum poise_admin admin;
};

struct row_history {
	__u32 tick;  /* since when it has its previous target */
	__u64 since; /* last change of any kind */
};

#define UNCLEAN_NAMED UINT64_MAX /* rows may name it */

struct model {
	__u64 random;
	__u64 seed;
	__u32 tick;
	__u64 moment; /* counted up by everything that happens */
	enum kind kind;
	bool clears; /* entries of who ceased to serve, before it serves again; else they wait for
			it */

	/* maps: they survive the daemon */
	struct row rows[ROWS];
	struct flow_set sets[MAX_SETS];
	__u32 set_count;
	struct target targets[TARGETS];
	__u16 flags;
	__u64 rotation;
	__u32 assigned[TARGETS];

	/* the packet that is under way: it has read its row */
	struct client *slow;
	enum step slow_step;
	struct row slow_row;
	__u16 slow_flags;
	__u64 slow_since;

	struct client clients[CLIENTS];
	__u32 cursor;
	bool end; /* no client comes any more */

	/* names and configuration: they survive, too */
	struct backend backends[BACKENDS];
	enum poise_scheduler scheduler;
	bool track_always;

	/* the daemon's memory */
	bool publishing;
	bool used[TARGETS];
	__u64 unclean[TARGETS]; /* since when, of targets that do not serve; 0: no entries */
	__u64 unnamed[TARGETS]; /* since when no row names it; 0: one does */
	__u64 lapsed[TARGETS];  /* last time that it ceased to serve */
	struct row_history history[ROWS];
	__u16 next_number;

	/* what has been tried, to see that the test tries it */
	__u64 packets, followed, homes_kept, evicted, excused, stabilized, settled, freed, kills,
		revived;

	char trace[80][100];
	__u32 trace_count;
};

static struct model m;

static __u32 below(__u32 limit)
{
	m.random ^= m.random >> 12;
	m.random ^= m.random << 25;
	m.random ^= m.random >> 27;
	return (m.random * 0x2545f4914f6cdd1dULL >> 32) * limit >> 32;
}

static bool chance(__u32 percent)
{
	return below(100) < percent;
}

__attribute__((format(printf, 1, 2))) static void trace(const char *format, ...)
{
	char *line = m.trace[m.trace_count++ % LEN(m.trace)];
	va_list args;
	int length = snprintf(line, sizeof(m.trace[0]), "%5u ", m.tick);

	va_start(args, format);
	vsnprintf(line + length, sizeof(m.trace[0]) - length, format, args);
	va_end(args);
}

/* Seed, what happened last, and the packets of the client whom it concerns. */
static void broken(const struct client *client, const char *what)
{
	static const char *const steps[] = { "SYN", "data", "FIN" };
	__u32 first = m.trace_count > LEN(m.trace) ? m.trace_count - LEN(m.trace) : 0;

	for (__u32 i = first; i < m.trace_count; i++)
		print_error("%s\n", m.trace[i % LEN(m.trace)]);
	print_error("seed %llu, tick %u: %s\n", m.seed, m.tick, what);
	first = client && client->note_count > LEN(client->notes)
			? client->note_count - LEN(client->notes)
			: 0;
	for (__u32 i = first; client && i < client->note_count; i++) {
		const struct packet_note *note = &client->notes[i % LEN(client->notes)];

		print_error("  %5u %-4s {%u, %u} -> %u (row %u, home %u)\n", note->tick,
			    steps[note->step], note->row.current_target, note->row.previous_target,
			    note->target, flow_row(flow_tag(client->hash), ROWS), client->home);
	}
	fail();
}

static bool target_serves(__u16 number)
{
	return number && m.targets[number].owner == (NUMBER | TARGET_SERVES);
}

static bool tracks_always(void)
{
	return m.track_always || m.scheduler != SCHEDULER_MAGLEV || m.kind == KIND_UDP;
}

#endif
