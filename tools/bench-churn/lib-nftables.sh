# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# nftables: DNAT by a jhash map, replaced as a whole by `nft -f`; conntrack knows old connections.
# shellcheck source=tools/lib-forward.sh
. tools/lib-forward.sh
subject_about() { echo "DNAT by a jhash map, replaced atomically by nft -f at each change; conntrack"; }

subject_start() { forwarding_on && nft_publish; }

subject_set() { nft_publish; }

# 100 slots a weight of 100, as people write these maps.
nft_map() {
  local number slots=0 separator='' map=''
  for number in 1 2 3 4; do
    ((${weights[number]:-0} > 0)) || continue
    map+="$separator$slots-$((slots + weights[number] - 1)) : ${B4[number]}"
    slots=$((slots + weights[number]))
    separator=', '
  done
  echo "jhash ip saddr . tcp sport mod $slots map { $map }"
}

nft_publish() {
  on lb nft -f - << END
table ip bench {
  chain prerouting { type nat hook prerouting priority dstnat; }
}
flush chain ip bench prerouting
add rule ip bench prerouting ip daddr $VIP4 tcp dport 80 counter dnat to $(nft_map)
END
}

# Nothing of it is a process.
subject_restart() { return 2; }

subject_extra() { echo "$(on lb cat /proc/sys/net/netfilter/nf_conntrack_count) conntrack entries, one per connection"; }

# A NAT chain sees the first packet of each connection only.
subject_carried() { on lb nft -j list chain ip bench prerouting | jq '[.. | .counter? // empty | .packets] | add'; }

subject_stop() {
  on lb nft delete table ip bench
  forwarding_off
}
