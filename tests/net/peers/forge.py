#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""forge.py INTERFACE MAC SOURCE[,SOURCE...] PORT DESTINATION PORT [--tcp] [--count N]: sends frames that
no kernel would, to this MAC address: UDP with a few bytes, or a TCP SYN, from any source addresses.
With --count the source port goes up by one each."""
import argparse
import ipaddress
import socket
import struct


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def transport(source, destination, ports, tcp):
    number = 6 if tcp else 17
    if tcp:
        header = struct.pack("!HHIIBBHHH", *ports, 0x1000, 0, 5 << 4, 2, 65535, 0, 0)
        at = 16
    else:
        header = struct.pack("!HHHH", *ports, 8 + 4, 0) + b"ping"
        at = 6
    pseudo = source.packed + destination.packed + struct.pack("!II", len(header), number)
    total = checksum(pseudo + header) or 0xFFFF
    return number, header[:at] + struct.pack("!H", total) + header[at + 2 :]


def packet(source, destination, ports, tcp):
    number, rest = transport(source, destination, ports, tcp)
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(rest), number, 64) + source.packed + destination.packed + rest
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(rest), 0, 0, 64, number, 0)
    header += source.packed + destination.packed
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + rest


parser = argparse.ArgumentParser()
parser.add_argument("interface")
parser.add_argument("mac")
parser.add_argument("sources")
parser.add_argument("source_port", type=int)
parser.add_argument("destination", type=ipaddress.ip_address)
parser.add_argument("port", type=int)
parser.add_argument("--tcp", action="store_true")
parser.add_argument("--count", type=int, default=1)
args = parser.parse_args()

wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind((args.interface, 0))
ethernet = bytes.fromhex(args.mac.replace(":", "")) + wire.getsockname()[4]
for source in map(ipaddress.ip_address, args.sources.split(",")):
    kind = struct.pack("!H", 0x0800 if source.version == 4 else 0x86DD)
    for i in range(args.count):
        ports = (args.source_port + i, args.port)
        wire.send(ethernet + kind + packet(source, args.destination, ports, args.tcp))
