# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# One measured run of one kind: what the client saw, and what the machine spent meanwhile.
# Each appends a line of JSON to $tmp/runs.
tick_us=$((1000000 / $(getconf CLK_TCK)))
prog_time=$root/build/tools/bench-peers/prog_time

now_us() { echo "${EPOCHREALTIME/./}"; }

# The busy time of all CPUs and namespaces is user, nice, system, irq and softirq; neither idle nor
# stolen by the host.
busy_us() { awk -v tick="$tick_us" '$1 == "cpu" { printf "%.0f", ($2 + $3 + $4 + $7 + $8) * tick; exit }' /proc/stat; }

processes_us() { # CPU time of the balancer's processes
  local pid sum=0 line
  for pid in $(ip netns pids "$run-lb"); do
    read -r line < "/proc/$pid/stat" || continue
    # From the third field on; the command before may contain spaces.
    read -r -a line <<< "${line##*) }"
    sum=$((sum + (line[11] + line[12]) * tick_us))
  done 2> /dev/null
  echo "$sum"
}

measure_idle() { # prints what the machine spends in as long as a run takes, with nobody asking
  local before
  before=$(busy_us)
  sleep "$duration"
  echo $(($(busy_us) - before))
}

# measured KIND COMMAND...: the command leaves what it found in $tmp/report.
measured() {
  local kind=$1 busy own
  shift
  rm -f "$tmp/report"
  own=$(processes_us)
  busy=$(busy_us)
  "$@" || return
  busy=$(($(busy_us) - busy))
  own=$(($(processes_us) - own))
  [ "$(subject_balances)" != kernel ] || own=null
  record "$kind" --argjson busy_us "$busy" --argjson own_us "$own" < "$tmp/report"
}

record() { # record KIND JQ-OPTION...: a run's line from what its command reported, on stdin
  jq -c --arg subject "$subject" --arg offloads "$offloads" --argjson round "$round" --arg kind "$1" \
    --argjson idle_us "$idle_us" --argjson idle_seconds "$duration" "${@:2}" \
    '{$subject, $offloads, $round, $kind} + . + ($ARGS.named | del(.subject, .offloads, .round, .kind))' \
    >> "$tmp/runs"
}

# ---- kinds
run_wrk() { # run_wrk SECONDS OPTION...
  PEERS_REPORT=$tmp/report on client ${with[@]+"${with[@]}"} wrk --threads 2 --connections "$connections" \
    --duration "$1s" --timeout 2s --script tools/bench-peers/wrk.lua "${@:2}" "$(subject_url)/" > "$tmp/wrk.log" 2>&1
}

run_new() { run_wrk "$1" --header "Connection: close"; }
run_kept() { run_wrk "$1"; }

run_file() { # run_file SECONDS: downloads at once, each over a connection of its own, cut off if too long
  local began
  began=$(now_us)
  yes "$(subject_url)/file" | head -n "$downloads" |
    on client ${with[@]+"${with[@]}"} xargs -P "$downloads" -n 1 \
      curl -s --max-time "$1" -o /dev/null -w '{"bytes":%{size_download},"status":%{exitcode}}\n' > "$tmp/files"
  jq -s -c --argjson us $(($(now_us) - began)) '{ bytes: map(.bytes) | add, seconds: ($us / 1e6),
    errors: { download: map(select(.status != 0 and .status != 28)) | length } }' "$tmp/files" > "$tmp/report"
}

# How long the XDP program itself runs is asked for in runs of their own, since the asking costs.
measure_program() { # measure_program PROGRAM-ID KIND
  rm -f "$tmp/prog"
  with=(env "PEERS_PROG_TIME=$tmp/prog" "$prog_time" "$1")
  "run_$2" 1 || return
  with=()
  jq -s -c 'add' "$tmp/report" "$tmp/prog" | record "$2-program"
}
