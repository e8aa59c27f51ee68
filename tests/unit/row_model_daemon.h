/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon of the model: who serves and who owns which row, published step by step with packets
 * in between, and what follows from passes over the flow table. It may be killed at any step.
 */
#ifndef POISE_TESTS_ROW_MODEL_DAEMON_H
#define POISE_TESTS_ROW_MODEL_DAEMON_H

#include "row_model_clients.h"
#include "sequence.h"
#include "sweep.h"

struct pass {
	bool running;
	__u64 began;
	__u32 next_set;
	struct sweep sweep;
	struct sweep_service service;
	struct sweep_flows flows[TARGETS];
	__u16 service_of_target[TARGETS], closing_ticks[TARGETS];
	__u8 held[ROWS];
};

static struct pass pass;

static void target_write(__u16 number, bool serves)
{
	struct target *target = &m.targets[number];

	m.moment++;
	if (target_serves(number) && !serves) {
		m.lapsed[number] = m.moment;
		if (m.clears)
			m.unclean[number] = UNCLEAN_NAMED;
	}
	if (serves && m.unclean[number])
		broken(NULL, "entries of earlier are followed");
	target->owner = serves ? NUMBER | TARGET_SERVES : 0;
	target->new_ticks = NEW_TICKS;
	target->idle_ticks = IDLE_TICKS;
	target->closing_ticks = CLOSING_TICKS;
}

static void unnamed_update(void)
{
	bool named[TARGETS] = { false };

	for (__u32 i = 0; i < ROWS; i++) {
		named[m.rows[i].current_target] = true;
		if (row_moving(m.rows[i]))
			named[m.rows[i].previous_target] = true;
	}
	for (int i = 0; i < TARGETS; i++)
		m.unnamed[i] = named[i] ? 0 : m.unnamed[i] ? m.unnamed[i] : m.moment;
}

static void row_write(__u32 i, struct row row)
{
	struct row old = m.rows[i];

	if (!memcmp(&old, &row, sizeof(row)))
		return;
	m.rows[i] = row;
	m.history[i].since = ++m.moment;
	if (old.previous_target != row.previous_target)
		m.history[i].tick = m.tick;
}

static __u16 number_take(void)
{
	for (int i = 0; i < TARGETS; i++) {
		__u16 number = 1 + m.next_number++ % (TARGETS - 1);

		if (!m.used[number]) {
			m.used[number] = true;
			return number;
		}
	}
	return 0;
}

static void number_release(__u16 number)
{
	for (int i = 0; i < MAX_SETS * FLOWS_PER_SET; i++) {
		__u64 entry = m.sets[i / FLOWS_PER_SET].entries[i % FLOWS_PER_SET];

		if (entry && flow_entry_target(entry) == number)
			broken(NULL, "a number is released and has entries");
	}
	for (__u32 i = 0; i < ROWS; i++)
		if (m.rows[i].current_target == number || m.rows[i].previous_target == number)
			broken(NULL, "a number is released and has rows");
	m.targets[number].owner = 0;
	m.used[number] = false;
	m.freed++;
}

/* Gone at once; the number waits until it is clean. */
static void backend_lose(struct backend *b)
{
	m.lapsed[b->number] = m.moment;
	m.unclean[b->number] = UNCLEAN_NAMED;
	*b = (struct backend){ .weight = b->weight, .healthy = true };
}

static void backends_evaluate(__u16 *owners)
{
	struct maglev_backend list[BACKENDS];
	size_t count = 0;

	for (int i = 0; i < BACKENDS; i++) {
		struct backend *b = &m.backends[i];

		b->serves_next =
			b->number && b->healthy && b->admin != ADMIN_MAINT && !m.unclean[b->number];
		if (b->serves_next && b->wanted && b->admin == ADMIN_READY && b->weight)
			list[count++] = (struct maglev_backend){ .id = 77 * i,
								 .weight = b->weight,
								 .target = b->number };
	}
	if (m.scheduler == SCHEDULER_ROUNDROBIN)
		assert_int_equal(sequence_build(list, count, ROWS, owners), 0);
	else
		assert_int_equal(maglev_build(list, count, ROWS, owners), 0);
}

/* Whether the daemon is killed here, in the middle of it. */
static bool interrupted(__u32 killing_percent)
{
	if (chance(30))
		packets_come(below(20));
	if (!chance(killing_percent))
		return false;
	trace("killed");
	return true;
}

/* After a kill: what the next daemon cannot know. */
static void daemon_start(void)
{
	bool named[TARGETS] = { true };

	m.kills++;
	pass.running = false;
	m.moment++;
	for (__u32 i = 0; i < ROWS; i++)
		m.history[i] = (struct row_history){ .tick = m.tick, .since = m.moment };
	for (int i = 0; i < BACKENDS; i++) {
		struct backend *b = &m.backends[i];

		b->serves = target_serves(b->number);
		named[b->number] = true;
		if (b->number && !b->wanted && !b->leaving)
			b->leaving = true;
	}
	for (int i = 1; i < TARGETS; i++) {
		/* Nobody knows what is left of them. */
		m.unclean[i] = named[i] && (target_serves(i) || !m.clears) ? 0 : UNCLEAN_NAMED;
		m.targets[i].owner = named[i] ? m.targets[i].owner : 0;
		m.used[i] = true;
		m.unnamed[i] = 0;
	}
}

static void flags_write(bool always)
{
	m.moment++;
	m.flags = m.scheduler << SERVICE_SCHEDULER_SHIFT | (always ? SERVICE_TRACK : 0);
}

/* False: killed before it was done. */
static bool publish_steps(__u32 killing_percent)
{
	bool serves[TARGETS] = { false }, always = tracks_always(), was_always;
	__u16 owners[ROWS];

	was_always = m.flags & SERVICE_TRACK;
	backends_evaluate(owners);
	for (int i = 0; i < BACKENDS; i++) {
		struct backend *b = &m.backends[i];

		if (!b->number)
			continue;
		b->serves = serves[b->number] = b->serves_next;
		target_write(b->number, b->serves);
		if (interrupted(killing_percent))
			return false;
	}
	/* A scheduler places what the table does not know: it comes after the rows and goes before
	 * them. */
	if (!always)
		flags_write(always);
	for (__u32 i = 0; i < ROWS; i++) {
		struct row row = m.rows[i];

		if (always && !was_always)
			row = row_track_all(row, serves);
		row_write(i, row_next(row, owners[i], always, serves));
		if (i % 25 == 0 && interrupted(killing_percent))
			return false;
	}
	flags_write(always);
	for (int i = 0; i < BACKENDS; i++)
		if (m.backends[i].leaving && !m.backends[i].serves)
			backend_lose(&m.backends[i]);
	m.moment++;
	for (int i = 1; i < TARGETS; i++) {
		if (!target_serves(i))
			m.lapsed[i] = m.moment;
		if (m.unclean[i] == UNCLEAN_NAMED)
			m.unclean[i] = m.moment;
	}
	unnamed_update();
	return true;
}

static void publish(__u32 killing_percent)
{
	m.publishing = true;
	while (!publish_steps(killing_percent)) {
		daemon_start();
		killing_percent /= 2;
	}
	m.publishing = false;
}

static void pass_begin(void)
{
	struct sweep *s = &pass.sweep;

	/* It begins so long after the last store that packets that came before are through. */
	slow_finish();
	memset(&pass, 0, sizeof(pass));
	pass.running = true;
	pass.began = ++m.moment;
	memset(pass.service_of_target, 0xff, sizeof(pass.service_of_target));
	for (int i = 0; i < BACKENDS; i++)
		if (m.backends[i].number)
			pass.service_of_target[m.backends[i].number] = 0;
	for (int i = 1; i < TARGETS; i++) {
		pass.closing_ticks[i] = m.targets[i].closing_ticks;
		if (m.unclean[i])
			pass.service_of_target[i] = SWEEP_CLEAR;
	}
	pass.service = (struct sweep_service){ .rows = m.rows,
					       .row_count = ROWS,
					       .held = m.flags & SERVICE_TRACK ? NULL : pass.held };
	*s = (struct sweep){ .now = m.tick & FLOW_TICK_MASK,
			     .clean = true,
			     .service_of_target = pass.service_of_target,
			     .closing_ticks = pass.closing_ticks,
			     .target_count = TARGETS,
			     .services = &pass.service,
			     .flows = pass.flows };
}

static bool is_leaving(__u16 number)
{
	for (int i = 0; i < BACKENDS; i++)
		if (m.backends[i].number == number && m.backends[i].leaving)
			return true;
	return false;
}

static void row_judge(__u32 i)
{
	struct row row = m.rows[i];

	if (row_moving(row) && m.tick - m.history[i].tick >= SETTLE_TICKS) {
		if (!row.current_target && is_leaving(row.previous_target))
			row.previous_target = ROW_TRACKED;
		else
			row = row_settle(row);
		m.settled += !row_moving(row);
	} else if (row.previous_target == ROW_TRACKED && pass.service.held &&
		   !(m.flags & SERVICE_TRACK) && m.history[i].since < pass.began && !pass.held[i]) {
		row.previous_target = 0;
		m.stabilized++;
	}
	row_write(i, row);
}

static bool is_used(__u16 number)
{
	for (int i = 0; i < BACKENDS; i++)
		if (number && m.backends[i].number == number)
			return true;
	return false;
}

/* A stable row writes nothing down: no entry that leads elsewhere may wait for its flows, or lead
 * there later. */
static void assert_stable_rows_are_clean(void)
{
	for (int i = 0; i < MAX_SETS * FLOWS_PER_SET; i++) {
		__u64 entry = m.sets[i / FLOWS_PER_SET].entries[i % FLOWS_PER_SET];
		struct row row = m.rows[flow_row(flow_entry_tag(entry), ROWS)];
		__u16 target = flow_entry_target(entry);

		if (entry && !row_tracks(row) && target != row.current_target && is_used(target))
			broken(NULL, "a stable row has an entry of another target");
	}
}

static void pass_end(void)
{
	bool waiting = false;

	pass.running = false;
	for (__u32 i = 0; i < ROWS; i++)
		row_judge(i);
	for (int i = 1; i < TARGETS; i++)
		if (pass.service_of_target[i] == SWEEP_CLEAR && m.unclean[i] < pass.began)
			m.unclean[i] = 0;
	for (int i = 0; i < BACKENDS; i++) {
		struct backend *b = &m.backends[i];

		if (b->leaving && !pass.flows[b->number].live && !pass.flows[b->number].closing &&
		    m.unnamed[b->number] && m.unnamed[b->number] < pass.began) {
			trace("%d (target %u) has left", i, b->number);
			number_release(b->number);
			*b = (struct backend){ .weight = b->weight, .healthy = true };
		}
		waiting |= b->number && !b->serves && b->healthy && !m.unclean[b->number];
	}
	for (__u16 number = 1; number < TARGETS; number++) {
		bool named = false;

		for (int i = 0; i < BACKENDS; i++)
			named |= m.backends[i].number == number;
		if (m.used[number] && !named && !m.unclean[number])
			number_release(number);
	}
	unnamed_update();
	assert_stable_rows_are_clean();
	if (waiting)
		publish(0);
}

/* Some sets further. */
static void pass_step(void)
{
	__u32 count = 1 + below(m.set_count);

	if (count > m.set_count - pass.next_set)
		count = m.set_count - pass.next_set;
	pass.sweep.sets = &m.sets[pass.next_set];
	pass.sweep.set_count = count;
	assert_int_equal(sweep_run(&pass.sweep), 0);
	pass.next_set += count;
	if (pass.next_set == m.set_count)
		pass_end();
}

static void pass_whole(void)
{
	if (!pass.running)
		pass_begin();
	while (pass.running)
		pass_step();
}

#endif
