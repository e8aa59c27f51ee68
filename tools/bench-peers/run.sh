#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The same client and the same three servers through several load balancers: what does each carry, how fast
# does it answer, and what does it cost?
#   run.sh [SUBJECT...]   direct, poise-nat, poise-l2, poise-ipip, nftables, haproxy, nginx; all unless named
# Prints tables of medians and writes every run to build/bench-peers.json.
#   ROUNDS=3 DURATION=3 (seconds) CONNECTIONS=64 DOWNLOADS=2 FILE_MIB=1024 OFFLOADS="off on"
#
# A subject is a file lib-SUBJECT.sh with subject_about, subject_start and subject_stop; what else it may
# say of itself is in subject_defaults.
set -u
cd "$(dirname "$0")/../.." || exit 1
# A tmpfs, for what servers send.
export POISE_TMP=/dev/shm/poise-peers-$$ POISE_RUN=poise-peers-$$
# shellcheck source=tests/net/lib/lib.sh
. tests/net/lib/lib.sh
rounds=${ROUNDS:-3} duration=${DURATION:-3} connections=${CONNECTIONS:-64}
downloads=${DOWNLOADS:-2} file_mib=${FILE_MIB:-1024}
read -r -a variants <<< "${OFFLOADS:-off on}"
subjects=("$@")
[ $# -gt 0 ] || subjects=(direct poise-nat poise-l2 poise-ipip nftables haproxy nginx)
results=build/bench-peers.json
# shellcheck disable=SC2034 # read by subjects
weights=("" 100 100 100 "") # of backends, from 1, as in bench-churn
with=()                     # what a run's command is run by
# shellcheck source=tools/bench-peers/lib-net.sh
. tools/bench-peers/lib-net.sh
# shellcheck source=tools/bench-peers/lib-measure.sh
. tools/bench-peers/lib-measure.sh

give_up() { echo "bench-peers: $*" >&2; show_logs >&2; exit 1; }

subject_defaults() {
  subject_url() { echo "http://$VIP4"; }
  subject_answers() { echo "b1 b2 b3"; } # which backends answer
  subject_balances() { echo kernel; }    # or process or program: whose CPU time is told apart
}

answers() { # which backends do
  on client curl -sf --fail-early -H "Connection: close" --max-time 2 "$(subject_url)/?n=[1-50]" | sort -u | xargs
}

measure_all() { # every kind of run, with the subject that runs
  local kind program
  [ "$(answers)" = "$(subject_answers)" ] || give_up "$subject: answers come from '$(answers)', not '$(subject_answers)'"
  for kind in new kept; do # warming up
    run_$kind 1 || give_up "$subject: wrk: $(cat "$tmp/wrk.log")"
  done
  idle_us=$(measure_idle)
  for kind in new kept file; do
    measured $kind run_$kind "$duration" || give_up "$subject: wrk: $(cat "$tmp/wrk.log")"
  done
  [ "$(subject_balances)" = program ] || return 0
  program=$(subject_program) # its id
  for kind in new kept file; do
    measure_program "$program" $kind || give_up "$subject: prog_time: $(cat "$tmp/wrk.log")"
  done
}

measure_subject() { # measure_subject SUBJECT
  subject=$1
  subject_defaults
  # shellcheck source=/dev/null
  . "tools/bench-peers/lib-${subject//-/}.sh"
  offloads_set "$offloads" || give_up "offloads $offloads: ethtool failed"
  subject_start || give_up "$subject does not start"
  abouts[$subject]=$(subject_about)
  measure_all
  subject_stop || give_up "$subject does not stop"
  echo "  round $round, offloads $offloads, $subject: $(last_figures)"
}

last_figures() {
  tail -n 6 "$tmp/runs" | jq -s -r --arg subject "$subject" '
    map(select(.subject == $subject) | {key: .kind, value: .}) | from_entries
    | "\(.new.requests / .new.seconds | round) new/s, \(.kept.requests / .kept.seconds | round) kept/s, \(
      .file.bytes * 8e-7 / .file.seconds | round / 100) Gbit/s"'
}

# Every other round goes backwards, so that a machine that slows down is not one subject's trouble.
in_turn() { # in_turn ROUND: prints the subjects
  if (($1 % 2)); then printf '%s\n' "${subjects[@]}"; else printf '%s\n' "${subjects[@]}" | tac; fi
}

# ---- tables
row() { printf '%-28s' "$1"; shift; printf ' %9s' "$@"; echo; }

table() { # table KIND TITLE HEADING...
  local cells
  echo
  row "${@:2}"
  jq -r -L tools/bench-peers --arg kind "$1" 'include "tables"; table(.medians; .subjects; $kind)' "$results" |
    while IFS=$'\t' read -r -a cells; do row "${cells[@]}"; done
}

write_results() {
  local name
  for name in "${subjects[@]}"; do jq -n --arg name "$name" --arg about "${abouts[$name]}" '{($name): $about}'; done > "$tmp/abouts"
  mkdir -p build
  jq -n -L tools/bench-peers --slurpfile runs "$tmp/runs" --slurpfile abouts "$tmp/abouts" \
    --arg kernel "$(uname -r)" --argjson cpus "$(nproc)" --argjson connections "$connections" \
    'include "tables"; { $kernel, $cpus, $connections, about: ($abouts | add), subjects: ($abouts | map(keys[])),
      medians: ($runs | medians), $runs }' > "$results"
}

tables() {
  local ratios=("/nftables" "/haproxy")
  table new "a connection per request" "req/s" "${ratios[@]}" "p50 ms" "p99 ms" "CPU us" "${ratios[@]}" "own us"
  table kept "kept connections" "req/s" "${ratios[@]}" "p50 ms" "p99 ms" "CPU us" "${ratios[@]}" "own us"
  table file "$downloads downloads at once" "Gbit/s" "${ratios[@]}" "CPU s/GB" "${ratios[@]}" "own s/GB"
  cat << END

Medians of $rounds rounds, $connections connections. CPU: what all CPUs of the machine spent on client, servers
and balancer together, for a request. own: of that the balancer's processes and, of Poise, its XDP
program; of nftables it cannot be told. Latency is from the request sent to its answer, as wrk counts
it, without the handshake. Frames are whole and no longer than the MTU at all ends, as on a wire; rows with
"(offloads)" have checksum offload, TSO and GSO on at all ends, as veth has from the start, except, of
Poise, at the end that sends to its XDP program, where the kernel cannot have them.
END
}

noise() { # CPU time that others took makes every figure worse, and what is subtracted a guess
  jq -r '[.runs[] | .idle_us / .idle_seconds / 1e4 / $cpus | select(. != null)] | sort | .[length / 2 | floor] | round
    | select(. > 3) | "! The machine was not quiet: others took \(.) % of its CPU time in idle intervals."' \
    --argjson cpus "$(nproc)" "$results"
}

errors() { # what the rows with a ! mean
  jq -r '.medians[] | select(.errors != {}) | "! \(.subject), offloads \(.offloads), \(.kind): \(.errors
    | to_entries | map("\(.value) \(.key)") | join(", ")) failed"' "$results"
}

declare -A abouts=()
space=$(df --output=avail -m /dev/shm | tail -n 1)
((space > file_mib + 64)) || give_up "/dev/shm has $space MiB free: FILE_MIB=$((space / 2)) takes less"
peers_topology || give_up "namespaces cannot be made"
for ((round = 1; round <= rounds; round++)); do
  for offloads in "${variants[@]}"; do
    for one in $(in_turn "$round"); do measure_subject "$one"; done
  done
done
write_results
echo
for one in "${subjects[@]}"; do printf '%-10s  %s\n' "$one" "${abouts[$one]}"; done
tables
errors
noise
echo
echo "$results has every run. It took $SECONDS s."
