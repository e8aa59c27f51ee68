#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# stale.sh BUILD COMMANDS: removes from BUILD what make would wrongly keep. make compares dates alone,
# but a source that was moved or copied may be older than what was built before, and a removed one
# leaves no date at all. So this compares the contents of all sources, and the compile commands, with
# those that the last make saw.
set -eu
build=$1 commands=$2
seen=$build/.sources
mkdir -p "$build"
[ -e "$seen" ] || : > "$seen"
{
  echo "with $(cat Makefile - <<< "$commands" | sha256sum | cut -d ' ' -f 1)"
  find bpf include user tests tools vmlinux -name '*.[ch]' -type f -exec sha256sum {} +
} | sort > "$seen.new"
cmp -s "$seen" "$seen.new" && rm "$seen.new" && exit

paths() { sed -n 's/^[0-9a-f]*  //p' "$@" | sort; }
if ! grep -qxF -- "$(grep '^with ' "$seen.new")" "$seen"; then
  changed=: # in every list of dependencies
else
  # A file is told by its name without the directory: an object too many does no harm.
  changed=$(comm -3 "$seen" "$seen.new" | sed 's|.*/|/|')
fi
find "$build" -name '*.d' -exec grep -lF -e "$changed" {} + | while read -r list; do
  rm -f "$list" "${list%.d}.o"
done
# Nothing here tells which programs a removed source was linked into, so all are linked anew.
if [ -n "$(comm -23 <(paths "$seen") <(paths "$seen.new"))" ]; then
  find "$build" -path "$build/kernel" -prune -o \
    \( -name '*.a' -o -type f -perm /100 -not -name '*.o' \) -exec rm {} +
fi
mv "$seen.new" "$seen"
