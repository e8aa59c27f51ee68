#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Servers and clients of this very host, for the scenarios of mode local.

local_peer.py http NAME ADDRESS PORT        HTTP, answers NAME; PORT may have several sockets (SO_REUSEPORT)
local_peer.py http6 NAME ADDRESS PORT       the same with a socket that takes IPv6 only (IPV6_V6ONLY)
local_peer.py answer NAME ADDRESS PORT      UDP, answers NAME from the address that was asked
local_peer.py listen NAME ADDRESS PORT      UDP, prints NAME per datagram and answers nothing
local_peer.py hold ADDRESS PORT COUNT       opens connections, prints how many it has and keeps them
local_peer.py ask ADDRESS PORT FLOWS        UDP, prints a line per flow: who answered, or what went wrong
local_peer.py tell ADDRESS PORT FLOWS       UDP, sends a datagram from each of FLOWS sockets
"""
import http.server
import signal
import socket
import struct
import sys

IP_PKTINFO = 8  # not in every Python


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.name.encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512

    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


class Server6Only(Server):
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        super().server_bind()


def http_serve(name, address, port, kind=Server):
    kind.address_family = family_of(address)
    server = kind((address, int(port)), Answer)
    server.name = name
    print("ready", flush=True)
    server.serve_forever()


def http6_serve(name, address, port):
    http_serve(name, address, port, Server6Only)


def udp_socket(address, port):
    sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
    sock.bind((address, int(port)))
    print("ready", flush=True)
    return sock


def answer(name, address, port):
    sock = udp_socket(address, port)
    sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    while True:
        _, ancillary, _, peer = sock.recvmsg(2048, socket.CMSG_SPACE(12))
        asked = ancillary[0][2][8:12]
        source = struct.pack("i4s4s", 0, asked, b"")
        sock.sendmsg([name.encode()], [(socket.IPPROTO_IP, IP_PKTINFO, source)], 0, peer)


def listen(name, address, port):
    sock = udp_socket(address, port)
    while True:
        sock.recv(2048)
        print(name, flush=True)


def hold(address, port, count):
    socks = [socket.create_connection((address, int(port)), 5) for _ in range(int(count))]
    print("held", len(socks), flush=True)
    signal.pause()


def ask(address, port, flows):
    for _ in range(int(flows)):
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
            sock.settimeout(2)
            # Connected: an answer from any other address than the service's never arrives.
            sock.connect((address, int(port)))
            try:
                names = set()
                for _ in range(3):
                    sock.send(b"who")
                    names.add(sock.recv(100).decode())
                print(names.pop() if len(names) == 1 else f"failed: several backends {names}")
            except OSError as error:
                print("failed:", error)


def tell(address, port, flows):
    for _ in range(int(flows)):
        with socket.socket(family_of(address), socket.SOCK_DGRAM) as sock:
            sock.connect((address, int(port)))
            sock.send(b"log")


{"http": http_serve, "http6": http6_serve, "answer": answer, "listen": listen, "hold": hold, "ask": ask,
 "tell": tell}[sys.argv[1]](*sys.argv[2:])
