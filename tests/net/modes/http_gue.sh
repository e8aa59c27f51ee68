#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gue, IPv4 and IPv6 in either, to backends behind a router.
. "$(dirname "$0")/../lib/lib.sh"
. "$(dirname "$0")/../lib/lib-http.sh"

topology_make routed || bail "topology"
http_through gue
finish
