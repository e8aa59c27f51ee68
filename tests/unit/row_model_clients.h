/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients of the model: flows that begin, talk, are silent, end and begin again from the same
 * port, and the one thing they ask for: to stay with who got their first packet. */
#ifndef POISE_TESTS_ROW_MODEL_CLIENTS_H
#define POISE_TESTS_ROW_MODEL_CLIENTS_H

#include "row_model_packets.h"

#define NEVER UINT32_MAX

static void clients_make(void)
{
	for (__u32 i = 0; i < CLIENTS; i++)
		m.clients[i] = (struct client){
			.hash = (__u64)below(~0U) << 32 | below(~0U),
			.due = m.tick + below(60),
		};
}

/* Mostly busy, at times as silent as may be. */
static __u32 gap_below(__u32 most)
{
	return chance(25) ? most - below(2) : below(chance(50) ? 3 : most + 1);
}

static void go_away(struct client *c)
{
	c->state = CLIENT_AWAY;
	c->due = m.end ? NEVER : m.tick + (chance(40) ? 0 : below(40));
}

/* Which packet comes next. */
static enum step next_step(const struct client *c)
{
	if (c->state == CLIENT_AWAY)
		return STEP_SYN;
	if (c->state == CLIENT_OPENING)
		return chance(25) ? STEP_SYN : STEP_DATA;
	return c->state == CLIENT_OPEN && c->left <= 0 ? STEP_FIN : STEP_DATA;
}

/* read: when the packet read its row. */
static void begin(struct client *c, __u16 target, bool noted, __u64 read)
{
	c->home = target;
	c->since = read;
	c->noted = noted;
	c->hasty = true;
	if (!target || target_serves(target))
		return;
	if (!m.publishing && m.lapsed[target] <= read)
		broken(c, "a new flow is given to who does not serve");
	c->home = 0;
}

/* Whether it may be lost, because who has it ceased to serve. */
static bool is_excused(const struct client *c)
{
	return !c->home || m.lapsed[c->home] > c->since;
}

static bool is_remembered(const struct client *c)
{
	return c->home && m.tick - c->last <= (c->hasty ? NEW_TICKS : QUIET_TICKS);
}

/* The packet is one of a flow that began earlier. False: it went elsewhere, with an excuse. */
static bool stay(struct client *c, __u16 target)
{
	c->hasty = false;
	if (target == c->home) {
		m.homes_kept++;
		return true;
	}
	if (!is_excused(c))
		broken(c, "a flow went to another backend");
	m.excused++;
	c->home = 0;
	return false;
}

/* A TCP SYN. The same one again goes where the last went if that one was noted down; one that met a
 * stable row was not, and the client takes whoever answers. */
static bool arrive(struct client *c, __u16 target, bool noted, __u64 read)
{
	if (c->state == CLIENT_OPENING && c->noted && !is_excused(c) && target != c->home)
		broken(c, "the same SYN again went to another backend");
	if (c->state != CLIENT_OPENING || target != c->home)
		begin(c, target, noted, read);
	c->noted = noted;
	return target;
}

/* What it does next, and when. */
static void go_on(struct client *c, enum step step, bool continued)
{
	bool rests = m.kind != KIND_TCP && continued;

	switch (c->state) {
	case CLIENT_AWAY:
		c->state = CLIENT_OPENING;
		c->left = below(chance(50) ? 4 : 40);
		c->due = m.tick + gap_below(rests ? QUIET_TICKS : NEW_TICKS);
		return;
	case CLIENT_OPENING:
		if (step == STEP_DATA)
			c->state = CLIENT_OPEN;
		c->due = m.tick + gap_below(step == STEP_DATA || rests ? QUIET_TICKS : NEW_TICKS);
		return;
	case CLIENT_OPEN:
		c->due = m.tick + gap_below(QUIET_TICKS);
		if (step != STEP_FIN) {
			/* some end without a word */
			if (--c->left <= 0 && chance(20))
				go_away(c);
			return;
		}
		c->state = CLIENT_HALF_CLOSED;
		c->left = chance(40) ? 0 : below(12);
		break;
	case CLIENT_HALF_CLOSED:
		break;
	}
	c->due = m.tick + gap_below(CLOSING_TICKS - FLOW_END_TICKS);
	if (c->left-- <= 0)
		go_away(c);
}

static void note(struct client *c, enum step step, struct row row, __u16 target)
{
	c->notes[c->note_count++ % LEN(c->notes)] =
		(struct packet_note){ .tick = m.tick, .step = step, .row = row, .target = target };
}

/* The rest of what a packet does once it has read its row. */
static void packet_goes(struct client *c, enum step step, struct row row, __u16 flags, __u64 read)
{
	bool remembered = is_remembered(c), goes;
	__u16 target = packet_target(row, flags, c->hash, step);

	note(c, step, row, target);
	if (m.kind == KIND_TCP) {
		goes = step == STEP_SYN ? arrive(c, target, row_tracks(row), read)
					: stay(c, target);
	} else if (remembered) {
		goes = stay(c, target);
	} else {
		begin(c, target, true, read);
		goes = target;
	}
	c->last = m.tick;
	if (goes)
		go_on(c, step, remembered);
	else
		go_away(c);
}

static struct row row_of(const struct client *c)
{
	return m.rows[flow_row(flow_tag(c->hash), ROWS)];
}

static void slow_finish(void)
{
	struct client *c = m.slow;

	m.slow = NULL;
	if (c)
		packet_goes(c, m.slow_step, m.slow_row, m.slow_flags, m.slow_since);
}

/* Some packets, of whoever is due. */
static void packets_come(__u32 count)
{
	for (__u32 i = 0; i < CLIENTS && count; i++) {
		struct client *c = &m.clients[m.cursor++ % CLIENTS];

		if (c->due > m.tick || c == m.slow)
			continue;
		count--;
		if (!m.slow && chance(10)) {
			m.slow = c;
			m.slow_step = next_step(c);
			m.slow_row = row_of(c);
			m.slow_flags = m.flags;
			m.slow_since = m.moment;
			continue;
		}
		packet_goes(c, next_step(c), row_of(c), m.flags, m.moment);
	}
}

/* All that are due in this tick. */
static void packets_end_tick(void)
{
	slow_finish();
	for (__u32 i = 0; i < CLIENTS; i++)
		for (int many = 0; many < 8 && m.clients[i].due <= m.tick; many++)
			packet_goes(&m.clients[i], next_step(&m.clients[i]), row_of(&m.clients[i]),
				    m.flags, m.moment);
}

#endif
