#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""raw_client.py SOCKET: bytes from standard input to a unix socket, what comes back to standard output,
and in the end how it ended: a line "(closed)", "(reset)" or "(open)".

--half    stops in the middle: nothing more is sent, and the connection stays open for a second
--slam    closes at once, without reading an answer
"""
import socket
import sys

client = socket.socket(socket.AF_UNIX)
client.settimeout(10)
client.connect(sys.argv[1])
data = sys.stdin.buffer.read()
try:
    client.sendall(data)
except (BrokenPipeError, ConnectionResetError):
    pass  # it need not listen to the end of what it refuses
if "--slam" not in sys.argv:
    if "--half" in sys.argv:
        client.settimeout(1)
    ended = "closed"
    try:
        while answer := client.recv(65536):
            sys.stdout.buffer.write(answer)
            if b"\r\n\r\n" in answer and "--half" not in sys.argv:
                client.settimeout(0.3)
    except socket.timeout:
        ended = "open"
    except ConnectionResetError:
        ended = "reset"
    sys.stdout.buffer.write(b"\n(%s)\n" % ended.encode())
