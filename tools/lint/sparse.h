/* SPDX-License-Identifier: BSD-2-Clause */
/* sparse reads this before each file: conversions whose results have wire-order types. */
#ifndef POISE_SPARSE_USER_H
#define POISE_SPARSE_USER_H

#include <arpa/inet.h>
#include <linux/types.h>

#undef htons
#undef htonl
#undef ntohs
#undef ntohl
#define htons(x) ((__attribute__((force)) __be16)(__u16)(x))
#define htonl(x) ((__attribute__((force)) __be32)(__u32)(x))
#define ntohs(x) ((__attribute__((force)) __u16)(__be16)(x))
#define ntohl(x) ((__attribute__((force)) __u32)(__be32)(x))

#endif
