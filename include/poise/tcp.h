/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flags of TCP, byte 13 of its header (RFC 9293). */
#ifndef POISE_TCP_H
#define POISE_TCP_H

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#endif
