#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""notify_socket.py PATH: a service manager's end of sd_notify(3). Each message is a line, its own lines
separated by blanks."""
import socket
import sys

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print("ready", flush=True)
while True:
    print(" ".join(manager.recv(4096).decode().split("\n")).strip(), flush=True)
