#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The checks of tools/lint find what they are for: each looks at a small tree that is in order, then
# at one with a fault in it.
set -u
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=tests/lib-results.sh
. tests/lib-results.sh
lint=$PWD/tools/lint
mkdir "$tmp/tree" && cp -r tools "$tmp/tree" && cd "$tmp/tree" || exit 1

finds() { # finds NAME PATTERN COMMAND...: it fails, and a line of what it says fits
  local output status
  output=$("${@:3}" 2>&1)
  status=$?
  matches "$1" "status $status: $output" "$2"
  is "$1: is an error" "$status" 1
}

# ---- circles: a source is the functions that it has, then those that it calls
function_file() { # function_file PATH FUNCTION [CALLED...]
  local path=$1 called calls=
  shift
  mkdir -p "user/${path%/*}" "build/obj/user/${path%/*}"
  for called in "${@:2}"; do calls+="$called(); "; done
  echo "void $1(void) { $calls}" > "user/$path.c"
  cc -w -c "user/$path.c" -o "build/obj/user/$path.o"
}

# Everything in order, and two files of a room that call each other.
function_file lib/base/log log_line
function_file lib/maps/pins pins_open log_line
function_file poised/kernel/lb lb_open pins_open
function_file poised/publish/publish publish row_write
function_file poised/publish/rows row_write publish lb_open
function_file poised/apply/commit commit publish
function_file poised/main main commit log_line
function_file poise/cli/verb verb pins_open
function_file poise/main main verb
mkdir "$tmp/house" && cp -r user build "$tmp/house"
house() {
  rm -rf user build
  cp -r "$tmp"/house/* .
}

nothing "circles: none" "$lint/circles" .
function_file poised/publish/target target_write publish
function_file poised/publish/rows row_write target_write
finds "circles: three files of a room" \
  'circle of 3 files: poised/publish/publish poised/publish/rows poised/publish/target' "$lint/circles" .
matches "circles: with the path" "$("$lint/circles" .)" \
  'poised/publish/publish -> row_write -> poised/publish/rows -> target_write -> poised/publish/target -> publish -> poised/publish/publish'
house
function_file lib/base/log log_line pins_open
finds "circles: two rooms" 'circle of 2 rooms: lib/base lib/maps' "$lint/circles" .
matches "circles: with the files" "$("$lint/circles" .)" 'lib/base/log -> pins_open -> lib/maps/pins'
house
function_file poised/publish/rows row_write commit
finds "circles: against the order of rooms" \
  'poised/publish must not call poised/apply: poised/publish/rows -> commit -> poised/apply/commit' \
  "$lint/circles" .
house
function_file lib/maps/pins pins_open publish
finds "circles: a library calls a program" 'lib/maps must not call poised/publish' "$lint/circles" .
house
function_file poise/cli/verb verb commit
finds "circles: a program calls the other" 'poise/cli must not call poised/apply' "$lint/circles" .
house
rm build/obj/user/lib/maps/pins.o
finds "circles: an object is missing" 'run make first' "$lint/circles" .

# ---- includes
rooms() {
  rm -rf user bpf tests
  mkdir -p user/lib/maps user/poised/{kernel,api} bpf/lb tests/unit
  echo '#include "maps/pins.h"' > user/lib/maps/pins.c
  printf '%s\n' '#include <stdio.h>' '#include "kernel/lb_impl.h"' > user/poised/kernel/lb.c
  printf '%s\n' '#include "vmlinux.h"' '#include "lb/row.h"' > bpf/lb.bpf.c
  echo '#include "kernel/lb_impl.h"' > tests/unit/test_lb.c
}

rooms
nothing "includes: rooms are named" "$lint/includes" .
echo '#include "pins.h"' > user/lib/maps/pins.c
finds "includes: a bare name" 'user/lib/maps/pins.c:1: "pins.h"' "$lint/includes" .
rooms
echo '#include "row.h"' > bpf/lb/step.h
finds "includes: a bare name below bpf/" 'bpf/lb/step.h:1: "row.h"' "$lint/includes" .
rooms
echo '#include "../kernel/lb.h"' > user/poised/api/api.c
finds "includes: a path" 'user/poised/api/api.c:1: ' "$lint/includes" .
rooms
echo '#include "kernel/lb_impl.h"' > user/poised/api/api.c
finds "includes: another room's internal header" \
  'user/poised/api/api.c:1: "kernel/lb_impl.h" is internal to kernel/' "$lint/includes" .
rooms
mkdir -p user/poise/api
finds "includes: two rooms of one name" 'user/poised/api: another room .*: user/poise/api' "$lint/includes" .

# ---- comments
cat > good.c << 'END'
/* A reply belongs to the service
 * Of course. */
int offset; /* Offset */
END
printf '%s\n' '# SPDX-License-Identifier: BSD-2-Clause' '# This says it.' '# What follows is the middle.' > good.sh
nothing "comments: sentences" "$lint/comments" good.c good.sh
echo 'int a; /* Of the whole. */' > bad.c
finds "comments: C" 'bad.c:1:' "$lint/comments" good.c bad.c
printf '%s\n' '/*' ' * Whether it is.' ' */' > bad.c
finds "comments: C, on a line below" 'bad.c:2:' "$lint/comments" good.c bad.c
printf '%s\n' '# SPDX-License-Identifier: BSD-2-Clause' '# What it is.' > bad.sh
finds "comments: scripts" 'bad.sh:2:' "$lint/comments" bad.sh good.sh

# ---- the length of files, through tools/lint.sh and its count
mkdir -p .ci include
echo "all:" > Makefile
seq -f '// %g' 600 > tests/unit/long.c
is "length: 600 lines" "$(tools/lint.sh length | tail -n 1)" "1 passed, 0 failed"
echo "// 601" >> tests/unit/long.c
finds "length: 601 lines" 'tests/unit/long.c: more than 600 lines' tools/lint.sh length
echo '/* By and by. */' > include/by.h
finds "comments: in the tree" 'include/by.h:1:' tools/lint.sh comments
default=$(sed -n 's/^for name in "${@:-\(.*\)}"; do$/\1/p' tools/lint.sh)
is "lint runs all of its checks" "$(tr ' ' '\n' <<< "$default" | sort | xargs)" \
  "$(sed -n 's/^lint_\([a-z]*\)() .*/\1/p' tools/lint.sh | sort | xargs)"
is "lint counts failed checks" "$(tools/lint.sh length includes | tail -n 1)" "0 passed, 2 failed"

# ---- each: the checker here notes what it is asked, and objects to "bad"
cat > checker << 'END'
#!/bin/bash
[ "$1" = --version ] && { cat version; exit; }
echo "${!#}" >> asked
! grep -Hn bad "${!#}"
END
chmod +x checker
echo 1 > version
mkdir -p include/poise
echo 'int deep;' > include/poise/deep.h
echo '#include "poise/deep.h"' > include/poise/near.h
echo '#include <poise/near.h>' > one.c
echo 'int two;' > two.c
echo 'options' > options
asked() { # asked COMMAND-WORDS...: which files the checker was asked for
  rm -f asked
  printf '%s\n' one.c two.c | "$lint/each" try options -- ./checker -Iinclude "$@" {} > said
  if [ -e asked ]; then sort asked | xargs; else echo none; fi
}

is "each: every file at first" "$(asked)" "one.c two.c"
is "each: none that has not changed" "$(asked)" none
echo 'int two, three;' > two.c
is "each: a file that has changed" "$(asked)" two.c
echo 'int deeper;' > include/poise/deep.h
is "each: a file that includes what has changed" "$(asked)" one.c
echo 'other options' > options
is "each: all, when what the checker reads has changed" "$(asked)" "one.c two.c"
is "each: all, with other flags" "$(asked -Wall)" "one.c two.c"
asked > /dev/null
echo 2 > version
is "each: all, with another version" "$(asked)" "one.c two.c"
echo 'bad' > two.c
asked > /dev/null
is "each: what is found is told" "$(cat said)" "two.c:1:bad"
is "each: and looked at again" "$(asked)" two.c
finds "each: when something is found" two.c "$lint/each" try options -- ./checker {} <<< two.c
finish
