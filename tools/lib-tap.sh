# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Starting test programs, judging what they print, and counting: for test.sh and test-kernel.
#
# A test program prints TAP: "ok", "not ok", "ok ... # SKIP" or "skip - name: reason", and a plan. One
# that can do nothing on this machine prints "1..0 # SKIP reason". A program fails when it exits with
# an error, is killed, hangs, has no plan, or ran more or fewer tests than its plan says.
logs=${logs:-build/test-logs}
# Seconds for one program; on a slow machine POISE_PATIENCE is how many times as long.
declare -A limit=([runner]=120 [build]=300 [unit]=120 [packet]=600 [oracle]=300 [net]=300 [fuzz]=300 [kernel]=200 [insn]=60)
for kind in "${!limit[@]}"; do limit[$kind]=$((limit[$kind] * ${POISE_PATIENCE:-1})); done
fuzz_runs=${FUZZ_RUNS:-200000}
passed=0 failed=0 skipped=0

summary() {
  local skips=
  [ "$skipped" = 0 ] || skips=", $skipped skipped"
  echo "$passed passed, $failed failed$skips"
}

# Sanitizers must fail the test, whatever the caller's environment says.
start() { # start KIND PROGRAM: in this process's place, so call it with & or in ( )
  local command=("$2") name
  name=$(basename "$2")
  if [ "$1" = fuzz ]; then
    command+=(-runs="$fuzz_runs" -max_total_time=60 -seed=1 -print_final_stats=1
      -artifact_prefix="$logs/$name-")
    [ -d "tests/fuzz/$name.corpus" ] && command+=("tests/fuzz/$name.corpus")
  fi
  [ "$1" != insn ] || command+=(--budget tests/budget.txt)
  # --verbose, so that the log tells a timeout from a kill: with both the exit status may be 137.
  exec env LC_ALL=C CMOCKA_MESSAGE_OUTPUT=TAP ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
    timeout --verbose --kill-after=30 "${limit[$1]}" "${command[@]}" < /dev/null
}

# Reads a log into ok, bad, skip and trouble (what is wrong beside failed tests; may be empty).
judge() { # judge KIND LOG STATUS
  local planned
  skip=$(grep -ciE '^(ok .*# skip|skip )' "$2")
  ok=$(($(grep -c '^ok\b' "$2") - $(grep -ciE '^ok .*# skip' "$2")))
  bad=$(grep -c '^not ok\b' "$2")
  planned=$(sed -nE 's/^1\.\.([0-9]+).*/\1/p' "$2" | paste -sd+ | sum_up)
  trouble=
  if grep -q '^timeout: sending signal' "$2"; then
    trouble="did not end within ${limit[$1]} s"
  elif (($3 > 128)) && kill -l $(($3 - 128)) > /dev/null 2>&1; then
    trouble="killed by SIG$(kill -l $(($3 - 128)))"
  elif [ "$3" != 0 ] && [ "$bad" = 0 ]; then
    trouble="exit status $3"
  elif [ "$1" = fuzz ]; then
    ok=1
  elif [ -z "$planned" ]; then
    trouble="no plan: it ended early"
  elif [ "$planned" != $((ok + bad + skip)) ]; then
    trouble="$((ok + bad + skip)) of $planned tests ran"
  elif [ "$planned" = 0 ] && grep -qiE '^1\.\.0 # skip' "$2"; then
    skip=1
  elif [ "$planned" = 0 ]; then
    trouble="ran no test"
  fi
}

sum_up() { # "1+2+3" on stdin
  local sum
  read -r sum && [ -n "$sum" ] && echo $((sum))
}

report() { # report KIND/NAME LOG SECONDS
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
  if [ "$bad" = 0 ] && [ -z "$trouble" ]; then
    printf '  ok    %-28s %4d%s  %d s\n' "$1" "$ok" "$([ "$skip" = 0 ] || echo ", $skip skipped")" "$3"
    grep -iE '^(ok .*# skip|skip |1\.\.0 # skip)' "$2" | sed 's/^/          /'
    return
  fi
  [ -z "$trouble" ] || failed=$((failed + 1))
  printf '  FAIL  %-28s %4d, %d failed%s\n' "$1" "$ok" "$bad" "${trouble:+; $trouble}"
  { grep -A12 '^not ok\b' "$2" | head -n 60; [ -z "$trouble" ] || tail -n 25 "$2"; } | sed 's/^/          /'
  echo "          ($2)"
}
