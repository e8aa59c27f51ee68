/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One's complement sums over parts of the frame (RFC 1071). */
#ifndef POISE_BPF_SUM_H
#define POISE_BPF_SUM_H

#define SUM_CHUNK_BYTES 32
#define SUM_MAX_CHUNKS  320 /* 10 KiB: more than a jumbo frame */
#define SUM_OFFSET_MASK 0x7f

static __always_inline __u64 sum_words(const __u32 *words, int count)
{
	__u64 sum = 0;
	int i;

	for (i = 0; i < count; i++)
		sum += words[i];
	return sum;
}

/*
 * Returns the sum of `bytes` bytes of the frame from `offset` on, which is at most SUM_OFFSET_MASK;
 * 0 if the frame is shorter. It is a global function so that the verifier checks it once.
 */
__noinline __u32 sum_frame(struct xdp_md *ctx, __u32 offset, __u32 bytes)
{
	const void *end = (void *)(long)ctx->data_end;
	const void *at = (void *)(long)ctx->data + (offset & SUM_OFFSET_MASK);
	__u64 sum = 0;
	int i;

	for (i = 0; i < SUM_MAX_CHUNKS && bytes >= SUM_CHUNK_BYTES; i++) {
		/*
		 * Without the barrier clang does arithmetic on `end`, which the verifier refuses.
		 */
		barrier_var(at);
		if (at + SUM_CHUNK_BYTES > end)
			return 0;
		sum += sum_words(at, SUM_CHUNK_BYTES / 4);
		at += SUM_CHUNK_BYTES;
		bytes -= SUM_CHUNK_BYTES;
	}
	for (i = 0; i < SUM_CHUNK_BYTES / 2 && bytes >= 2; i++) {
		barrier_var(at);
		if (at + 2 > end)
			return 0;
		sum += *(__u16 *)at;
		at += 2;
		bytes -= 2;
	}
	barrier_var(at);
	if (bytes == 1 && at + 1 <= end)
		sum += wire16(bpf_htons(*(__u8 *)at << 8));
	return csum_fold(sum);
}

#endif
