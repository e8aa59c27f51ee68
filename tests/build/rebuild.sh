#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make makes anew what must be, whatever the dates say. The Makefile is this tree's; the programs are
# small ones in a scratch tree: poise prints two numbers of user/lib, poised one of its BPF program's.
set -u
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=tests/lib-results.sh
. tests/lib-results.sh
unset MAKEFLAGS MAKELEVEL MFLAGS
old='2001-01-01'

mkdir -p "$tmp"/tree/{bpf/lb,include/poise,user/{lib/{base,maps},poised/model,poise/cli},tests,vmlinux} || exit 1
cp -r Makefile tools "$tmp/tree" || exit 1
cd "$tmp/tree" || exit 1

number() { echo "int $2(void); int $2(void) { return $3; }" > "$1"; } # number FILE FUNCTION VALUE

write_sources() {
  number user/lib/base/first.c first 1
  number user/lib/base/second.c second 2
  number user/lib/base/spare.c spare 3
  number user/poised/model/model.c model 4
  echo '#define SPACE " "' > user/poise/cli/space.h
  cat > user/poise/main.c << 'END'
#include <stdio.h>
#include "cli/space.h"
int first(void);
int second(void);
int main(void) { return printf("%d%s%d\n", first(), SPACE, second()) < 0; }
END
  echo '#define ROOM 8' > bpf/lb/room.h
  cat > bpf/lb.bpf.c << 'END'
#include "lb/room.h"
#define SEC(name) __attribute__((section(name), used))
const volatile char room[ROOM] = { 1 };
SEC("xdp") int pass(void *ctx) { return room[0] + 1; }
char LICENSE[] SEC("license") = "GPL";
END
  cat > user/poised/main.c << 'END'
#include <stdio.h>
#include "gen/lb.skel.h"
int main(void) { return printf("%zu\n", sizeof(struct lb_bpf__rodata)) < 0; }
END
}

made() { make -j2 all > "$tmp/make.out" 2>&1; } # what it says is in make.out
compiled() { grep -cE '^  (CC|BPF|SKEL|AR|LD) ' "$tmp/make.out"; }
prints() { # prints NAME POISE [POISED]: after make, the programs print these
  if made; then
    is "$1" "$(build/poise) $(build/poised)" "$2 ${3:-$room}"
  else
    not_ok "$1" "$(tail -n 5 "$tmp/make.out")"
  fi
}
comes_back() { # comes_back FILE: removed, it is made again
  rm "$1"
  made
  check "removed, it is made again: $1" test -s "$1"
}

room=8
write_sources
made || bail "a first make" "$(tail -n 5 "$tmp/make.out")"
prints "a first make builds both programs" "1 2"
made
is "a second one does nothing" "$(compiled)" 0
nothing "and says nothing" cat "$tmp/make.out"

number user/lib/base/first.c first 11
touch -d $old user/lib/base/first.c
prints "a changed source that is older than its object" "11 2"
echo '#define SPACE "-"' > user/poise/cli/space.h
touch -d $old user/poise/cli/space.h
prints "a changed header that is older" "11-2"
number "$tmp/copy.c" second 22
touch -d $old "$tmp/copy.c"
cp -p "$tmp/copy.c" user/lib/base/second.c
prints "a source copied over with its date" "11-22"
echo '#define ROOM 24' > bpf/lb/room.h
touch -d $old bpf/lb/room.h
room=24
prints "a changed header of a BPF program that is older" "11-22"

mv user/lib/base/first.c user/lib/maps/first.c
prints "a moved source" "11-22"
check "leaves no object" test ! -e build/obj/user/lib/base/first.o
number user/lib/maps/first.c first 111
number user/lib/maps/again.c again 0
touch -d $old user/lib/maps/*.c
prints "and is compiled where it lies now" "111-22"
is "a new source that is older is in the library" "$(ar t build/libpoise.a | sort | xargs)" \
  "again.o first.o second.o spare.o"
rm user/lib/base/spare.c
made
is "a removed source no longer is" "$(ar t build/libpoise.a | sort | xargs)" \
  "again.o first.o second.o"

for file in build/obj/user/lib/maps/first.o build/obj/user/poise/main.o build/libpoise.a \
  build/bpf/lb.bpf.o build/gen/lb.skel.h build/poise; do
  comes_back $file
done
made
is "after which there is nothing to do" "$(compiled)" 0

make -j2 all CFLAGS="-O1 -g" > "$tmp/make.out" 2>&1
is "other flags: all C is compiled anew" "$(grep -c '^  CC ' "$tmp/make.out")" \
  "$(find user -name '*.c' | wc -l)"
echo "# changed" >> Makefile
touch -d $old Makefile
made
is "another Makefile: so it is" "$(grep -cE '^  (CC|BPF) ' "$tmp/make.out")" \
  "$(find user bpf -name '*.c' | wc -l)"
echo 'int main(void) { return 0' > user/poise/main.c
check "what does not compile fails" eval '! made'
check "and leaves no object" test ! -e build/obj/user/poise/main.o
finish
