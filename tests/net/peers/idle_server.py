#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""idle_server.py PORT SECONDS: answers each request with a line at once and another so much later.
Says "ready"."""
import http.server
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.chunk(b"first\n")
        time.sleep(float(sys.argv[2]))
        self.chunk(b"last\n")
        self.chunk(b"")


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("ready", flush=True)
server.serve_forever()
