// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rows/apportion.h"
#include "poise/abi.h"

#define NOBODY     UINT32_MAX
#define LAST_ROWS  256 /* a search costs as much as the walk it saves, sqrt(65537) */
#define AHEAD_ROWS 24  /* 8 to 64 measured: fewer mispredict more, more go stale */

/* A backend while the table is filled. Its turns come in rounds, see fill(). */
struct turn {
	__u64 id;
	__u64 fraction; /* rounds from one turn to the next, in parts of its weight */
	__u64 carry;    /* fractions gathered so far */
	__u32 step;     /* the whole part of fraction */
	__u32 weight;
	__u32 quota; /* rows it still has to take */
	__u32 round; /* of its next turn */
	__u32 next;  /* in the list of the same round */
	__u32 row;   /* where its permutation of the rows goes on */
	__u32 skip;  /* from one row of the permutation to the next, modulo row_count */
	__u32 flip;  /* see flip_row() */
	__u64 pace;  /* 2^64 / row_count times the inverse of skip, see take_nearest_row() */
	__u16 target;
	__u16 ahead_next, ahead_count;
	__u32 ahead[AHEAD_ROWS]; /* the next rows of its permutation, see look_ahead() */
};

struct filling {
	struct turn *turns;
	size_t count;
	__u32 row_count;
	__u32 last_round;
	__u32 *round_tails; /* last turn of every round, whose next is the first, or NOBODY */
	__u64 *taken;       /* one bit per row: for 65,537 rows it stays in the L1 cache */
	__u32 free_count;   /* rows not taken yet, or LAST_ROWS once those are listed */
	__u32 last_count;   /* entries of last_rows */
	__u32 last_rows[LAST_ROWS];
	__u16 *rows;
};

static bool is_prime(__u32 n)
{
	if (n < 4)
		return n > 1;
	if (!(n % 2))
		return false;
	for (__u32 divisor = 3; (__u64)divisor * divisor <= n; divisor += 2)
		if (!(n % divisor))
			return false;
	return true;
}

/* The finalizer of SplitMix64: every bit of the result depends on every bit of the input. */
static __u64 mix(__u64 x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static void wait_for_round(const struct filling *f, struct turn *t)
{
	__u64 round = (__u64)t->round + t->step;
	__u32 self = t - f->turns, *tail;

	t->carry += t->fraction;
	if (t->carry >= t->weight) {
		t->carry -= t->weight;
		round++;
	}
	/* The last turn of a quota that was rounded up may lie past the end. */
	t->round = round < f->last_round ? round : f->last_round;
	tail = &f->round_tails[t->round];
	if (*tail == NOBODY) {
		t->next = self;
	} else {
		t->next = f->turns[*tail].next;
		f->turns[*tail].next = self;
	}
	*tail = self;
}

/*
 * A backend's permutation is the paper's, offset + k * skip modulo row_count, with the rows swapped
 * in pairs that differ by its flip. Without that, backends whose skips have a simple ratio run into
 * each other over long stretches: losing one of 8 moved 3.4 points of all rows too many once.
 */
static inline __u32 flip_row(__u32 row, __u32 flip, __u32 row_count)
{
	__u32 flipped = row ^ flip;

	return flipped < row_count ? flipped : row;
}

/*
 * Walks on along the permutation and keeps the rows that are free now. Without a branch per row:
 * which ones are free cannot be predicted, and asking one by one doubled the time of a build.
 */
static void look_ahead(const struct filling *f, struct turn *t)
{
	__u32 row = t->row, skip = t->skip, back = f->row_count - skip, count = 0, flipped;
	const __u64 *taken = f->taken;

	do {
		for (int i = 0; i < AHEAD_ROWS; i++) {
			flipped = flip_row(row, t->flip, f->row_count);
			t->ahead[count] = flipped;
			count += ~taken[flipped / 64] >> flipped % 64 & 1;
			row = row >= back ? row - back : row + skip;
		}
	} while (!count);
	t->row = row;
	t->ahead_next = 0;
	t->ahead_count = count;
}

/* Takes the first row of the permutation that is still free; there must be one. */
static void take_next_row(const struct filling *f, struct turn *t)
{
	__u64 *word, bit;
	__u32 row;

	do {
		if (t->ahead_next == t->ahead_count)
			look_ahead(f, t);
		row = t->ahead[t->ahead_next++];
		word = &f->taken[row / 64];
		bit = 1ULL << row % 64;
	} while (*word & bit);
	*word |= bit;
	f->rows[row] = t->target;
}

/* x from 1 to m - 1 such that x * a is 1 modulo the prime m (extended Euclid). */
static __u32 inverse(__u32 a, __u32 m)
{
	__s64 x = 1, next_x = 0, rest = a, next_rest = m;

	while (next_rest) {
		__s64 quotient = rest / next_rest, new_rest = rest % next_rest;
		__s64 new_x = x - quotient * next_x;

		rest = next_rest;
		next_rest = new_rest;
		x = next_x;
		next_x = new_x;
	}
	return x < 0 ? x + m : x;
}

/* Half of all steps along permutations would go to find the last 256 rows of 65,537. */
static void list_last_rows(struct filling *f)
{
	if (!f->row_count)
		return; /* never, as an analyzer cannot know */
	for (__u32 row = 0; row < f->row_count; row++)
		if (!(f->taken[row / 64] >> row % 64 & 1))
			f->last_rows[f->last_count++] = row;
	for (size_t i = 0; i < f->count; i++) {
		struct turn *t = &f->turns[i];
		__u64 high = ((__u64)inverse(t->skip, f->row_count) << 32) / f->row_count;
		__u64 rest = ((__u64)inverse(t->skip, f->row_count) << 32) % f->row_count;

		t->pace = (high << 32) + (rest << 32) / f->row_count;
		if (t->ahead_next < t->ahead_count)
			t->row = flip_row(t->ahead[t->ahead_next], t->flip, f->row_count);
	}
}

/*
 * Takes the same row as take_next_row() would. The row at distance d comes after d / skip modulo
 * row_count steps; d * pace modulo 2^64 is this as a fraction of 2^64, so it puts the rows in the
 * same order. Its error is at most d, which is nothing beside one step, 2^64 / row_count.
 */
static void take_nearest_row(struct filling *f, struct turn *t)
{
	__u64 start = t->row * t->pace, nearest = UINT64_MAX;
	__u32 found = 0;

	for (__u32 i = 0; i < f->last_count; i++) {
		__u32 row = flip_row(f->last_rows[i], t->flip, f->row_count);
		__u64 way = row * t->pace - start;

		if (way < nearest) {
			nearest = way;
			found = i;
		}
	}
	f->rows[f->last_rows[found]] = t->target;
	t->row = flip_row(f->last_rows[found], t->flip, f->row_count);
	f->last_rows[found] = f->last_rows[--f->last_count];
}

static void take_row(struct filling *f, struct turn *t)
{
	t->quota--;
	if (f->last_count) {
		take_nearest_row(f, t);
		return;
	}
	take_next_row(f, t);
	if (--f->free_count == LAST_ROWS)
		list_last_rows(f);
}

static void start_turns(const struct filling *f, __u32 heaviest)
{
	__u32 flip_mask = (1U << (31 - __builtin_clz(f->row_count))) - 1;

	for (__u32 round = 0; round <= f->last_round; round++)
		f->round_tails[round] = NOBODY;
	for (size_t i = 0; i < f->count; i++) {
		struct turn *t = &f->turns[i];

		t->step = heaviest / t->weight;
		t->fraction = heaviest % t->weight;
		t->carry = t->weight - 1; /* rounds up */
		t->row = mix(t->id) % f->row_count;
		t->skip = mix(mix(t->id)) % (f->row_count - 1) + 1;
		t->flip = mix(mix(mix(t->id))) & flip_mask;
		if (t->quota)
			wait_for_round(f, t);
	}
}

/*
 * The heaviest backend takes a row in every round, the others in proportion to their weights:
 * turn k of a backend comes in round ceil(k * heaviest / weight). So the order of two backends'
 * turns does not depend on who else is there, which keeps rows in place when the set changes.
 */
static void fill(struct filling *f)
{
	for (__u32 round = 0; round <= f->last_round; round++) {
		/* Who is not done after the last round queues up there again. */
		while (f->round_tails[round] != NOBODY) {
			__u32 i, last = f->round_tails[round], next = f->turns[last].next;

			f->round_tails[round] = NOBODY;
			do {
				struct turn *t = &f->turns[i = next];

				next = t->next;
				take_row(f, t);
				if (t->quota)
					wait_for_round(f, t);
			} while (i != last);
		}
	}
}

/* Fills f->rows for f->turns. 0 or -ENOMEM. */
static int fill_by_weight(struct filling *f)
{
	__u64 weight_sum = 0;
	__u32 heaviest = 0;

	for (size_t i = 0; i < f->count; i++) {
		weight_sum += f->turns[i].weight;
		if (heaviest < f->turns[i].weight)
			heaviest = f->turns[i].weight;
	}
	if (!weight_sum) {
		memset(f->rows, 0, f->row_count * sizeof(*f->rows));
		return 0;
	}
	f->last_round = (__u64)f->row_count * heaviest / weight_sum + 1;
	f->round_tails = malloc((f->last_round + (size_t)1) * sizeof(*f->round_tails));
	if (!f->round_tails)
		return -ENOMEM;
	start_turns(f, heaviest);
	fill(f);
	free(f->round_tails);
	return 0;
}

/* Turns in the order of ids, without those of no weight. 0, -EINVAL (twin ids) or -ENOMEM. */
static int take_backends(const struct maglev_backend *backends, size_t count, __u32 row_count,
			 struct turn **out, size_t *used)
{
	struct share *shares = calloc(count + 1, sizeof(*shares)); /* one more: count may be 0 */
	struct turn *turns;
	int err;

	if (!shares)
		return -ENOMEM;
	err = apportion(backends, count, row_count, shares, used);
	if (err)
		goto out;
	err = -ENOMEM;
	turns = calloc(*used + 1, sizeof(*turns));
	if (!turns)
		goto out;
	for (size_t i = 0; i < *used; i++)
		turns[i] = (struct turn){ .id = shares[i].id,
					  .weight = shares[i].weight,
					  .quota = shares[i].rows,
					  .target = shares[i].target };
	*out = turns;
	err = 0;
out:
	free(shares);
	return err;
}

int maglev_build(const struct maglev_backend *backends, size_t count, __u32 row_count, __u16 *rows)
{
	struct filling f = { .row_count = row_count, .free_count = row_count, .rows = rows };
	struct turn *turns;
	size_t used;
	int err;

	if (!row_count || row_count > POISE_MAX_ROWS || !is_prime(row_count) || count >= row_count)
		return -EINVAL;
	err = take_backends(backends, count, row_count, &turns, &used);
	if (err)
		return err;
	f.turns = turns;
	f.count = used;
	f.taken = calloc(row_count / 64 + 1, sizeof(*f.taken));
	err = f.taken ? fill_by_weight(&f) : -ENOMEM;
	free(f.taken);
	free(turns);
	return err;
}

__u64 maglev_id(const struct addr *addr, __u16 port)
{
	__u8 bytes[sizeof(addr->b) + 2];
	__u64 hash = 0xcbf29ce484222325;

	memcpy(bytes, addr->b, sizeof(addr->b));
	bytes[sizeof(addr->b)] = port >> 8;
	bytes[sizeof(addr->b) + 1] = port & 0xff;
	for (size_t i = 0; i < sizeof(bytes); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3;
	/* FNV's last bytes barely reach the high bits, which decide the row of the first choice. */
	hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
	hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
	return hash ^ (hash >> 33);
}
