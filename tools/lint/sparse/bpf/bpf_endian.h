/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sparse reads this in place of libbpf's header: conversions whose results have wire-order types.
 */
#ifndef POISE_SPARSE_BPF_ENDIAN_H
#define POISE_SPARSE_BPF_ENDIAN_H

#define bpf_htons(x) ((__attribute__((force)) __be16)(__u16)(x))
#define bpf_htonl(x) ((__attribute__((force)) __be32)(__u32)(x))
#define bpf_ntohs(x) ((__attribute__((force)) __u16)(__be16)(x))
#define bpf_ntohl(x) ((__attribute__((force)) __u32)(__be32)(x))

#endif
