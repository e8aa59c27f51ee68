#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# 2,000 connections, busy and silent ones, and short ones beside them, while backends are added,
# drained, removed, reweighted and fail, and poised is killed and replaced: no connection breaks but
# those of a backend that fails.
. "$(dirname "$0")/../lib/lib.sh"
# shellcheck source=tests/net/lib/lib-churn.sh
. "$here/lib-churn.sh"

churn_topology || bail "topology"
for number in 1 2 3 4; do
  churn_server_start $number || bail "churn_server starts"
  churn_nginx_start $number || bail "nginx starts"
done
decap_attach_all || bail "poise decap attach"
decap_attach_fourth || bail "poise decap attach"
# web's silent connections are silent throughout, http's for two seconds at a time: its rows settle
# and become stable in between.
check_yaml="{ tcp: true, interval: 300ms, timeout: 250ms, rise: 1, fall: 2 }"
{
  echo "interfaces: [eth0]"
  echo "services:"
  service_yaml web "$VIP4:80/tcp" ipip "$check_yaml" "${B4[1]}" "${B4[2]}" "${B4[3]}"
  service_yaml http "[$VIP6]:8080/tcp" ipip "$check_yaml" "${B6[1]}" "${B6[2]}" "${B6[3]}"
  echo "    settle: 5s"
} > "$config"
poised_start || bail "poised starts"
check "every backend becomes usable" wait_until 10 all_up
check "1,000 connections over IPv4" churn_start tcp --long 1000 --quiet 600000 $VIP4 80
check "1,000 connections to nginx over IPv6" churn_start http --long 1000 --quiet 2000 --http $VIP6 8080

# Twice as many answers as there are busy connections: nearly all of them have been asked since.
traffic() { churn_moves tcp 1000 && churn_moves http 1000; }
unbroken() { # unbroken AFTER-WHAT
  check "$1: connections are used" traffic
  is "$1: connections broken" "$(churn_broken tcp) $(churn_broken http)" "0 0"
}

# ---- changes, of both services; each may be done again without harm
has() { [ "$(field "[.backends[].id] | index(\"$2\") != null" service show "$1")" = true ]; } # has SERVICE BACKEND
both() { # both COMMAND NUMBER ARGUMENT...: COMMAND SERVICE BACKEND ARGUMENT...
  local command=$1 number=$2
  shift 2
  "$command" web "${B4[number]}" "$@" && "$command" http "${B6[number]}" "$@"
}
add_one() { has "$1" "$2" || poise backend add "$@"; }
del_one() { ! has "$1" "$2" || poise backend del "$@"; }
set_one() { poise backend set "$@"; }
drain_one() { poise backend drain "$@"; }
ready_one() { poise backend ready "$@"; }
maint_one() { poise backend maint "$@"; }
add() { both add_one "$@"; }
del() { both del_one "$@"; }
weight() { both set_one "$1" --weight "$2"; }
drain() { both drain_one "$1"; }
ready() { both ready_one "$1"; }
maint() { both maint_one "$1"; }
# Who is there leaves on its own, as clients of a drained backend do in the end.
clients_leave() { churn_leave tcp "b$1" && churn_leave http "b$1"; }

# ---- one after the other
check "a backend is added" add 4
unbroken "added"
check "a weight is lowered" weight 1 30
check "a weight is raised" weight 3 400
unbroken "reweighted"
check "a backend is drained" drain 2
check "its connections are used" traffic
check "and removed with connections of its own" del 2
unbroken "drained and removed"
holds "the removed one's connections go on" "$(churn_value tcp .by_backend.b2.open) > 100"
check "it is added again" add 2
unbroken "added again"

check "slow start is configured" poise service set web --slow-start 10s
check "so is http's" poise service set http --slow-start 2s
check "the fourth is removed" del 4
check "and comes back slowly" add 4
rows_of() { field ".backends[] | select(.id == \"$2\") | .rows" service show "$1"; }
first=$(rows_of web "${B4[4]}")
rises() { (($(rows_of web "${B4[4]}") > 2 * first)); }
check "its rows rise" wait_until 20 rises
check "a faster start is configured" poise service set web --slow-start 2s
unbroken "slow start"

check "a backend is drained" drain 3
check "its clients leave" clients_leave 3
check "then there is maintenance" maint 3
check "connections of others are used" traffic
check "it is ready again" ready 3
unbroken "maintenance after a drain"

turn() { # turn NUMBER: one of fifty changes
  case $(($1 % 10)) in
    0) weight 1 $((20 + $1)) ;;
    1) del 4 ;;
    2) drain 2 ;;
    3) add 4 ;;
    4) weight 3 $((500 - 7 * $1)) ;;
    5) ready 2 ;;
    6) drain 1 ;;
    7) weight 4 $((50 + $1)) ;;
    8) ready 1 ;;
    9) weight 2 $((1 + $1)) ;;
  esac
}
fifty() { local n; for ((n = 0; n < 50; n++)); do turn "$n" || return; done; }
check "50 changes in a row" fifty
unbroken "50 changes"
check "silent connections are asked" churn_ask http
unbroken "50 changes and asked"

# ---- poised killed in the midst of each
restart_in_the_midst() { # restart_in_the_midst SECONDS COMMAND...: so long after it began
  local after=$1 begun
  shift
  "$@" > "$tmp/begun.log" 2>&1 &
  begun=$!
  sleep "$after"
  poised_kill
  wait "$begun"
  poised_start && "$@" # which may not have got through
}
for after in 0.003 0.015 0.04; do
  check "killed $after s into a drain" restart_in_the_midst $after drain 2
  check "killed $after s into a change of weight" restart_in_the_midst $after weight 1 $((200 + ${after#0.}))
  check "killed $after s into a removal" restart_in_the_midst $after del 4
  check "killed $after s into the end of a drain" restart_in_the_midst $after ready 2
  check "killed $after s into an addition" restart_in_the_midst $after add 4
  unbroken "killed after $after s"
done
check "killed while a backend starts slowly" restart_in_the_midst 0.6 ready 2

# ---- another build
other=$tmp/poised-other
check "there is another build" other_build "$other"
program() { field '.interfaces[0].program' status; }
before=$(program)
poised=$other
check "another build takes over in the midst of a change" restart_in_the_midst 0.01 weight 4 300
is "it is another build" "$(field .version status)" "$other_version"
holds "with its own program" "$(program) != $before"
check "a backend is drained by it" drain 3
unbroken "another build"
poised=${POISED:-$root/build/poised}
check "and the first takes over from it" restart_in_the_midst 0.01 ready 3
check "every backend is up" wait_until 10 all_up
unbroken "the first build again"

# ---- a backend that fails
check "b1 may break now" churn_allow tcp b1
check "also nginx on it" churn_allow http b1
end server-b1 KILL
end nginx-b1 KILL
check "b1 is found down" wait_until 5 health_is web "${B4[1]}" down
check "its nginx, too" wait_until 5 health_is http "${B6[1]}" down
check "everybody is connected again" wait_until 10 churn_whole tcp
check "everybody is connected to nginx again" wait_until 10 churn_whole http
unbroken "b1 failed, those of others"
holds "b1's own broke" "$(churn_value tcp .allowed.total) > 50"
churn_server_start 1 && churn_nginx_start 1
check "b1 is found up" wait_until 5 all_up
check "it is used" traffic
check "nothing may break any more" churn_forbid tcp
check "nor of nginx" churn_forbid http
unbroken "b1 is back"

# ---- the end
moving() { field .tracking.moving service show http; }
settled() { [ "$(moving)" = 0 ]; }
check "http's rows settle" wait_until 15 settled
check "every connection to b1, b2, b3, b4 answers once more" churn_end tcp
check "every connection to nginx answers once more" churn_end http
for name in tcp http; do
  echo "# $name: $(churn_last "$name" '"\(.long) long, \(.short) short, \(.answers) answers, longest \(.longest_answer_ms) ms in \(.seconds) s, broken \(.broken)"')"
  is "$name: long connections held" "$(churn_last $name .established)" 1000
done
echo "# dropped: $(field tostring drops)"
finish
