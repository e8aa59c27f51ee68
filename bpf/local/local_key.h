/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Local address, port and protocol -> service in mode local; wildcards included. */
#ifndef POISE_BPF_LOCAL_KEY_H
#define POISE_BPF_LOCAL_KEY_H

static __always_inline struct service_words local_key(__be16 port, __u8 proto)
{
	return (struct service_words){ .rest = wire16(port) | (__u32)proto << 16 |
					       (__u32)KEY_LOCAL << 24 };
}

/*
 * Looks for a service at the address itself, then at 0.0.0.0, which takes IPv4 only, then at [::],
 * which takes both.
 */
static __always_inline union service_word find_local(struct service_words key, bool ipv4)
{
	union service_word found = find_service(&key);

	if (!found.word && ipv4) {
		key.high = mapped_high(0);
		found = find_service(&key);
	}
	if (found.word)
		return found;
	key.low = key.high = 0;
	return find_service(&key);
}

#endif
