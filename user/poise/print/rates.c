// SPDX-License-Identifier: BSD-2-Clause
#include "print/rates.h"

struct counter rates_delta(const struct counter *before, const struct counter *after)
{
	struct counter delta = *after;

	if (after->packets < before->packets || after->bytes < before->bytes ||
	    after->new_flows < before->new_flows || after->reply_packets < before->reply_packets ||
	    after->reply_bytes < before->reply_bytes || after->icmp_errors < before->icmp_errors)
		return delta;
	delta.packets -= before->packets;
	delta.bytes -= before->bytes;
	delta.new_flows -= before->new_flows;
	delta.reply_packets -= before->reply_packets;
	delta.reply_bytes -= before->reply_bytes;
	delta.icmp_errors -= before->icmp_errors;
	return delta;
}

void rates_add(struct counter *sum, const struct counter *more)
{
	sum->packets += more->packets;
	sum->bytes += more->bytes;
	sum->new_flows += more->new_flows;
	sum->reply_packets += more->reply_packets;
	sum->reply_bytes += more->reply_bytes;
	sum->icmp_errors += more->icmp_errors;
}

double rates_per_second(__u64 count, __u64 elapsed_ns)
{
	return elapsed_ns ? (double)count * 1e9 / (double)elapsed_ns : 0;
}

double rates_share(__u64 part, __u64 whole)
{
	return whole ? (double)part / (double)whole : -1;
}

__u32 rates_weight(const struct target_name *name)
{
	if (name->health != HEALTH_UP && name->health != HEALTH_UNCHECKED)
		return 0;
	if (name->admin != ADMIN_READY || name->flags & (TARGET_NAME_LEAVING | TARGET_NAME_SORRY))
		return 0;
	return name->weight;
}
