#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The same clients, servers and changes over several load balancers: who breaks how many connections?
#   run.sh [SUBJECT...]   poise, nftables, haproxy, haproxy-sf; all of them unless named
# Prints a table and writes build/bench-churn.json; exit status 1 when Poise broke one.
#
# A subject is a file lib-SUBJECT.sh with subject_start, subject_stop, subject_set NUMBER WEIGHT ("":
# not configured, 0: no new connections), subject_restart (kill -9 of all its processes in
# the midst of a change, then the start that a service manager would do; status 2: it has none),
# subject_carried (how many connections went through it), subject_extra (what it takes in the end)
# and subject_about.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/net/lib/lib.sh
. tests/net/lib/lib.sh
# shellcheck source=tests/net/lib/lib-churn.sh
. tests/net/lib/lib-churn.sh

long=${LONG:-2000}
short=${SHORT:-100}
# Seconds; HAProxy's old processes end after 30, and idle connections have been idle for a minute by
# the end of it.
silence=${SILENCE:-45}
subjects=("$@")
[ $# -gt 0 ] || subjects=(poise nftables haproxy haproxy-sf)
results=build/bench-churn.json
weights=("" 100 100 100 "") # of backends, from 1; "": not configured

give_up() { echo "bench-churn: $*" >&2; show_logs >&2; exit 1; }
note() { echo "  $*"; }

# One change: the balancer is told, the clients go on.
set_weight() { # set_weight NUMBER WEIGHT
  weights[$1]=$2
  subject_set "$1" "$2" || give_up "$subject: b$1 to weight '$2' failed"
}

# ---- phases: what is done, how long it takes clients to notice
phase_add() { set_weight 4 100; sleep 1; }
phase_reweight() { set_weight 1 30; sleep 1; set_weight 3 300; sleep 1; }
phase_remove() { set_weight 2 0; sleep 3; set_weight 2 ""; sleep 1; }
phase_fifty() { # fifty changes in a row
  local turn
  for ((turn = 0; turn < 10; turn++)); do
    set_weight 2 100
    set_weight 1 $((50 + turn * 20))
    set_weight 4 0
    set_weight 2 ""
    set_weight 4 100
  done
}
phase_silence() { sleep "$silence"; }
phase_restart() { subject_restart; }

phases=(add reweight remove fifty silence restart)
declare -A phase_about=(
  [add]="a backend is added" [reweight]="two weights are changed"
  [remove]="a backend is drained for 3 s, then removed" [fifty]="50 changes in a row"
  [silence]="$silence s nothing happens" [restart]="kill -9 of all its processes, start")

# Prints what broke since the last phase, and keeps the report.
judge_phase() { # judge_phase NAME STATUS
  local status=$2 report before=$broken
  [ "$status" = 2 ] || churn_ask_if "$1"
  report=$(churn_says clients '^\{' report) || give_up "$subject: no report"
  broken=$(jq .broken.total <<< "$report")
  [ "$status" = 2 ] && { cells+=("$subject $1 n/a"); note "${phase_about[$1]}: n/a"; return; }
  cells+=("$subject $1 $((broken - before))")
  note "${phase_about[$1]}: $((broken - before)) broken"
  jq -c --arg subject "$subject" --arg phase "$1" '{$subject, $phase, report: .}' <<< "$report" >> "$tmp/phases"
}

# Idle connections stay silent until the silence is over: only then each is asked.
churn_ask_if() {
  case $1 in
    silence | restart) churn_ask clients || give_up "$subject: clients do not answer" ;;
  esac
}

measure() { # measure SUBJECT
  local phase status carried broken=0
  subject=$1
  # shellcheck disable=SC2034 # read by subjects
  weights=("" 100 100 100 "")
  # shellcheck source=/dev/null
  . "tools/bench-churn/lib-${subject//-/}.sh"
  echo "$subject: $(subject_about)"
  subject_start || give_up "$subject does not start"
  churn_start clients --long "$long" --short "$short" --quiet 600000 "$VIP4" 80 ||
    give_up "$subject: $(tail -n 1 "$tmp/clients.log")"
  carried=$(subject_carried)
  ((carried >= long)) || give_up "$subject: only $carried connections went through it"
  sleep 1
  for phase in "${phases[@]}"; do
    "phase_$phase"
    status=$?
    judge_phase "$phase" "$status"
  done
  subject_extra > "$tmp/extra"
  note "then: $(cat "$tmp/extra")"
  churn_end clients
  jq -n -c --arg subject "$subject" --arg about "$(subject_about)" --rawfile extra "$tmp/extra" \
    --argjson report "$(churn_last clients .)" '{$subject, $about, left: ($extra | rtrimstr("\n")), $report}' \
    >> "$tmp/ends"
  subject_stop || give_up "$subject does not stop"
  rm -f "$tmp/clients.log" "$tmp/clients.orders"
}

# ---- the table
row() { printf '%-46s' "$1"; shift; printf ' %15s' "$@"; echo; }

cell() { # cell SUBJECT PHASE
  local one
  for one in "${cells[@]}"; do
    [[ $one == "$1 $2 "* ]] && echo "${one##* }" && return
  done
  echo "-"
}


table() {
  local phase subject values
  echo
  row "connections broken" "${subjects[@]}"
  for phase in "${phases[@]}"; do
    values=()
    for subject in "${subjects[@]}"; do values+=("$(cell "$subject" "$phase")"); done
    row "${phase_about[$phase]}" "${values[@]}"
  done
  # shellcheck disable=SC2046 # one value a word
  {
    row "in all" $(of_ends .broken.total)
    row "  reset" $(of_ends .broken.reset)
    row "  closed" $(of_ends .broken.closed)
    row "  stalled (no answer for 5 s)" $(of_ends .broken.stalled)
    row "  answered by another backend" $(of_ends .broken.other)
    row "  refused" $(of_ends .broken.refused)
    row "of which busy/idle/short" $(of_ends '.broken_kinds | "\(.busy)/\(.idle)/\(.short)"')
    row "long connections held" $(of_ends .long)
    row "short connections" $(of_ends .short)
    row "longest wait for an answer (ms)" $(of_ends .longest_answer_ms)
    row "longest wait for a connection (ms)" $(of_ends .longest_connect_ms)
  }
}

of_ends() { # of_ends JQ-FILTER: of each subject's last report
  jq -r ".report | $1" "$tmp/ends"
}

cells=()
churn_topology || give_up "namespaces cannot be made"
for number in 1 2 3 4; do churn_server_start $number || give_up "no server on b$number"; done
for subject in "${subjects[@]}"; do measure "$subject"; done
table
mkdir -p build
jq -n --slurpfile phases "$tmp/phases" --slurpfile ends "$tmp/ends" '{$ends, $phases}' > "$results"
echo
echo "$results has every figure. It took $SECONDS s."
of_poise=$(jq -s '[.[] | select(.subject == "poise") | .report.broken.total] | add // 0' "$tmp/ends")
[ "$of_poise" = 0 ] || { echo "Poise broke $of_poise connections" >&2; exit 1; }
