#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Every verb of poise: what it does, its exit status, that -j prints JSON and nothing else.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
veth lb eth1 client side
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2 "${B4[1]}" "${B4[2]}"
} > "$config"

exits() { # exits STATUS NAME ARGUMENT...
  local status=$1 name=$2 found
  shift 2
  poise "$@" > "$tmp/out" 2> "$tmp/err"
  found=$?
  is "$name: exit status" $found "$status"
  [ "$found" = "$status" ] || sed 's/^/# /' "$tmp/out" "$tmp/err"
}
says() { matches "$1: $2 is told" "$(cat "$tmp/err")" "$2"; } # says NAME PATTERN
shows() { matches "$1: shows $2" "$(cat "$tmp/out")" "$2"; }
json() { # json ARGUMENT...: with -j it is one JSON value
  check "poise -j $*: is JSON" json_valid "$@"
}
json_valid() { poise -j "$@" > "$tmp/json" && [ "$(jq -s length "$tmp/json")" = 1 ]; }

exits 3 "status without poised" status
exits 0 "help" help
shows "help" "service"
exits 2 "no such object" sevrice list
says "no such object" "service"
exits 2 "no such verb" service lits
exits 2 "a word too many" status now
exits 0 "check of a good file" check "$config"

poised_start || bail "poised starts"
check "the backends become usable" wait_until 10 all_usable

exits 0 "service list" service list
shows "service list" "web.*192.0.2.10:80/tcp"
exits 0 "service show" service show web
shows "service show" "${B4[2]}"
exits 1 "service show of none" service show wbe
says "service show of none" "web"
exits 0 "service add" service add extra --listen "$VIP4:8080/tcp" --mode l2 --backend "${B4[3]},50"
is "the added service's weight" "$(field '.backends[0].weight' service show extra)" 50
exits 1 "service add of the same name" service add extra --listen "$VIP4:8081/tcp" --mode l2
exits 1 "service add of the same address" service add extra2 --listen "$VIP4:8080/tcp" --mode l2
exits 0 "service set" service set extra --check tcp --interval 3s
is "the changed check" "$(field .check.interval service show extra)" 3s
exits 1 "service set of a bad value" service set extra --rows 1000
says "service set of a bad value" "rows"
exits 2 "service add without what it needs" service add
exits 0 "backend add" backend add extra "${B4[1]}"
exits 1 "backend add of the same" backend add extra "${B4[1]}"
exits 0 "backend set" backend set extra "${B4[1]}" --weight 7
is "the changed weight" "$(field ".backends[] | select(.id == \"${B4[1]}\") | .weight" service show extra)" 7
exits 0 "backend list" backend list extra
shows "backend list" "${B4[1]}"
exits 2 "backend set of a weight out of range" backend set extra "${B4[1]}" --weight 65536
exits 1 "backend set of none" backend set extra 10.9.9.9 --weight 1
exits 0 "backend del" backend del extra "${B4[3]}"
is "the backends that are left" "$(field '[.backends[].id] | join(" ")' service show extra)" "${B4[1]}"

exits 0 "status" status
shows "status" "eth0"
exits 0 "stats" stats --once
exits 0 "stats with rates" stats --interval 200ms
shows "stats" "web"
exits 0 "drops" drops
shows "drops" "no_backend"
for words in "status" "service list" "service show web" "backend list" "backend list web" \
  "stats --once" "drops" "export"; do
  # shellcheck disable=SC2086 # words
  json $words
done
holds "an idle instance's maps" "$(field .map_memory_bytes status) < 20 * 1024 * 1024"

exits 0 "export" export
cp "$tmp/out" "$tmp/exported.yaml"
exits 0 "check of what was exported" check "$tmp/exported.yaml"
exits 0 "service del" service del extra
exits 1 "service del of none" service del extra
exits 0 "apply of what was exported" apply "$tmp/exported.yaml"
exits 0 "export again" export
is "apply of an export changes nothing" "$(cat "$tmp/out")" "$(cat "$tmp/exported.yaml")"

exits 0 "attach" attach eth1
is "attached" "$(field '[.interfaces[].name] | sort | join(" ")' status)" "eth0 eth1"
exits 1 "attach to none" attach eth7
exits 0 "detach" detach eth1
is "detached" "$(field '[.interfaces[].name] | join(" ")' status)" "eth0"
exits 0 "reload" reload

exits 0 "a runtime change" backend set web "${B4[1]}" --weight 33
exits 0 "another" service add kept --listen "$VIP4:8082/tcp" --mode l2 --backend "${B4[3]}"
poised_stop
exits 3 "a change without poised" backend set web "${B4[1]}" --weight 34
exits 0 "service list from the pinned maps" service list
shows "service list from the pinned maps" "web"
exits 0 "stats from the pinned maps" stats --once
exits 0 "drops from the pinned maps" drops
check "poised starts again" poised_start
is "the weight survived" "$(field ".backends[] | select(.id == \"${B4[1]}\") | .weight" service show web)" 33
is "the service survived" "$(field '[.[].name] | sort | join(" ")' service list)" "extra kept web"
poised_stop
exits 0 "detach without poised" detach --all
is "nothing is attached" "$(on lb ip -j link show eth0 | jq '.[0].xdp')" null
finish
