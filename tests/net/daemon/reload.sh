#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# SIGHUP and `poise reload`: what the file changed is taken over, what runtime changed stays, a file
# with an error changes nothing; traffic notices none of it.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"

write() { # write BACKEND...
  {
    echo "interfaces: [eth0]"
    echo "services:"
    service_yaml web "$VIP4:80/tcp" l2 "$@"
  } > "$config"
}
hup() { kill -HUP "$(poised_pid)"; }
backends() { field '[.backends[].id] | sort | join(" ")' service show web; }
backends_are() { [ "$(backends)" = "$*" ]; }
weight_of() { field ".backends[] | select(.id == \"$1\") | .weight" service show web; }

write "${B4[1]}" "${B4[2]}"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable
check "runtime: a weight" poise backend set web "${B4[1]}" --weight 70
traffic_start "http://$VIP4/"
traffic_moves 100

write "${B4[1]}" "${B4[2]}" "${B4[3]}"
hup
check "SIGHUP adds the file's new backend" wait_until 5 backends_are "${B4[1]}" "${B4[2]}" "${B4[3]}"
is "what was changed at runtime stays" "$(weight_of "${B4[1]}")" 70
check "the new backend becomes usable" wait_until 5 all_usable
traffic_moves 100

write "${B4[1]}" "${B4[3]}"
check "poise reload" poise reload
is "the removed backend is gone" "$(backends)" "${B4[1]} ${B4[3]}"
traffic_moves 100

nothing "a change that breaks nothing is made in silence" poise reload
traffic_stop
is "no request of $(wc -l < "$tmp/traffic") failed" "$(failures "$tmp/traffic")" 0
matches "one that breaks connections says so" "$(poise service set web --mode nat 2>&1)" \
  "^poise: web: .mode. changed, which breaks the connections that it has"
matches "as does a reload of another" "$(sed -i 's/mode: l2/mode: ipip/' "$config" && poise reload 2>&1)" \
  "^poise: web: .mode. changed"
sed -i 's/mode: ipip/mode: l2/' "$config"
nothing "from ipip to l2 they stay" poise reload
check "every backend becomes usable" wait_until 10 all_usable
traffic_start "http://$VIP4/"

printf '    weigth: 3\n' >> "$config"
hup
check "a file with an error is told with its place" wait_until 5 \
  grep -qE "$config:[0-9]+:[0-9]+: .*weigth" "$tmp/poised-$instance.log"
is "and changes nothing" "$(backends)" "${B4[1]} ${B4[3]}"
output=$(poise reload 2>&1)
is "poise reload refuses it" $? 1
matches "and says where" "$output" "poise.yaml:[0-9]+:[0-9]+"
traffic_moves 100

rm "$config"
hup
output=$(poise reload 2>&1)
is "a missing file is refused" $? 1
check "poised is still there" poised_ready
traffic_stop
is "no request of $(wc -l < "$tmp/traffic") failed" "$(failures "$tmp/traffic")" 0
finish
