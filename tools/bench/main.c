// SPDX-License-Identifier: BSD-2-Clause
/* Nanoseconds per packet of poise_lb, or of another loaded XDP program. measure.h says how. */
#include <bpf/bpf.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/array.h"
#include "bench/cpu.h"
#include "bench/insn.h"
#include "bench/measure.h"
#include "bench/nat.h"
#include "bench/report.h"
#include "bench/scenario.h"

#define ROUNDS       11
#define QUICK_ROUNDS 3
#define JSON_FILE    "build/bench.json"

static const struct {
	const char *name;
	enum poise_mode mode;
} modes[] = { { "l2", MODE_L2 }, { "ipip", MODE_IPIP }, { "gue", MODE_GUE } };
static const char *const verdicts[] = { "aborted", "drop", "pass", "tx", "redirect" };

static struct measurement lines[(5 * ARRAY_SIZE(modes) + 3) * 2]; /* cases, modes, families */

struct options {
	int rounds;
	int cpu; /* -1: the last one that we may use */
	__u32 program_id;
	struct frame_kind to;
	bool to_set;
	__u32 verdict;
	const char *json;
	const char *budget;
	const char *scenario;
};

static void print_usage(FILE *out)
{
	fputs("Usage: poise-bench [OPTION]...\n"
	      "Measures poise_lb, or with --prog-id another XDP program, beside two floors: an empty\n"
	      "XDP_TX and a fixed encapsulation without look-ups. Nothing is attached, no packet sent.\n"
	      "\n"
	      "  --quick             3 rounds instead of 11\n"
	      "  --rounds N          1 to 100\n"
	      "  --cpu N             where to run (default: the last one)\n"
	      "  --json FILE         figures for programs (default: build/bench.json; none for\n"
	      "                      --prog-id and --scenario)\n"
	      "  --prog-id ID        measure this loaded program, as `bpftool prog` numbers it\n"
	      "  --to ADDR:PORT/PROTO  with it: where the packets go, [ADDR]:PORT/PROTO for IPv6\n"
	      "  --verdict NAME      with it: what it has to return (aborted, drop, pass, tx,\n"
	      "                      redirect; default: tx)\n"
	      "  --scenario NAME     measure only this, named as in the kernel's own benchmark\n"
	      "  --list-scenarios    the names, and what they measure\n"
	      "  --budget FILE       count instructions instead, and compare them with this table; only\n"
	      "                      in a machine whose clock counts them (tools/bench-insn)\n"
	      "  -h, --help\n",
	      out);
}

static bool parse_number(const char *text, unsigned long least, unsigned long most,
			 unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end && !errno && *out >= least && *out <= most;
}

static bool parse_verdict(const char *text, __u32 *verdict)
{
	for (__u32 i = 0; i < ARRAY_SIZE(verdicts); i++) {
		if (strcmp(text, verdicts[i]))
			continue;
		*verdict = i;
		return true;
	}
	return false;
}

static bool take_option(struct options *o, int option, const char *text)
{
	unsigned long number = 0;
	bool good;

	switch (option) {
	case 'q':
		o->rounds = QUICK_ROUNDS;
		return true;
	case 'r':
		good = parse_number(text, 1, MAX_ROUNDS, &number);
		o->rounds = number;
		return good;
	case 'c':
		good = parse_number(text, 0, CPU_SETSIZE - 1, &number);
		o->cpu = number;
		return good;
	case 'p':
		good = parse_number(text, 1, UINT32_MAX, &number);
		o->program_id = number;
		return good;
	case 't':
		o->to_set = true;
		return !listen_parse(text, &o->to.to, &o->to.port, &o->to.proto);
	case 'v':
		return parse_verdict(text, &o->verdict);
	case 'j':
		o->json = text;
		return true;
	case 'b':
		o->budget = text;
		return true;
	case 's':
		o->scenario = text;
		return !scenario_find(text, &lines[0], &o->verdict);
	}
	return false;
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "json", required_argument, NULL, 'j' },
		{ "prog-id", required_argument, NULL, 'p' },
		{ "to", required_argument, NULL, 't' },
		{ "verdict", required_argument, NULL, 'v' },
		{ "budget", required_argument, NULL, 'b' },
		{ "scenario", required_argument, NULL, 's' },
		{ "list-scenarios", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option, index = 0;

	while ((option = getopt_long(argc, argv, "h", known, &index)) != -1) {
		if (option == 'h') {
			print_usage(stdout);
			return 0;
		}
		if (option == 'l') {
			scenario_list();
			return 0;
		}
		if (option == '?')
			return 2;
		if (!take_option(o, option, optarg)) {
			fprintf(stderr, "poise-bench: --%s: not understood: %s (see --help)\n",
				known[index].name, optarg);
			return 2;
		}
	}
	if (optind < argc || !o->program_id != !o->to_set || (o->scenario && o->program_id)) {
		fprintf(stderr, "poise-bench: %s\n",
			optind < argc                ? "too many arguments"
			: o->program_id && o->to_set ? "--scenario is about poise_lb, not --prog-id"
						     : "--prog-id and --to go together");
		return 2;
	}
	return -1;
}

static void add_line(struct measuring *m, const struct measurement *like, const char *case_name,
		     enum meets meets)
{
	struct measurement *line = &lines[m->count++];

	*line = *like;
	line->case_name = case_name;
	line->meets = meets;
	line->kind.syn = !strcmp(case_name, "syn") || meets == MEETS_ROOM || meets == MEETS_FLOOD ||
			 meets == MEETS_BEGIN;
	line->family = addr_is_v4(&like->kind.to) ? 4 : 6;
}

static void list_poise(struct measuring *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		for (int family = 4; family <= 6; family += 2) {
			struct measurement like = { .mode = modes[i].name,
						    .encap = modes[i].mode,
						    .kind.proto = IPPROTO_TCP };

			subject_service(modes[i].mode, family, ROWS_STABLE, &like.kind.to,
					&like.kind.port);
			add_line(m, &like, "ack", MEETS_ROW);
			add_line(m, &like, "syn", MEETS_ROW);
			if (modes[i].mode != MODE_IPIP)
				continue;
			add_line(m, &like, "flood", MEETS_FLOOD);
			subject_service(modes[i].mode, family, ROWS_MOVING, &like.kind.to,
					&like.kind.port);
			add_line(m, &like, "hit", MEETS_ENTRY);
			add_line(m, &like, "insert", MEETS_ROOM);
		}
	}
}

static void list_nat(struct measuring *m)
{
	for (int family = 4; family <= 6; family += 2) {
		struct measurement like = { .mode = "nat",
					    .encap = MODE_L2,
					    .kind.proto = IPPROTO_TCP };

		subject_service(MODE_NAT, family, ROWS_STABLE, &like.kind.to, &like.kind.port);
		add_line(m, &like, "ack", MEETS_NAT);
		add_line(m, &like, "begin", MEETS_BEGIN);
		nat_source_addr(family, &like.kind.to);
		like.kind.port = NAT_PORT;
		like.kind.reply = true;
		add_line(m, &like, "reply", MEETS_REPLY);
	}
}

static void list_other(struct measuring *m, const struct frame_kind *to)
{
	struct measurement like = { .mode = "prog", .encap = MODE_IPIP, .kind = *to };

	if (to->proto == IPPROTO_UDP) {
		add_line(m, &like, "udp", MEETS_ROW);
		return;
	}
	add_line(m, &like, "ack", MEETS_ROW);
	add_line(m, &like, "syn", MEETS_ROW);
}

static int open_program(__u32 id)
{
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size)) {
		fprintf(stderr, "poise-bench: program %u: %s\n", id, strerror(errno));
		return -errno;
	}
	if (info.type != BPF_PROG_TYPE_XDP) {
		fprintf(stderr, "poise-bench: program %u (%s) is no XDP program\n", id, info.name);
		close(fd);
		return -EINVAL;
	}
	printf("program %u, %s\n", id, info.name);
	return fd;
}

static void print_machine(int cpu, int rounds)
{
	char line[256], model[128] = "CPU of unknown model";
	FILE *file = fopen("/proc/cpuinfo", "r");
	struct utsname host;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "model name : %127[^\n]", model) == 1)
			break;
	if (file)
		fclose(file);
	uname(&host);
	printf("Linux %s, %s; CPU %d, median of %d round%s, ns per packet\n", host.release, model,
	       cpu, rounds, rounds == 1 ? "" : "s");
}

/* whole: all that there is to say of poise_lb, not only the list. */
static int measure_and_report(struct measuring *m, bool whole, const char *json)
{
	static struct together together[TOGETHER_CASES];
	static struct sweeping sweeping;
	int err = rig_open(&m->rig, m->program_fd, m->subject ? subject_flows_fd(m->subject) : -1);

	if (err)
		return err;
	err = measure_all(m);
	if (!err && whole)
		err = together_measure(m, together);
	if (!err && whole)
		err = sweeping_measure(m, &sweeping);
	rig_close(&m->rig);
	if (err)
		return err;
	report_table(m->list, m->count, m->rounds);
	if (whole) {
		report_together(together, m->rounds);
		report_sweep(&sweeping, m->rounds);
	}
	if (json)
		err = report_json(json, m->list, m->count, whole ? together : NULL,
				  whole ? &sweeping : NULL, m->rounds);
	if (err)
		fprintf(stderr, "poise-bench: %s: %s\n", json, strerror(-err));
	return err;
}

int main(int argc, char **argv)
{
	struct options o = { .rounds = ROUNDS, .cpu = -1, .verdict = XDP_TX };
	static const struct subject_size size = SUBJECT_FULL_SIZE;
	struct measuring m = { .list = lines };
	struct subject subject;
	int status = parse_options(argc, argv, &o), cpu, err;

	if (status >= 0)
		return status;
	cpu = cpu_stay(o.cpu);
	if (cpu < 0)
		return 1;
	if (o.budget)
		return insn_run(o.budget);
	m.rounds = o.rounds;
	m.verdict = o.verdict;
	print_machine(cpu, o.rounds);
	if (o.program_id) {
		m.program_fd = open_program(o.program_id);
		if (m.program_fd < 0)
			return 1;
		list_other(&m, &o.to);
		err = measure_and_report(&m, false, o.json);
		close(m.program_fd);
		return err != 0;
	}
	if (subject_open(&subject, &size))
		return 1;
	m.subject = &subject;
	m.program_fd = subject.program_fd;
	if (o.scenario) {
		m.count = 1;
	} else {
		list_poise(&m);
		list_nat(&m);
	}
	err = measure_and_report(&m, !o.scenario, o.json || o.scenario ? o.json : JSON_FILE);
	subject_close(&subject);
	return err != 0;
}
