#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# l2: backends on the balancer's own segment get the client's packet with a new MAC address.
. "$(dirname "$0")/../lib/lib.sh"
. "$(dirname "$0")/../lib/lib-http.sh"

topology_make segment || bail "topology"
http_through l2
finish
