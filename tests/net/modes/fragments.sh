#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Fragments reach the backend that their datagram's first one reaches, in l2, ipip and gue; the
# balancer's own kernel, which has the service's address, sees none of them.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
address lb lo $VIP4/32 $VIP6/128
decap_attach_all || bail "poise decap attach"
nginx_start_all || bail "nginx starts"
for number in 1 2 3; do
  # Answers are cut for the clients' links, as the segment's MTU is larger.
  ip -n "$run-b$number" route replace default via $ROUTER4 mtu 1500
  ip -n "$run-b$number" route replace default via $ROUTER6 mtu 1500
  for vip in $VIP4 $VIP6; do
    spawn "udp-b$number-${vip//[:.]/_}" "b$number" python3 "$root/tests/net/peers/udp_peer.py" serve "b$number" "$vip" 5001 5002 5003
    wait_until 20 grep -q ready "$tmp/udp-b$number-${vip//[:.]/_}.log" || bail "UDP server starts"
  done
done

port=5001
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" ipip "${B4[@]}"
  for mode in l2 ipip gue; do
    service_yaml "$mode-4" "$VIP4:$port/udp" $mode "${B4[@]}"
    service_yaml "$mode-6" "[$VIP6]:$port/udp" $mode "${B6[@]}"
    port=$((port + 1))
  done
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

ask() { # ask NAME ADDRESS PORT SIZE
  on client python3 "$root/tests/net/peers/udp_peer.py" ask "$2" "$3" 10 "$4" > "$tmp/answers"
  is "$1: 30 datagrams of $4 bytes come back from one backend a flow" \
    "$(grep -cE '^b[123]$' "$tmp/answers")" 10
}
port=5001
for mode in l2 ipip gue; do
  for size in 1500 3000 65000; do
    ask "$mode over IPv4" $VIP4 $port $size
    ask "$mode over IPv6" $VIP6 $port $size
  done
  port=$((port + 1))
done

# ---- a client that does not look for the path's MTU, behind a narrow link
# shellcheck disable=SC2016 # awk's field
made() { on router awk '/^Ip: [0-9]/ { print $20 }' /proc/net/snmp; }
on client sh -c 'echo 1 > /proc/sys/net/ipv4/ip_no_pmtu_disc'
ip -n "$run-router" route replace $VIP4 via $LB4 mtu lock 600
before=$(made)
long=$(head -c 4000 /dev/zero | tr '\0' x)
for ((i = 0; i < 20; i++)); do
  on client curl -s --max-time 5 -H "X-Long: $long" "http://$VIP4/"
done > "$tmp/answers"
is "TCP requests of 4,000 bytes through a link of 600 are answered" \
  "$(grep -cE '^b[123]$' "$tmp/answers")" 20
holds "the router did cut them" "$(made) - $before > 100"
is "nothing was dropped" "$(field '[.[]] | add' drops)" 0
finish
