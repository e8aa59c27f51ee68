#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck disable=SC2016 # what stands in single quotes is for the inner shell
# The assertions of shell tests (tests/lib-results.sh) fail when they should: a command that prints
# nothing equals nothing, an empty pattern matches nothing, a misspelt assertion is an error.
# shellcheck disable=SC2016 # the inner test expands these
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=tests/lib-results.sh
. "$root/tests/lib-results.sh"

# asserts NAME SCRIPT STATUS PATTERN: a test made of these lines ends so, and its output looks so
asserts() {
  local output status
  mkdir -p "$tmp/inner"
  output=$(bash -c 'tmp=$1; . "$2"; eval "$3"; finish' test "$tmp/inner" "$root/tests/lib-results.sh" "$2" 2>&1)
  status=$?
  rm -rf "$tmp/inner"
  is "$1: exit status" "$status" "$3"
  matches "$1: output" "${output//$'\n'/ }" "$4"
}

asserts "is, equal" 'is x 1 1' 0 '^ok - x 1\.\.1$'
asserts "is, different" 'is x 1 2' 1 '^not ok - x .*1\.\.1'
asserts "is, both commands fail" 'is x "$(false)" "$(false)"' 1 '^not ok - x '
asserts "is, both are empty" 'is x "" ""' 1 '^not ok - x '
asserts "nothing, silence" 'nothing x true' 0 '^ok - x '
asserts "nothing, output" 'nothing x echo y' 1 '^not ok - x '
asserts "nothing, output to standard error" 'nothing x eval "echo y >&2"' 1 '^not ok - x '
asserts "nothing, a command that fails" 'nothing x false' 1 '^not ok - x '
asserts "nothing, a command that does not exist" 'nothing x no-such-command' 1 '^not ok - x '
asserts "holds" 'holds x "2 > 1"' 0 '^ok - x '
asserts "holds, false" 'holds x "1 > 2"' 1 '^not ok - x '
asserts "holds, an operand is missing" 'holds x "$(false) < 5"' 1 'not ok - x '
asserts "holds, nothing" 'holds x "$(false)"' 1 'not ok - x '
asserts "matches" 'matches x abc b' 0 '^ok - x '
asserts "matches, other text" 'matches x abc d' 1 '^not ok - x '
asserts "matches, an empty pattern" 'matches x abc "$(false)"' 1 '^not ok - x '
asserts "check" 'check x true' 0 '^ok - x '
asserts "check, a command that fails" 'check x false' 1 '^not ok - x '
asserts "a misspelt assertion" 'is x 1 1; si y 1 2' 1 'ok - x .*not ok - every command exists # si 1\.\.2'
asserts "a misspelt assertion in a subshell" 'is x 1 1; (si y 1 2) 2> /dev/null' 1 '# si 1\.\.2'
asserts "a misspelt command in a condition" 'wait_until 0 no-such-command; is x 1 1' 1 '# no-such-command 1\.\.2'
asserts "bail" 'ok x; bail y' 1 '^ok - x not ok - y$'

# Assertions in a subshell print, but finish does not count them: the runner misses them in the plan.
. "$root/tools/lib-tap.sh"
bash -c 'tmp=$1; . "$2"; ok x; echo | while read -r _; do ok y; done; finish' test "$tmp" \
  "$root/tests/lib-results.sh" > "$tmp/output"
judge net "$tmp/output" 0
# shellcheck disable=SC2154 # judge sets it
is "an assertion that is not counted" "$trouble" "2 of 1 tests ran"
finish
