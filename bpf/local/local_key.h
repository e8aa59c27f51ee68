/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Local address, port and protocol -> service in mode local; wildcards included. */
#ifndef POISE_BPF_LOCAL_SERVICE_H
#define POISE_BPF_LOCAL_SERVICE_H

#define AF_INET 2

/* Of a context or socket, read one by one and once: the verifier wants fields at constant offsets,
 * which the compiler would fold into one another. */
#define FIELD(from, field) (*(const volatile typeof((from)->field) *)&(from)->field)

static __always_inline __u64 *port_bits(__u32 port)
{
	__u32 zero = 0;
	struct local_ports *ports = bpf_map_lookup_elem(&local_ports, &zero);

	return ports ? &ports->bits[(port & 0xffff) / 64] : NULL;
}

/* The second half of ::ffff:a.b.c.d. */
static __always_inline __u64 mapped_high(__be32 addr)
{
	return wire32(bpf_htonl(0xffff)) | (__u64)wire32(addr) << 32;
}

static __always_inline struct service_words local_key(__be16 port, __u8 proto)
{
	return (struct service_words){ .rest = wire16(port) | (__u32)proto << 16 |
					       (__u32)KEY_LOCAL << 24 };
}

/* At the address itself; else at 0.0.0.0, which is IPv4's alone; else at [::], which is both's. */
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
