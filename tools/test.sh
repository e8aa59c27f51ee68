#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs tests and counts: test.sh KIND... [NAME...], kinds runner, build, unit, packet, oracle, net and fuzz;
# names pick programs of these kinds. Logs are in build/test-logs. Last line: "N passed, N failed[, N skipped]".
set -u
cd "$(dirname "$0")/.." || exit 2
# shellcheck source=tools/lib-tap.sh
. tools/lib-tap.sh
running=

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

programs() { # programs KIND: paths, one a line
  case $1 in
    net | build | runner | oracle) find "tests/$1" -name '*.sh' -not -path 'tests/net/lib/*' | sort ;;
    fuzz) find tests/fuzz -name '*.c' | sort | sed 's|\(.*\)\.c$|build/\1|' ;;
    *) find "tests/$1" -name 'test_*.c' | sort | sed 's|\(.*\)\.c$|build/\1|' ;;
  esac
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

kinds=() names=()
for argument in "$@"; do
  case $argument in
    runner | build | unit | packet | oracle | net | fuzz) kinds+=("$argument") ;;
    *) names+=("$argument") ;;
  esac
done
[ ${#kinds[@]} -gt 0 ] || { echo "usage: tools/test.sh runner|build|unit|packet|oracle|net|fuzz... [NAME...]" >&2; exit 2; }

is_picked() { # is_picked PROGRAM: a name is its file's, with or without directories: model/test_numbers
  local name
  [ ${#names[@]} -gt 0 ] || return 0
  for name in "${names[@]}"; do
    [[ ${1%.sh} == */"$name" ]] && return
  done
  return 1
}

for kind in "${kinds[@]}"; do
  for program in $(programs "$kind"); do
    is_picked "$program" || continue
    run "$kind" "$program"
  done
done
[ $((passed + failed + skipped)) -gt 0 ] || { echo "no such test" >&2; failed=1; }
summary
[ "$failed" = 0 ]
