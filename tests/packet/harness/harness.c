// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>

#include "base/array.h"
#include "harness/harness.h"

#define MAX_METADATA 216 /* of 256 bytes of headroom the kernel keeps 40 to itself */
#define GROWTH_BYTES 256 /* room for what a program may put in front */
#define LINE_BYTES   16

struct snapshot {
	__u64 drops[HARNESS_MAX_DROPS];
	struct harness_counter counters[HARNESS_MAX_COUNTERS];
};

static const char *verdict_name(enum xdp_action verdict)
{
	static const char *const names[] = { "XDP_ABORTED", "XDP_DROP", "XDP_PASS", "XDP_TX",
					     "XDP_REDIRECT" };

	return verdict < ARRAY_SIZE(names) ? names[verdict] : "no XDP action";
}

static unsigned int number(const struct harness *h)
{
	return h->passed + h->failed + h->skipped;
}

bool harness_ok(struct harness *h, bool condition, const char *name, ...)
{
	va_list args;

	if (condition)
		h->passed++;
	else
		h->failed++;
	printf("%s %u - ", condition ? "ok" : "not ok", number(h));
	va_start(args, name);
	vprintf(name, args);
	va_end(args);
	printf("\n");
	return condition;
}

void harness_skip(struct harness *h, const char *name, const char *reason)
{
	h->skipped++;
	printf("ok %u - %s # SKIP %s\n", number(h), name, reason);
}

int harness_end(const struct harness *h)
{
	printf("1..%u\n# %u passed, %u failed, %u skipped\n", number(h), h->passed, h->failed,
	       h->skipped);
	fflush(stdout);
	return h->failed || !h->passed;
}

static void hexdump(const char *title, const struct pkt *p, size_t from)
{
	printf("#   %s, %zu bytes:\n", title, p->length);
	for (size_t line = 0; line < p->length; line += LINE_BYTES) {
		printf("#     %04zx:", line);
		for (size_t i = line; i < line + LINE_BYTES && i < p->length; i++)
			printf("%s%02x", i == from ? " >" : i == from + 1 ? "<" : " ", p->bytes[i]);
		printf("\n");
	}
}

static size_t first_difference(const struct pkt *a, const struct pkt *b)
{
	size_t shorter = a->length < b->length ? a->length : b->length;
	size_t i = 0;

	while (i < shorter && a->bytes[i] == b->bytes[i])
		i++;
	return i;
}

void harness_diff(const struct pkt *found, const struct pkt *expected)
{
	size_t at = first_difference(found, expected);

	printf("#   first difference at byte %zu (0x%zx)\n", at, at);
	hexdump("found", found, at);
	hexdump("expected", expected, at);
}

/* The frame behind `metadata` bytes of XDP metadata, which use up headroom. */
static int run(int program_fd, unsigned int ifindex, unsigned int metadata, const struct pkt *in,
	       struct pkt *out, enum xdp_action *verdict)
{
	static __u8 from[MAX_METADATA + PKT_MAX_BYTES];
	static __u8 to[MAX_METADATA + PKT_MAX_BYTES + GROWTH_BYTES];
	struct xdp_md ctx = { .data = metadata,
			      .data_end = metadata + in->length,
			      .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = from, .data_size_in = metadata + in->length,
		    .data_out = to, .data_size_out = sizeof(to), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx), .repeat = 1);
	int err;

	if (metadata > MAX_METADATA)
		return -EINVAL;
	memset(from, 0, metadata);
	memcpy(from + metadata, in->bytes, in->length);
	err = bpf_prog_test_run_opts(program_fd, &opts);
	if (err)
		return err;
	if (opts.data_size_out < metadata || opts.data_size_out - metadata > sizeof(out->bytes))
		return -EMSGSIZE;
	out->layer_count = 0;
	out->length = opts.data_size_out - metadata;
	memcpy(out->bytes, to + metadata, out->length);
	*verdict = opts.retval;
	return 0;
}

int harness_frame(int program_fd, unsigned int ifindex, const struct pkt *in, struct pkt *out,
		  enum xdp_action *verdict)
{
	return run(program_fd, ifindex, 0, in, out, verdict);
}

static int take(struct harness *h, struct snapshot *s)
{
	int err = 0;

	memset(s, 0, sizeof(*s));
	if (h->drop_count > HARNESS_MAX_DROPS || h->counter_count > HARNESS_MAX_COUNTERS)
		return -E2BIG;
	if (h->read_drops)
		err = h->read_drops(h->ctx, s->drops, h->drop_count);
	if (!err && h->read_counters)
		err = h->read_counters(h->ctx, s->counters, h->counter_count);
	return err;
}

static bool drops_match(const struct harness *h, const struct harness_row *row,
			const struct snapshot *before, const struct snapshot *after)
{
	bool good = true;

	for (unsigned int i = 0; i < h->drop_count; i++) {
		__u64 found = after->drops[i] - before->drops[i];
		__u64 expected = i && i == row->drop;

		if (found == expected)
			continue;
		printf("#   drop counter %u (%s): expected +%llu, found +%llu\n", i,
		       h->drop_name ? h->drop_name(i) : "", (unsigned long long)expected,
		       (unsigned long long)found);
		good = false;
	}
	if (row->drop >= h->drop_count && row->drop) {
		printf("#   drop counter %u: there is none\n", row->drop);
		good = false;
	}
	return good;
}

static bool counter_matches(const char *what, unsigned int index, __u64 found, __u64 expected)
{
	if (found != expected)
		printf("#   counter %u, %s: expected +%llu, found +%llu\n", index, what,
		       (unsigned long long)expected, (unsigned long long)found);
	return found == expected;
}

static bool counters_match(const struct harness *h, const struct harness_row *row,
			   const struct snapshot *before, const struct snapshot *after)
{
	static const struct harness_counter none;
	bool good = true;

	for (unsigned int i = 0; i < h->counter_count; i++) {
		const struct harness_counter *was = &before->counters[i], *is = &after->counters[i];
		const struct harness_counter *expected = i == row->counter ? &row->count : &none;

		good &= counter_matches("packets", i, is->packets - was->packets,
					expected->packets);
		good &= counter_matches("bytes", i, is->bytes - was->bytes, expected->bytes);
		good &= counter_matches("new flows", i, is->new_flows - was->new_flows,
					expected->new_flows);
		good &= counter_matches("reply packets", i, is->reply_packets - was->reply_packets,
					expected->reply_packets);
		good &= counter_matches("reply bytes", i, is->reply_bytes - was->reply_bytes,
					expected->reply_bytes);
		good &= counter_matches("ICMP errors", i, is->icmp_errors - was->icmp_errors,
					expected->icmp_errors);
	}
	if (row->counter >= h->counter_count && (row->count.packets || row->count.reply_packets)) {
		printf("#   counter %u: there is none\n", row->counter);
		good = false;
	}
	return good;
}

static void run_row(struct harness *h, const struct harness_row *row)
{
	unsigned int ifindex = row->ifindex ? row->ifindex : HARNESS_LOOPBACK;
	static struct pkt in, expected, found;
	struct snapshot before, after;
	enum xdp_action verdict = XDP_ABORTED;
	bool good, same;
	int err;

	pkt_clear(&in);
	row->in(&in, row->arg);
	err = take(h, &before);
	if (!err)
		err = run(h->program_fd, ifindex, row->metadata, &in, &found, &verdict);
	if (err == -EINVAL && row->metadata > 32) {
		harness_skip(h, row->name, "this kernel takes at most 32 bytes of metadata");
		return;
	}
	if (!err)
		err = take(h, &after);
	if (err) {
		harness_ok(h, false, "%s", row->name);
		printf("#   test run or counters: %s\n", strerror(-err));
		return;
	}
	expected = in;
	if (row->out) {
		pkt_clear(&expected);
		row->out(&expected, row->arg);
	}
	good = drops_match(h, row, &before, &after);
	good &= counters_match(h, row, &before, &after);
	good &= verdict == row->verdict;
	same = found.length == expected.length &&
	       !memcmp(found.bytes, expected.bytes, expected.length);
	harness_ok(h, good && same, "%s", row->name);
	if (verdict != row->verdict)
		printf("#   verdict: expected %s, found %s\n", verdict_name(row->verdict),
		       verdict_name(verdict));
	if (!same)
		harness_diff(&found, &expected);
}

void harness_run(struct harness *h, const struct harness_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run_row(h, &rows[i]);
}
