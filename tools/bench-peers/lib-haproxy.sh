# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# HAProxy in TCP mode, as in bench-churn.
# shellcheck source=tools/bench-churn/lib-haproxy.sh
. tools/bench-churn/lib-haproxy.sh
subject_about() { echo "$(haproxy -v | awk 'NR == 1 { print "HAProxy", $3 }'), TCP mode, roundrobin, 2 threads"; }
