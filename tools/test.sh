#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs tests and counts: test.sh KIND... [NAME...], kinds unit, packet, net and fuzz; names pick
# programs of these kinds. Logs are in build/test-logs. Last line: "N passed, N failed[, N skipped]".
#
# A test program prints TAP ("ok", "not ok", "# SKIP"; or "skip - name: reason"). What exits with an
# error, is killed, hangs, prints less than its plan or no test at all, has failed.
set -u
cd "$(dirname "$0")/.." || exit 2
logs=build/test-logs
# Seconds for one program.
declare -A limit=([unit]=120 [packet]=600 [net]=300 [fuzz]=300)
fuzz_runs=${FUZZ_RUNS:-200000}
passed=0 failed=0 skipped=0 running=

mkdir -p "$logs"

interrupted() {
  trap '' INT TERM
  # timeout(1) passes the signal on; scenarios then take their namespaces down.
  [ -n "$running" ] && kill -TERM "$running" 2> /dev/null && wait "$running"
  echo "interrupted"
  summary
  exit 130
}
trap interrupted INT TERM

summary() {
  local skips=
  [ "$skipped" = 0 ] || skips=", $skipped skipped"
  echo "$passed passed, $failed failed$skips"
}

programs() { # programs KIND: paths, one a line
  local source name
  case $1 in
    net) for source in tests/net/*.sh; do
      case $source in */lib.sh | */lib-*.sh) ;; *) [ -e "$source" ] && echo "$source" ;; esac
    done ;;
    *) for source in tests/"$1"/*.c; do
      name=$(basename "$source" .c)
      case $1-$name in packet-test_* | unit-test_* | fuzz-*) ;; *) continue ;; esac
      [ -e "$source" ] && echo "build/tests/$1/$name"
    done ;;
  esac
}

# Sanitizers must fail the test, whatever the caller's environment says.
start() { # start KIND PROGRAM: runs it in the background
  local command=("$2") name
  name=$(basename "$2")
  if [ "$1" = fuzz ]; then
    command+=(-runs="$fuzz_runs" -max_total_time=60 -seed=1 -print_final_stats=1
      -artifact_prefix="$logs/$name-")
    [ -d "tests/fuzz/$name.corpus" ] && command+=("tests/fuzz/$name.corpus")
  fi
  CMOCKA_MESSAGE_OUTPUT=TAP ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 \
    timeout --kill-after=30 "${limit[$1]}" "${command[@]}" < /dev/null
}

# Reads a log into ok, bad, skip and trouble (what is wrong beside failed tests; may be empty).
judge() { # judge KIND LOG STATUS
  local planned
  skip=$(grep -ciE '^(ok .*# skip|skip )' "$2")
  ok=$(($(grep -c '^ok\b' "$2") - $(grep -ciE '^ok .*# skip' "$2")))
  bad=$(grep -c '^not ok\b' "$2")
  planned=$(sed -nE 's/^1\.\.([0-9]+).*/\1/p' "$2" | paste -sd+ | sum_up)
  trouble=
  if [ "$1" = fuzz ]; then
    if [ "$3" = 0 ]; then ok=1; else trouble="exit status $3"; fi
  elif [ "$3" = 124 ] || [ "$3" = 137 ]; then
    trouble="did not end within ${limit[$1]} s"
  elif [ "$3" != 0 ] && [ "$bad" = 0 ]; then
    trouble="exit status $3"
  elif [ $((ok + bad + skip)) = 0 ]; then
    trouble="ran no test"
  elif [ -n "$planned" ] && [ "$planned" != $((ok + bad + skip)) ]; then
    trouble="$((ok + bad + skip)) of $planned tests ran"
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
    grep -iE '^(ok .*# skip|skip )' "$2" | sed 's/^/          /'
    return
  fi
  [ -z "$trouble" ] || failed=$((failed + 1))
  printf '  FAIL  %-28s %4d, %d failed%s\n' "$1" "$ok" "$bad" "${trouble:+; $trouble}"
  { grep -A12 '^not ok\b' "$2" | head -n 60; [ -z "$trouble" ] || tail -n 25 "$2"; } | sed 's/^/          /'
  echo "          ($2)"
}

run() { # run KIND PROGRAM
  local name log status began=$SECONDS ok bad skip trouble
  name=$1/$(basename "$2" .sh)
  log=$logs/${name/\//-}.log
  if [ ! -x "$2" ]; then
    ok=0 bad=0 skip=0 trouble="cannot be run: it was not built or is not executable"
    : > "$log"
  else
    start "$1" "$2" > "$log" 2>&1 &
    running=$!
    wait "$running"
    status=$?
    running=
    judge "$1" "$log" "$status"
  fi
  report "$name" "$log" $((SECONDS - began))
}

kinds=() names=" "
for argument in "$@"; do
  case $argument in
    unit | packet | net | fuzz) kinds+=("$argument") ;;
    *) names+="$argument " ;;
  esac
done
[ ${#kinds[@]} -gt 0 ] || { echo "usage: tools/test.sh unit|packet|net|fuzz... [NAME...]" >&2; exit 2; }

for kind in "${kinds[@]}"; do
  for program in $(programs "$kind"); do
    name=$(basename "$program" .sh)
    [ "$names" = " " ] || [[ $names == *" $name "* ]] || continue
    run "$kind" "$program"
  done
done
[ $((passed + failed + skipped)) -gt 0 ] || { echo "no such test" >&2; failed=1; }
summary
[ "$failed" = 0 ]
