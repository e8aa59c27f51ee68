# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# For tests that are shell scripts: results in TAP. A test sources this file with $tmp set to a
# directory for its logs, reports with check, is, nothing, holds, matches, ok, not_ok and skip, and
# ends with `finish`.

ok_count=0 not_ok_count=0 skip_count=0

# The shell runs this in a process of its own, so it leaves a note for finish. Without it a misspelt
# assertion would be one that is not made.
command_not_found_handle() {
  echo "$1" >> "$tmp/unknown-commands"
  echo "$0: no such command: $1" >&2
  return 127
}

ok() { # ok NAME
  ok_count=$((ok_count + 1))
  echo "ok - $1"
}

not_ok() { # not_ok NAME [DETAIL]
  not_ok_count=$((not_ok_count + 1))
  echo "not ok - $1"
  [ -z "${2-}" ] || echo "# ${2//$'\n'/$'\n'# }"
}

skip() { # skip NAME REASON
  skip_count=$((skip_count + 1))
  echo "skip - $1: $2"
}

check() { # check NAME COMMAND...: ok when the command succeeds, else its output is the detail
  local name=$1 status
  shift
  # Not in a subshell: the command may be a function that starts something.
  "$@" > "$tmp/check.out" 2>&1
  status=$?
  if [ $status = 0 ]; then ok "$name"; else not_ok "$name" "status $status: $*"$'\n'"$(cat "$tmp/check.out")"; fi
}

# An empty EXPECTED is refused: a command that fails prints nothing, too. `nothing` is for silence.
is() { # is NAME FOUND EXPECTED
  if [ -z "$3" ]; then
    not_ok "$1" "found '$2', and what it should be is empty"
  elif [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "found '$2', expected '$3'"; fi
}

nothing() { # nothing NAME COMMAND...: the command succeeds and prints nothing
  local name=$1 status
  shift
  "$@" > "$tmp/check.out" 2>&1
  status=$?
  if [ $status = 0 ] && [ ! -s "$tmp/check.out" ]; then
    ok "$name"
  else
    not_ok "$name" "status $status: $*"$'\n'"$(cat "$tmp/check.out")"
  fi
}

holds() { # holds NAME EXPRESSION: a bash arithmetic expression is true
  if (($2)); then ok "$1"; else not_ok "$1" "does not hold: $2"; fi
}

matches() { # matches NAME TEXT PATTERN: an extended regular expression is found in the text
  if [ -z "$3" ]; then
    not_ok "$1" "an empty pattern matches everything"
  elif grep -qE -- "$3" <<< "$2"; then ok "$1"; else not_ok "$1" "no match for '$3' in:"$'\n'"$2"; fi
}

# The plan comes last: a test that ended early has none.
finish() {
  [ ! -e "$tmp/unknown-commands" ] || not_ok "every command exists" "$(sort -u "$tmp/unknown-commands")"
  echo "1..$((ok_count + not_ok_count + skip_count))"
  [ "$not_ok_count" = 0 ] || show_logs
  exit $((not_ok_count > 0))
}

bail() { # bail REASON: nothing further makes sense
  not_ok "$1" "${2-}"
  show_logs
  exit 1
}

show_logs() {
  local log
  for log in "$tmp"/*.log; do
    [ -s "$log" ] && { echo "# --- $(basename "$log")"; tail -n 20 "$log" | sed 's/^/# /'; }
  done
}

wait_until() { # wait_until SECONDS COMMAND...: polls until the command succeeds; 1 when it did not
  # On a slow machine POISE_PATIENCE is how many times as long.
  local deadline=$((${EPOCHREALTIME/./} + $1 * ${POISE_PATIENCE:-1} * 1000000))
  shift
  until "$@" > /dev/null 2>&1; do
    ((${EPOCHREALTIME/./} < deadline)) || return 1
    sleep 0.05
  done
}
