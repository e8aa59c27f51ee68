// SPDX-License-Identifier: BSD-2-Clause
/* The command line of churn_client. */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "churn/churn.h"

static void usage(void)
{
	fputs("usage: churn_client [--long N] [--busy PERCENT] [--every MS] [--quiet MS] "
	      "[--short PER-SECOND]\n\t[--pace PER-SECOND] [--stall MS] [--seconds N] [--http] "
	      "[--source ADDRESS]...\n\t[--may-break NAME]... [--control FIFO] ADDRESS PORT\n",
	      stderr);
	exit(2);
}

static void parse_address(const char *text, in_port_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
	} else {
		usage();
	}
}

static long parse_number(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || *end || number < 0 || number > 10000000)
		usage();
	return number;
}

static void add_source(struct churn_options *options, const char *text)
{
	options->sources =
		realloc(options->sources, (options->source_count + 1) * sizeof(*options->sources));
	if (!options->sources)
		exit(2);
	parse_address(text, 0, &options->sources[options->source_count++]);
}

void options_parse(int argc, char **argv, struct churn_options *options)
{
	static const struct option known[] = {
		{ "long", 1, 0, 'l' },
		{ "busy", 1, 0, 'b' },
		{ "every", 1, 0, 'e' },
		{ "quiet", 1, 0, 'q' },
		{ "short", 1, 0, 's' },
		{ "pace", 1, 0, 'p' },
		{ "stall", 1, 0, 't' },
		{ "seconds", 1, 0, 'n' },
		{ "http", 0, 0, 'h' },
		{ "source", 1, 0, 'S' },
		{ "may-break", 1, 0, 'm' },
		{ "control", 1, 0, 'c' },
		{ 0 },
	};
	long *const numbers[] = { ['b'] = &options->busy_percent, ['e'] = &options->every_ms,
				  ['q'] = &options->quiet_ms,     ['s'] = &options->short_rate,
				  ['p'] = &options->pace,         ['t'] = &options->stall_ms,
				  ['n'] = &options->seconds };
	int option;

	*options = (struct churn_options){ .long_count = 2000,
					   .busy_percent = 50,
					   .every_ms = 200,
					   .quiet_ms = 60000,
					   .short_rate = 50,
					   .pace = 1000,
					   .stall_ms = 5000 };
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'l':
			options->long_count = (size_t)parse_number(optarg);
			break;
		case 'h':
			options->http = true;
			break;
		case 'S':
			add_source(options, optarg);
			break;
		case 'm':
			tally_allow(optarg, true);
			break;
		case 'c':
			options->control = optarg;
			break;
		case '?':
			usage();
			break;
		default:
			*numbers[option] = parse_number(optarg);
		}
	}
	if (argc - optind != 2 || options->busy_percent > 100)
		usage();
	parse_address(argv[optind], (in_port_t)parse_number(argv[optind + 1]), &options->server);
}
