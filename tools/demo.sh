#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A client, a router, the balancer and three web servers, each in a network namespace of its own:
#   demo.sh           shows balancing, a failing server, a killed daemon and mode nat, then cleans up
#   demo.sh --keep    leaves it all standing to play with
#   demo.sh --remove  takes away what --keep left
set -u
cd "$(dirname "$0")/.." || exit 1
export POISE_RUN=poise-demo POISE_TMP=/run/poise-demo
keep=
case ${1-} in
  "") ;;
  --keep) keep=1 ;;
  --remove) ;;
  *) echo "usage: tools/demo.sh [--keep | --remove]" >&2; exit 2 ;;
esac

[ "$(id -u)" = 0 ] || { echo "root is needed: network namespaces and BPF (sudo make demo)" >&2; exit 1; }

# Ends what an earlier demo started (and nothing else that may run in its namespaces by now).
remove() {
  local namespace pid
  for namespace in $(ip netns list | awk '/^poise-demo-/ { print $1 }'); do
    for pid in $(ip netns pids "$namespace"); do
      grep -qsx "$pid" $POISE_TMP/pids && kill -KILL "$pid"
    done
    ip netns del "$namespace"
  done
  rm -rf $POISE_TMP
}

if [ "${1-}" = --remove ]; then
  [ -e $POISE_TMP ] || { echo "there is no demo to remove"; exit 0; }
  remove
  . tests/net/lib/lib.sh # whose end removes the instances' pins and state
  # shellcheck disable=SC2154 # of lib.sh
  instances=("$run" "$run"-b1 "$run"-b2 "$run"-b3)
  echo "removed: the demo's namespaces, processes, BPF programs and files"
  exit 0
fi
if [ -e $POISE_TMP ]; then
  echo "a demo is standing (or running): tools/demo.sh --remove takes it away" >&2
  exit 1
fi

[ -z "$keep" ] || export spawn_with=setsid
# shellcheck source=tests/net/lib/lib.sh
. tests/net/lib/lib.sh

step=0
say() { step=$((step + 1)); printf '\n\033[1m%d. %s\033[0m\n' $step "$*" | plain; }
plain() { if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9]*m//g'; fi; }
note() { printf '   %s\n' "$@"; }
give_up() { echo "demo: $*" >&2; show_logs >&2; exit 1; }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
indent() { sed 's/^/   /'; }
flows() { field '[.services[].new_flows] | add' stats --once; }

picture() {
  cat << 'END'

     client                 router                        b1  10.0.0.11  2001:db8:2::11  nginx
  198.51.100.2 ---------- 198.51.100.1         +--------- b2  10.0.0.12  2001:db8:2::12  nginx
  2001:db8:1::2             10.0.0.1 ----------+--------- b3  10.0.0.13  2001:db8:2::13  nginx
                                               |
                                               +--------- balancer  10.0.0.2  2001:db8:2::2
                                                          poised and its XDP program

  The client asks 192.0.2.10 or 2001:db8:ffff::10, which the router sends to the balancer. The
  balancer wraps each packet (IP in IP) for a server; the servers answer the client themselves.
END
}

write_config() {
  cat > "$config" << END
interfaces: [eth0]
services:
  - name: web
    listen: $VIP4:80/tcp
    mode: ipip
    check: { http: /healthz, interval: 500ms, timeout: 400ms, fall: 2 }
    backends: [{ address: ${B4[1]}, weight: 200 }, ${B4[2]}, ${B4[3]}]
  - name: web6
    listen: "[$VIP6]:80/tcp"
    mode: ipip
    check: { http: /healthz, interval: 500ms, timeout: 400ms, fall: 2 }
    backends: [{ address: "${B6[1]}", weight: 200 }, "${B6[2]}", "${B6[3]}"]
END
}

share() { # share ANSWERS TOTAL
  awk -v n="$1" -v of="$2" 'BEGIN { printf "%5d %5.1f %%", n, 100 * n / of }'
}

shares() { # shares: a table of $tmp/web4 and $tmp/web6
  local number asked=(0 50.0 25.0 25.0)
  printf '   server       IPv4             IPv6       weights ask for\n'
  for number in 1 2 3; do
    printf '   b%d      %s    %s      %s %%\n' $number "$(share "$(answers_of $number "$tmp/web4")" 1500)" \
      "$(share "$(answers_of $number "$tmp/web6")" 1500)" "${asked[number]}"
  done
  printf '   failed  %5d            %5d\n' "$(failures "$tmp/web4")" "$(failures "$tmp/web6")"
}

lost() { awk -v from="$1" 'NR > from && !/^b[0-9]$/' "$tmp/traffic" | wc -l; } # lost FROM-REQUEST

try() { # the five commands
  local at="nsenter --net=/run/netns/$run-" here
  here=$(pwd)
  cat << END
   ${at}lb $here/build/poise --instance $run service show web
   ${at}lb $here/build/poise --instance $run stats
   ${at}lb $here/build/poise --instance $run backend set web ${B4[3]} --weight 400
   ${at}client curl -s 'http://$VIP4/?[1-10]'
   ${at}lb $here/build/poise --instance $run drops
END
}

echo "Poise: HTTP traffic over three servers, balanced in XDP before the network stack sees it."
picture

say "Making the network: six namespaces"
topology_make segment || give_up "making namespaces failed"
nginx_start_all || give_up "nginx did not start"
decap_attach_all > "$tmp/decap.log" 2>&1 || give_up "poise decap attach failed"
note "three nginx answer with their names; \`poise decap attach\` unwraps packets on each server"

say "Starting poised with this configuration"
write_config
indent < "$config"
began=$(now_ms)
poised_start || give_up "poised did not start"
wait_until 10 all_usable || give_up "the servers did not become usable"
note "" "up after $(($(now_ms) - began)) ms, every server checked:"
poise service list | indent

say "3,000 HTTP requests, each on a connection of its own: 1,500 over IPv4, 1,500 over IPv6"
began=$(now_ms)
requests "http://$VIP4/" 1500 > "$tmp/web4"
requests "http://[$VIP6]/" 1500 > "$tmp/web6"
note "took $(($(now_ms) - began)) ms"
shares
[ "$(cat "$tmp/web4" "$tmp/web6" | failures)" = 0 ] || give_up "requests failed"

say "Killing nginx on b2 while requests run"
traffic_start "http://$VIP4/"
traffic_moves 200 || give_up "no traffic"
began=$(now_ms)
nginx_kill 2
wait_until 20 health_is web "${B4[2]}" down || give_up "poised did not notice"
noticed=$(($(now_ms) - began))
sleep 0.1 # requests that were already on their way
mark=$(wc -l < "$tmp/traffic")
traffic_moves 500 || give_up "no traffic"
traffic_stop
note "noticed after $noticed ms (two failed checks, 500 ms apart); until then b2 refused $(failures "$tmp/traffic") requests"
note "since then: $(($(wc -l < "$tmp/traffic") - mark)) requests, $(lost "$mark") failed"
[ "$(lost "$mark")" = 0 ] || give_up "requests failed after the server was taken out"
poise service show web | indent
nginx_start 2 || give_up "nginx did not start again"
began=$(now_ms)
wait_until 20 all_up || give_up "b2 did not come back"
note "nginx on b2 started again: back in service after $(($(now_ms) - began)) ms"

say "kill -9 of poised while requests run: the XDP program goes on alone"
before=$(flows)
traffic_start "http://$VIP4/"
traffic_moves 200 || give_up "no traffic"
poised_kill
note "poised is dead"
mark=$(wc -l < "$tmp/traffic")
traffic_moves 1000 || give_up "no traffic without poised"
note "$(($(wc -l < "$tmp/traffic") - mark)) requests without poised, $(lost "$mark") failed"

say "Starting poised again: it adopts what it finds"
poised_start || give_up "poised did not start again"
mark=$(wc -l < "$tmp/traffic")
traffic_moves 500 || give_up "no traffic"
traffic_stop
note "$(($(wc -l < "$tmp/traffic") - mark)) more requests, $(lost "$mark") failed; $(wc -l < "$tmp/traffic") in this step and the last, $(lost 0) failed"
[ "$(lost 0)" = 0 ] || give_up "requests failed"
after=$(flows)
note "counters kept: $before connections before the kill, $after now, $((after - before)) more: each of those requests"
[ $((after - before)) = "$(wc -l < "$tmp/traffic")" ] || give_up "connections were not counted"
poise stats | indent

say "Mode nat: servers with nothing set up, on a port of their own"
app=192.0.2.20
route router $app via $LB4 || give_up "no route to $app"
add=(service add app --listen "$app:80/tcp" --mode nat --check http:/healthz)
for number in 1 2 3; do add+=(--backend "${B4[number]}:8080"); done
note "poise ${add[*]}" ""
poise "${add[@]}" || give_up "the service was refused"
wait_until 10 all_usable || give_up "the servers did not become usable"
requests "http://$app/" 900 > "$tmp/app"
poise service show app | indent
note "" "900 requests to $app:80: b1 $(answers_of 1 "$tmp/app"), b2 $(answers_of 2 "$tmp/app"), b3 $(answers_of 3 "$tmp/app"), failed $(failures "$tmp/app")"
note "No server has $app, and none is asked for it on port 80: the balancer puts their addresses and" \
  "ports in, and its own $LB4 as the source, so that they answer it; XDP translates that back, too."
[ "$(failures "$tmp/app")" = 0 ] || give_up "requests failed"

say "Five commands to try"
try
if [ -n "$keep" ]; then
  printf '%s\n' "${pids[@]}" > "$tmp/pids"
  trap - EXIT
  echo
  echo "All of it stands (--keep). Remove it with: sudo tools/demo.sh --remove"
else
  echo
  echo "They work after \`sudo make demo KEEP=1\`, which leaves all of this standing. Cleaning up."
fi
echo "The demo took $SECONDS s."
