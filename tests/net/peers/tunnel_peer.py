#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A stand-in for the balancer: tunnel_peer.py TUN INTERFACE MAC KIND SOURCE DESTINATION [TOS]

Makes the device TUN; every packet routed into it leaves INTERFACE for MAC inside of a tunnel of KIND
(ipip, gue, gue-private: with private data, or none: as it is) from SOURCE to DESTINATION, with TOS
as the outer header's. The headers are scapy's, so that they owe nothing to Poise. SIGTERM: prints
how many packets were sent and their bytes, inner headers and all but no outer ones, and ends.
"""
import fcntl
import os
import signal
import socket
import struct
import sys

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x1001
PRIVATE_WORDS = 2


def tun_open(name):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_NO_PI))
    return fd


def encapsulate(inner, kind, source, dest, tos):
    proto = 4 if inner[0] >> 4 == 4 else 41
    if kind == "none":
        return inner, (0x0800 if proto == 4 else 0x86DD)
    payload = Raw(inner)
    if kind.startswith("gue"):
        words = PRIVATE_WORDS if kind == "gue-private" else 0
        gue = bytes([words, proto, 0, 0]) + b"\xda" * 4 * words
        payload = UDP(sport=50000 + inner[-1], dport=6080) / Raw(gue + inner)
        proto = 17
    if ":" in source:
        outer = IPv6(src=source, dst=dest, nh=proto, tc=tos)
    else:
        outer = IP(src=source, dst=dest, proto=proto, flags="DF", tos=tos)
    return bytes(outer / payload), (0x86DD if ":" in source else 0x0800)


def main(tun, interface, mac, kind, source, dest, tos="0"):
    sent = [0, 0]

    def end(*_):
        print("sent", *sent, flush=True)
        os._exit(0)

    fd = tun_open(tun)
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sock.bind((interface, 0))
    ether = Ether(src=sock.getsockname()[4], dst=mac)
    signal.signal(signal.SIGTERM, end)
    print("ready", flush=True)
    while True:
        # A packet that is read is sent and counted, whenever the signal comes.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        inner = os.read(fd, 65536)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        if inner[0] >> 4 == 6 and inner[24] == 0xFF:
            continue  # the kernel's own, to multicast groups: router solicitations and the like
        packet, ethertype = encapsulate(inner, kind, source, dest, int(tos, 0))
        ether.type = ethertype
        sock.send(bytes(ether / Raw(packet)))
        sent[0] += 1
        sent[1] += len(inner)


main(*sys.argv[1:])
