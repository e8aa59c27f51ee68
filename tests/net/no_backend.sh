#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# With no backend left packets are dropped under their reason, until one is back.
. "$(dirname "$0")/lib.sh"

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2 "{ tcp: true, interval: 200ms, timeout: 150ms, rise: 1, fall: 2 }" "${B4[@]}"
  printf '  - { name: empty, listen: "%s:81/tcp", mode: l2 }\n' "$VIP4"
} > "$config"
poised_start || bail "poised starts"
check "every backend is up" wait_until 10 all_up
is "nothing is dropped at first" "$(drops_of no_backend)" 0

silent() { # silent URL: no answer of any kind, not even a refusal
  on client curl -s -o /dev/null --connect-timeout 0.5 "$1"
  [ $? = 28 ]
}

check "a service without backends is silent" silent "http://$VIP4:81/"
is "its SYN is counted" "$(drops_of no_backend)" 1

for number in 1 2 3; do nginx_kill $number; done
for number in 1 2 3; do wait_until 5 health_is web "${B4[number]}" down; done
check "a service whose backends are all down is silent" silent "http://$VIP4/"
is "its SYN is counted, too" "$(drops_of no_backend)" 2

nginx_start 3
check "one backend comes back" wait_until 5 health_is web "${B4[3]}" up
is "requests are answered again" "$(requests "http://$VIP4/" 20 | sort | uniq -c | xargs)" "20 b3"
is "nothing more was dropped" "$(drops_of no_backend)" 2
finish
