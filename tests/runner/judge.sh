#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The runner judges a program by its output and its end: it sees each way to fail without a "not ok".
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=tests/lib-results.sh
. "$root/tests/lib-results.sh"
# shellcheck source=tools/lib-tap.sh
. "$root/tools/lib-tap.sh"

# judged NAME KIND STATUS OUTPUT COUNTS TROUBLE: COUNTS of passed, failed and skipped tests
judged() {
  local ok bad skip trouble
  printf '%s' "$4" > "$tmp/output"
  judge "$2" "$tmp/output" "$3"
  is "$1" "$ok $bad $skip: ${trouble:-no trouble}" "$5: ${6:-no trouble}"
}

passing=$'ok 1 - a\nok 2 - b\n'
for kind in unit packet net kernel; do
  judged "$kind: all of the plan" $kind 0 "1..2"$'\n'"$passing" "2 0 0"
  judged "$kind: a plan at the end" $kind 0 "${passing}1..2" "2 0 0"
  judged "$kind: no plan" $kind 0 "$passing" "2 0 0" "no plan: it ended early"
  judged "$kind: no output" $kind 0 "" "0 0 0" "no plan: it ended early"
  judged "$kind: fewer than planned" $kind 0 "${passing}1..3" "2 0 0" "2 of 3 tests ran"
  judged "$kind: more than planned" $kind 0 "${passing}1..1" "2 0 0" "2 of 1 tests ran"
  judged "$kind: an empty plan" $kind 0 "1..0" "0 0 0" "ran no test"
  judged "$kind: nothing can be done here" $kind 0 "1..0 # SKIP one CPU only" "0 0 1"
  judged "$kind: a skip that fails" $kind 1 "1..0 # SKIP one CPU only" "0 0 0" "exit status 1"
  judged "$kind: an error after the last test" $kind 3 "${passing}1..2" "2 0 0" "exit status 3"
  judged "$kind: a failed test" $kind 1 $'ok - a\nnot ok - b\n1..2' "1 1 0"
  judged "$kind: skipped tests" $kind 0 $'ok 1 - a # SKIP no IPv6\nskip - b: no IPv6\nok - c\n1..3' "1 0 2"
  judged "$kind: aborted" $kind 134 "${passing}1..2" "2 0 0" "killed by SIGABRT"
  judged "$kind: killed" $kind 137 "$passing" "2 0 0" "killed by SIGKILL"
  judged "$kind: too slow" $kind 124 $'timeout: sending signal TERM to command \'x\'\n' "0 0 0" \
    "did not end within ${limit[$kind]} s"
  judged "$kind: too slow, and deaf to SIGTERM" $kind 137 \
    $'timeout: sending signal TERM to command \'x\'\ntimeout: sending signal KILL to command \'x\'\n' "0 0 0" \
    "did not end within ${limit[$kind]} s"
done
judged "two groups of unit tests" unit 0 $'1..1\nok 1 - a\n1..1\nok 1 - b\n' "2 0 0"
judged "two groups of unit tests, one cut short" unit 0 $'1..1\nok 1 - a\n1..2\nok 1 - b\n' "2 0 0" "2 of 3 tests ran"
judged "a fuzz target that finds nothing" fuzz 0 "Done 200000 runs" "1 0 0"
judged "a fuzz target that finds something" fuzz 77 "SUMMARY: libFuzzer: deadly signal" "0 0 0" "exit status 77"

# ---- real processes
ran() { # ran NAME SCRIPT COUNTS TROUBLE
  local ok bad skip trouble status
  printf '#!/bin/bash\n%s\n' "$2" > "$tmp/program"
  chmod 755 "$tmp/program"
  { (start unit "$tmp/program") > "$tmp/output" 2>&1; } 2> /dev/null # the shell's "Killed"
  status=$?
  judge unit "$tmp/output" "$status"
  is "$1" "$ok $bad $skip: ${trouble:-no trouble}" "$3: $4"
}

ran "a process that passes" 'echo "ok - a"; echo "1..1"' "1 0 0" "no trouble"
ran "a process that is killed" 'echo "ok - a"; kill -KILL $$' "1 0 0" "killed by SIGKILL"
ran "a process that ends early" 'echo "ok - a"; exit 0' "1 0 0" "no plan: it ended early"
limit[unit]=1
ran "a process that hangs" 'echo "ok - a"; exec sleep 60' "1 0 0" "did not end within 1 s"

# ---- the report
reported() { # reported NAME STATUS OUTPUT PATTERN
  local ok bad skip trouble passed=0 failed=0 skipped=0
  printf '%s' "$3" > "$tmp/output"
  judge packet "$tmp/output" "$2"
  report packet/x "$tmp/output" 1 > "$tmp/report"
  matches "$1" "$(tr '\n' ' ' < "$tmp/report")$(summary)" "$4"
}
reported "a program that is skipped tells why" 0 "1..0 # SKIP one CPU only" \
  '^  ok .* 1 skipped .*one CPU only 0 passed, 0 failed, 1 skipped$'
reported "trouble counts as a failure" 0 "ok - a" '^  FAIL .*no plan.* 1 passed, 1 failed$'
finish
