#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""api_order.py SOCKET: one JSON array per line of standard input, [NAME, METHOD, PATH, BODY].

Sends all requests at once, each over its own connection, and prints names and statuses in the order
of the answers. An empty line waits for all answers so far.
"""
import json
import select
import socket
import sys


def send(path, method, url, body):
    data = json.dumps(body).encode() if body is not None else b""
    client = socket.socket(socket.AF_UNIX)
    client.connect(path)
    client.sendall(f"{method} {url} HTTP/1.1\r\nHost: poise\r\nConnection: close\r\n"
                   f"Content-Length: {len(data)}\r\n\r\n".encode() + data)
    return client


def wait(waiting):
    while waiting:
        for client in select.select(list(waiting), [], [], 10)[0]:
            status = client.recv(4096)
            print(waiting.pop(client), status.split(b" ")[1].decode() if status else "closed", flush=True)
            client.close()


clients = {}
for line in sys.stdin:
    if line.strip():
        name, *request = json.loads(line)
        clients[send(sys.argv[1], *request)] = name
    else:
        wait(clients)
wait(clients)
