#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The system around poised sees its exit status, the modes of its files and what it tells the service
# manager. A state file that cannot be read is kept.
. "$(dirname "$0")/../lib/lib.sh"

topology_make segment || bail "topology"
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" l2 "${B4[1]}"
} > "$config"

usage() { # usage NAME ARGUMENT...
  local name=$1
  shift
  "$poised" "$@" > "$tmp/out" 2>&1
  is "$name: exit status" $? 2
  matches "$name: it says so" "$(cat "$tmp/out")" "^poised: .*${*: -1}"
}
usage "an extra word" --config "$config" extra-word
usage "an unknown option" --cofnig
"$poised" --version > "$tmp/out"
is "--version: exit status" $? 0

# ---- the service manager
spawn manager lb python3 "$root/tests/net/peers/notify_socket.py" "$tmp/notify"
wait_until 20 grep -qx ready "$tmp/manager.log" || bail "a service manager"
told() { wait_until 5 grep -qE "$1" "$tmp/manager.log"; } # told PATTERN
NOTIFY_SOCKET=$tmp/notify poised_start || bail "poised starts"
check "it is told when poised is ready" told '^READY=1 STATUS='
is "once" "$(grep -c READY "$tmp/manager.log")" 1
kill -HUP "$(poised_pid)"
check "and when it reads its file again" told '^RELOADING=1 MONOTONIC_USEC=[1-9][0-9]*$'
ready_again() { [ "$(grep -c READY "$tmp/manager.log")" = 2 ]; }
check "and when it has" wait_until 5 ready_again

# ---- files
run_dir=/run/poise/$instance state=/var/lib/poise/$instance/state.json
is "the API is the owner's and the group's" "$(stat -c %a "$run_dir/poised.sock")" 660
is "the state is the owner's" "$(stat -c %a "$state")" 600

poised_stop
check "it is told when poised stops" told '^STOPPING=1$'
echo '{ "version": 1, this is no state' > "$state"
cp "$state" "$tmp/unreadable"
check "poised starts without its state" poised_start
check "the file is kept beside, as it was" cmp "$state.unreadable" "$tmp/unreadable"
matches "poised says where" "$(cat "$tmp/poised-$instance.log")" "state\.json\.unreadable"
is "the service is there" "$(field '.[].name' service list)" web
finish
