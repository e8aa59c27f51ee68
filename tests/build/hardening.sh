#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Both programs are built with what makes a bug in them harder to use.
set -u
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# shellcheck source=tests/lib-results.sh
. tests/lib-results.sh
export LC_ALL=C

for program in poised poise; do
  file=build/$program
  matches "$program: position-independent" "$(readelf -dW $file)" '\(FLAGS_1\).*\bPIE\b'
  matches "$program: the relocation table is read-only" "$(readelf -lW $file)" '^ *GNU_RELRO '
  matches "$program: so it is for functions, all found at the start" "$(readelf -dW $file)" '\bBIND_NOW\b'
  matches "$program: the stack is not executable" "$(readelf -lW $file)" '^ *GNU_STACK .* RW '
  matches "$program: functions guard their stack" "$(nm -D $file)" ' U __stack_chk_fail\b'
  matches "$program: glibc checks the sizes of buffers" "$(nm -D $file)" ' U __(snprintf|vsnprintf|fprintf|memcpy)_chk\b'
  object=build/obj/user/$program/main.o
  case $(readelf -hW $object) in
    *X86-64*) matches "$program: indirect branches are tracked" "$(readelf -nW $object)" '\bIBT, SHSTK\b' ;;
    *) skip "$program: indirect branches are tracked" "not on this architecture" ;;
  esac
done
finish
