#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""UDP for the scenarios.

udp_peer.py serve NAME ADDRESS PORT...    answers from ADDRESS: NAME, length and first bytes of what came
udp_peer.py ask ADDRESS PORT FLOWS SIZE   sends 3 datagrams of SIZE bytes from each of FLOWS sockets and
                                          prints, a line per flow, who answered or what went wrong
"""
import selectors
import socket
import sys


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
            key.fileobj.sendto(b"%s %d %s" % (name.encode(), len(data), data[:64]), peer)


def ask_once(sock, payload):
    sock.send(payload)
    name, length, start = sock.recv(65536).split(b" ", 2)
    if int(length) != len(payload) or start != payload[:64]:
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


if sys.argv[1] == "serve":
    serve(sys.argv[2], sys.argv[3], sys.argv[4:])
else:
    ask(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
