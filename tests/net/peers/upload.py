#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Uploads: `serve PORT` answers each connection with the number of bytes that it got before the end;
`send HOST PORT BYTES` sends so many and prints the answer."""
import socket
import sys
import threading


def count(connection):
    with connection:
        total = 0
        while data := connection.recv(65536):
            total += len(data)
        connection.sendall(str(total).encode())


def serve(port):
    server = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    print("ready", flush=True)
    while True:
        threading.Thread(target=count, args=(server.accept()[0],), daemon=True).start()


def send(host, port, size):
    with socket.create_connection((host, port), timeout=20) as connection:
        connection.sendall(bytes(size))
        connection.shutdown(socket.SHUT_WR)
        print(connection.recv(64).decode())


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
