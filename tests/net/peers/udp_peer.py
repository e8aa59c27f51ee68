#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""UDP for the scenarios.

udp_peer.py serve NAME ADDRESS PORT...    answers from ADDRESS: NAME, length and bytes of what came, so many
                                          that the answer is no longer, or 100 bytes
udp_peer.py ask ADDRESS PORT FLOWS SIZE   sends 3 datagrams of SIZE bytes from each of FLOWS sockets and
                                          prints, a line per flow, who answered or what went wrong
udp_peer.py probe ADDRESS PORT HOPS       a datagram that may take so many hops: "answered", or what ICMP says
udp_peer.py hold ADDRESS PORT FLOWS STOP  as ask, a datagram of each socket four times a second, until the
                                          file STOP is there
"""
import errno
import os
import selectors
import socket
import sys
import time


def udp_socket(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, socket.SOCK_DGRAM)


def serve(name, address, ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        sock = udp_socket(address)
        sock.bind((address, int(port)))
        selector.register(sock, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            data, peer = key.fileobj.recvfrom(65536)
            answer = b"%s %d %s" % (name.encode(), len(data), data)
            key.fileobj.sendto(answer[:max(len(data), 100)], peer)


def ask_once(sock, payload):
    sock.send(payload)
    name, length, start = sock.recv(65536).split(b" ", 2)
    if int(length) != len(payload) or start != payload[:max(len(start), 64)]:
        raise ValueError("what the backend got is not what was sent")
    return name.decode()


def ask(address, port, flows, size):
    for flow in range(flows):
        with udp_socket(address) as sock:
            sock.settimeout(3)
            # Connected: an answer from any other address than the service's never arrives.
            sock.connect((address, port))
            try:
                names = {ask_once(sock, (b"%d.%d " % (flow, turn) * size)[:size])
                         for turn in range(3)}
                print(names.pop() if len(names) == 1 else "failed: several backends " + str(names))
            except (OSError, ValueError) as error:
                print("failed:", error)


def probe(address, port, hops):
    recv_err = 11, 25  # IP_RECVERR, IPV6_RECVERR
    with udp_socket(address) as sock:
        sock.settimeout(1)
        if ":" in address:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
            sock.setsockopt(socket.IPPROTO_IPV6, recv_err[1], 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)
            sock.setsockopt(socket.IPPROTO_IP, recv_err[0], 1)
        sock.connect((address, port))
        try:
            ask_once(sock, b"probe")
            print("answered")
        except OSError as error:
            print(errno.errorcode.get(error.errno, error))


def hold(address, port, flows, stop):
    socks = [udp_socket(address) for _ in range(flows)]
    names = [set() for _ in socks]
    for sock in socks:
        sock.settimeout(3)
        sock.connect((address, port))
    turn = 0
    while not os.path.exists(stop):
        for sock, seen in zip(socks, names):
            try:
                seen.add(ask_once(sock, b"turn %d" % turn))
            except (OSError, ValueError) as error:
                seen.add(str(error))
        if turn == 0:
            print("ready", flush=True)
        turn += 1
        time.sleep(0.25)
    for seen in names:
        print(seen.pop() if len(seen) == 1 else "failed: " + ", ".join(sorted(seen)))


if sys.argv[1] == "serve":
    serve(sys.argv[2], sys.argv[3], sys.argv[4:])
elif sys.argv[1] == "probe":
    probe(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
elif sys.argv[1] == "hold":
    hold(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
else:
    ask(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
