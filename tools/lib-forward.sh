# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# For benchmarks: the balancer's kernel forwards, and what backends answer comes back through it.
forwarding_on() {
  local number
  on lb sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward
    for conf in all eth0; do
      echo 0 > /proc/sys/net/ipv4/conf/$conf/send_redirects
      echo 0 > /proc/sys/net/ipv4/conf/$conf/rp_filter
    done'
  for number in "${!B4[@]}"; do
    ip -n "$run-b$number" route replace default via "$LB4" || return
  done
}

forwarding_off() {
  local number
  on lb sh -c 'echo 0 > /proc/sys/net/ipv4/ip_forward'
  for number in "${!B4[@]}"; do ip -n "$run-b$number" route replace default via "$ROUTER4"; done
}
