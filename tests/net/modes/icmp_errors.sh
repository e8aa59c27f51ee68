#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# ICMP errors about what a backend sent come to the service's address, so to the balancer. In modes
# l2, ipip and gue it sends them on to the backend, which so learns of a narrow link on the client's
# side; also while rows move. (nat: nat_icmp.sh; nat with source keep: nat_keep.sh.)
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
# The client's link carries 1,400 bytes; both ends are told that they may send segments for 1,500.
for end in "client eth0" "router client"; do
  ip -n "$run-${end% *}" link set "${end#* }" mtu 1400 || bail "MTU of $end"
done
ip -n "$run-client" route replace default via 198.51.100.1 advmss 1460 || bail "advmss"
ip -n "$run-client" route replace default via 2001:db8:1::1 advmss 1440 || bail "advmss"
head -c 10000000 /dev/urandom > "$tmp/big"
for number in 1 2 3; do
  mkdir -p "$tmp/b$number" || bail "a directory"
  ln "$tmp/big" "$tmp/b$number/big" || bail "a large file"
done
nginx_start_all || bail "nginx starts"
decap_attach_all || bail "poise decap attach"

forget_path_mtu() { # on every backend
  local number
  for number in 1 2 3; do
    ip -n "$run-b$number" route flush cache
    ip -n "$run-b$number" -6 route flush cache
  done
}

knowing() { # knowing CLIENT: how many backends have learned of the narrow link
  local number count=0
  for number in 1 2 3; do
    [ "$(ip -j -n "$run-b$number" route get "$1" | jq '.[0].metrics[0].mtu // 0')" = 1400 ] &&
      count=$((count + 1))
  done
  echo $count
}

download() { # download URL
  on client curl -sf --max-time 20 "$1/big" | cmp - "$tmp/big"
}

errors_of() { field ".services[] | select(.name == \"$1\") | .icmp_errors" stats --once; }

configuration() { # configuration MODE [BACKENDS]
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web4 "$VIP4:80/tcp" "$1" "${B4[@]:1:${2-3}}"
  service_yaml web6 "[$VIP6]:80/tcp" "$1" "${B6[@]:1:${2-3}}"
}

configuration l2 > "$config"
poised_start || bail "poised starts"
for mode in l2 ipip gue; do
  configuration $mode > "$config"
  check "$mode: the configuration is applied" poise apply "$config"
  check "$mode: every backend becomes usable" wait_until 10 all_usable
  forget_path_mtu
  is "$mode: no backend has learned of the narrow link" "$(knowing $CLIENT4) $(knowing $CLIENT6)" "0 0"
  check "$mode: 10 MB come down to a narrow link" download "http://$VIP4"
  check "$mode: and over IPv6" download "http://[$VIP6]"
  is "$mode: the one backend that had the connection has learned of it" \
    "$(knowing $CLIENT4) $(knowing $CLIENT6)" "1 1"
  holds "$mode: the errors are counted" "$(errors_of web4) > 0 && $(errors_of web6) > 0"
done

# ---- while rows move: the flow began at a backend that gets no new ones
configuration gue 1 > "$config"
check "one backend is left" poise apply "$config"
check "it becomes usable" wait_until 10 all_usable
for family in 4 6; do
  # It waits between the request's parts, so the download begins after the change.
  spawn "slow$family" client python3 "$root/tests/net/peers/slow_request.py" \
    "$([ $family = 4 ] && echo $VIP4 || echo $VIP6)" 80 /big "$tmp/go"
  check "IPv$family: a connection begins" wait_until 10 grep -q connected "$tmp/slow$family.log"
done
configuration gue 3 > "$config"
check "two more backends come" poise apply "$config"
check "they become usable" wait_until 10 all_usable
poise backend drain web4 "${B4[1]}"
poise backend drain web6 "${B6[1]}"
forget_path_mtu
touch "$tmp/go"
for family in 4 6; do
  wait "${pids[slow$family]}"
  unset "pids[slow$family]"
  is "IPv$family: the download by the backend that drains comes whole" \
    "$(tail -1 "$tmp/slow$family.log")" "$(sha256sum < "$tmp/big" | cut -d ' ' -f 1)"
done
is "that backend has learned of it, and no other" "$(knowing $CLIENT4) $(knowing $CLIENT6)" "1 1"
is "nothing was dropped" "$(field '[.[]] | add' drops)" 0
finish
