#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# New connections to a service without a backend are refused, and datagrams are dropped, as configured,
# until a backend is back. Both are counted.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2 "{ tcp: true, interval: 200ms, timeout: 150ms, rise: 1, fall: 2 }" "${B4[@]}"
  printf '  - { name: empty, listen: "%s:81/tcp", mode: l2 }\n' "$VIP4"
  printf '  - { name: empty6, listen: "[%s]:81/tcp", mode: l2 }\n' "$VIP6"
  printf '  - { name: silent, listen: "%s:82/tcp", mode: nat, unavailable: drop }\n' "$VIP4"
  printf '  - { name: dns4, listen: "%s:53/udp", mode: nat, unavailable: reject }\n' "$VIP4"
  printf '  - { name: dns6, listen: "[%s]:53/udp", mode: ipip, unavailable: reject }\n' "$VIP6"
  printf '  - { name: quiet, listen: "%s:54/udp", mode: gue }\n' "$VIP4"
} > "$config"
poised_start || bail "poised starts"
check "every backend is up" wait_until 10 all_up
is "nothing is dropped at first" "$(drops_of no_backend)" 0

silent() { # silent URL: no answer of any kind, not even a refusal
  on client curl -s -o /dev/null --connect-timeout 0.5 "$1"
  [ $? = 28 ]
}

refused() { # refused URL: at once
  on client curl -s -o /dev/null --connect-timeout 2 "$1"
  [ $? = 7 ]
}

check "a service without backends refuses" refused "http://$VIP4:81/"
check "over IPv6, too" refused "http://[$VIP6]:81/"
is "the SYNs are counted" "$(drops_of no_backend)" 2
check "one with \`unavailable: drop\` is silent" silent "http://$VIP4:82/"
is "its SYN is counted" "$(drops_of no_backend)" 3
is "two RSTs were sent" "$(field .reset.sent answers)" 2
probe() { on client python3 "$root/tests/net/peers/udp_peer.py" probe "$@"; }
is "a datagram is dropped" "$(probe $VIP4 54 64)" "timed out"
is "with \`unavailable: reject\` it is refused" "$(probe $VIP4 53 64)" ECONNREFUSED
is "over IPv6, too" "$(probe $VIP6 53 64)" ECONNREFUSED
is "the datagrams are counted" "$(drops_of no_backend)" 6
is "two ICMP errors were sent" "$(field .port_unreachable.sent answers)" 2
poise service set silent --unavailable reject > "$tmp/set.log"
check "it refuses after a change at run time" refused "http://$VIP4:82/"

for number in 1 2 3; do nginx_kill $number; done
for number in 1 2 3; do wait_until 5 health_is web "${B4[number]}" down; done
before=$(drops_of no_backend)
check "a service whose backends are all down refuses" refused "http://$VIP4/"
is "its SYN is counted, too" $(($(drops_of no_backend) - before)) 1

nginx_start 3
check "one backend comes back" wait_until 5 health_is web "${B4[3]}" up
is "requests are answered again" "$(requests "http://$VIP4/" 20 | sort | uniq -c | xargs)" "20 b3"
is "nothing more was dropped" $(($(drops_of no_backend) - before)) 1
finish
