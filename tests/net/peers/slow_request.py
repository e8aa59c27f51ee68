#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Connects, waits until a file is there, asks for a path over HTTP/1.0, and prints the answer's SHA-256.

slow_request.py ADDRESS PORT PATH FILE
"""
import hashlib
import os
import socket
import sys
import time


def main():
    address, port, path, file = sys.argv[1:5]
    with socket.create_connection((address, int(port)), timeout=20) as connection:
        print("connected", flush=True)
        while not os.path.exists(file):
            time.sleep(0.05)
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        with connection.makefile("rb") as answer:
            while answer.readline() not in (b"\r\n", b""):
                pass
            print(hashlib.sha256(answer.read()).hexdigest(), flush=True)


main()
