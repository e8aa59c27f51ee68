#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The flow table and the counters: another size is carried over by a restart, a bad one is refused,
# poise flows tells what is tracked, and whoever comes back under another's number starts from zero.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-churn.sh
. "$here/lib-churn.sh"

topology_make segment || bail "topology"
nginx_start_all || bail "nginx starts"
for number in 1 2 3; do
  spawn "held-b$number" "b$number" "$churn_server" "b$number" 9000
  wait_until 5 grep -q ready "$tmp/held-b$number.log" || bail "churn_server starts"
done

write() { # write FLOWS
  {
    echo "interfaces: [eth0]"
    echo "flows: $1"
    echo "max_backends: 40"
    echo "timeouts: { tcp: 8s }"
    echo "services:"
    service_yaml web "$VIP4:80/tcp" l2 "${B4[@]}"
    echo "    settle: 1s"
    service_yaml held "$VIP4:9000/tcp" l2 "${B4[@]}"
    echo "    track: always"
  } > "$config"
}
size() { field .flows.size status; }
write 64K
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_usable
is "the table has the configured size" "$(size)" 65536

# ---- poise flows
of_flows() { field ".services[] | select(.service == \"$1\" or .name == \"$1\") | $2" flows; } # of_flows SERVICE JQ-FILTER
check "600 connections" churn_start clients --long 600 --short 20 --every 1000 --quiet 4000 $VIP4 9000
counted() { [ "$(of_flows held ".flows >= 600 and .flows < 700 and ([.backends[] | .flows >= 100] | all)")" = true ]; }
check "poise flows: those of a service that tracks all are counted, of each backend as many as it has" \
  wait_until 10 counted
is "poise flows: none is claimed of stable rows" "$(of_flows web .flows)" null
matches "poise flows: nor in the table" "$(poise flows web)" "web .* -"

# ---- another size
write 128K
check "a reload with another size" poise reload
is "the size is that of the table, until a restart" "$(size)" 65536
check "a weight changes" poise backend set held "${B4[1]}" --weight 10
poised_stop
check "poised starts with another size" poised_start
is "the table has it" "$(size)" 131072
check "every connection answers" churn_ask clients
is "connections broken" "$(churn_broken clients)" 0
check "back to a small one" eval 'write 4K && poised_kill_and_start'
is "the table is small" "$(size)" 4096
check "every connection answers" churn_ask clients
is "connections broken by that" "$(churn_broken clients)" 0

# ---- bad sizes
refused() { # refused NAME FLOWS PATTERN
  write "$2"
  poise check "$config" > "$tmp/out" 2>&1
  is "$1: exit status of poise check" $? 1
  matches "$1: where, and what would do" "$(cat "$tmp/out")" "poise\.yaml:2:.*$3"
}
refused "no power of two" 100000 "64K.*128K|65536.*131072"
refused "too small" 512 "1K|1024"
refused "too large" 1G "256M"
refused "no number" many "flows"
write 100000
poised_stop
check "poised does not start with it" eval '! poised_start'
matches "and says why" "$(cat "$tmp/poised-$instance.log")" "flows: .*(64K|65536)"
check "connections go on without poised" churn_ask clients
# A machine with 100 MiB left, as poised sees it.
sed 's/^MemAvailable:.*/MemAvailable:     102400 kB/' /proc/meminfo > "$tmp/meminfo"
printf '#!/bin/sh\nmount --bind "%s" /proc/meminfo && exec "$@"\n' "$tmp/meminfo" > "$tmp/poor"
chmod 755 "$tmp/poor"
write 16M
: > "$tmp/poised-$instance.log"
spawn_with="unshare --mount $tmp/poor" check "poised does not start with more than memory allows" eval '! poised_start'
matches "and says which would do" "$(cat "$tmp/poised-$instance.log")" "flows.* (4M|2M)"
write 64K
check "poised starts with a good one" poised_start
check "every connection answers" churn_end clients
is "connections broken in the end" "$(churn_last clients .broken.total)" 0

# ---- counters
count_of() { # count_of ID: new flows
  field ".services[] | select(.name == \"web\") | .backends[] | select(.id == \"$1\") | .new_flows" stats --once
}
leaving() { field '[.[] | .leaving // [] | length] | add' service list; }
all_gone() { [ "$(leaving)" = 0 ]; }
all_web() { [ "$(field '[.backends[] | .usable] | all' service show web)" = true ]; }
declare -A counted=()
counts_as_answered() { # counts_as_answered NAME: 90 requests, each backend counts its own
  local number now
  for number in 1 2 3; do counted[$number]=$(count_of "${B4[number]}"); done
  requests "http://$VIP4/" 90 > "$tmp/answers"
  is "$1: requests are answered" "$(grep -cE '^b[123]$' "$tmp/answers")" 90
  for number in 1 2 3; do
    now=$(count_of "${B4[number]}")
    is "$1: b$number counts its own" $((${now:-0} - ${counted[$number]:-0})) "$(answers_of $number "$tmp/answers")"
  done
}
counts_as_answered "at first"
target_of() { field ".backends[] | select(.id == \"$1\") | .target" service show web; }
before=$(target_of "${B4[3]}")
check "b3 is removed" poise backend del web "${B4[3]}"
check "in the end it is gone" wait_until 30 all_gone
is "nothing of it is left" \
  "$(field '.services[] | select(.name == "web") | .backends | length' stats --once)" 2
# Its number goes round: 40 of them in all, and each that comes has one.
round=0
take_turns() {
  local turn
  for ((turn = 0; turn < 40; turn++)); do
    poise backend add web "10.0.0.$((100 + turn))" && poise backend del web "10.0.0.$((100 + turn))" || return
    wait_until 10 all_gone || return
    round=$((round + 1))
  done
}
check "40 others come and go" take_turns
check "b3 comes back" poise backend add web "${B4[3]}"
check "it is usable" wait_until 5 all_web
is "b3 begins at zero" "$(count_of "${B4[3]}")" 0
echo "# b3 was target $before, is $(target_of "${B4[3]}") after $round others"
counts_as_answered "after others had its number"
check "b2 is removed" poise backend del web "${B4[2]}"
check "and added at once" poise backend add web "${B4[2]}"
counts_as_answered "b2 was away for a moment"
finish
