#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Mode nat and `source: keep` translate fragments in both directions.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-nat.sh
. "$here/lib-nat.sh"

topology_make gateway || bail "topology"
address lb lo $VIP4/32 $VIP6/128
on lb sh -c 'cd /proc/sys/net && echo 1 > ipv4/ip_forward && echo 1 > ipv6/conf/all/forwarding &&
  cd ipv4/conf && echo 1 > all/accept_local && echo 0 > all/rp_filter && echo 0 > eth1/rp_filter'
for number in 1 2 3; do
  route b$number default via $BACK4 || bail "an IPv4 default route"
  route b$number default via $BACK6 || bail "an IPv6 default route"
  nat_nginx_start $number || bail "nginx starts"
  spawn "udp4-b$number" "b$number" python3 "$root/tests/net/peers/udp_peer.py" serve "b$number" "${B4[number]}" 5353 5354
  spawn "udp6-b$number" "b$number" python3 "$root/tests/net/peers/udp_peer.py" serve "b$number" "${B6[number]}" 5353 5354
  wait_until 20 grep -q ready "$tmp/udp4-b$number.log" || bail "UDP server starts"
  wait_until 20 grep -q ready "$tmp/udp6-b$number.log" || bail "UDP server starts"
done
{
  echo "interfaces: [eth0, eth1]"
  echo "services:"
  nat_service web "$VIP4:80/tcp" 8080 "${B4[@]}"
  nat_service nat-4 "$VIP4:53/udp" 5353 "${B4[@]}"
  nat_service nat-6 "[$VIP6]:53/udp" 5353 "${B6[@]}"
  {
    nat_service keep-4 "$VIP4:54/udp" 5354 "${B4[@]}"
    nat_service keep-6 "[$VIP6]:54/udp" 5354 "${B6[@]}"
  } | sed 's/^    mode: nat/&\n    source: keep/'
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable

ask() { # ask NAME ADDRESS PORT SIZE
  on client python3 "$root/tests/net/peers/udp_peer.py" ask "$2" "$3" 10 "$4" > "$tmp/answers"
  is "$1: 30 datagrams of $4 bytes come back from one backend a flow" \
    "$(grep -cE '^b[123]$' "$tmp/answers")" 10
}
for size in 1500 3000 65000; do
  ask "nat over IPv4" $VIP4 53 $size
  ask "nat over IPv6" $VIP6 53 $size
  ask "source: keep over IPv4" $VIP4 54 $size
  ask "source: keep over IPv6" $VIP6 54 $size
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
