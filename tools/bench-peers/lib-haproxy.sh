# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# HAProxy in TCP mode: bench-churn's, with what is recommended for speed.
# shellcheck source=tools/bench-churn/lib-haproxy.sh
. tools/bench-churn/lib-haproxy.sh
# Splicing takes pipes, and those are of the limit of open files, too.
# shellcheck disable=SC2034 # read by haproxy_config
haproxy_maxconn=4000
# shellcheck disable=SC2034
haproxy_bind="shards by-thread" haproxy_defaults="  option splice-auto
  option tcp-smart-accept
  option tcp-smart-connect"
subject_about() {
  echo "$(haproxy -v | awk 'NR == 1 { print "HAProxy", $3 }'), TCP mode, roundrobin, 2 threads, a listener each, splice-auto"
}
subject_balances() { echo process; }
