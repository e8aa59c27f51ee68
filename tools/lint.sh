#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Everything that can be said of the source without running it; any finding is an error. The
# skeletons must have been built (`make lint` does). lint.sh NAME... runs some of the checks.
set -u
cd "$(dirname "$0")/.." || exit 2
clang_format=${CLANG_FORMAT:-clang-format-14}
user_flags=(-std=gnu11 -D_GNU_SOURCE '-DPOISE_VERSION="lint"' -Iinclude -Iuser -Iuser/lib -Ibuild/gen
  -Itests/packet)
bpf_flags=(-std=gnu11 -Iinclude -Ibpf -Ibuild/gen)
max_lines=400

c_files() { find bpf include user tests tools -name '*.[ch]' 2> /dev/null | sort; }
user_sources() { find user tests tools -name '*.c' -not -name '*.bpf.c' | sort; }
bpf_sources() { find bpf tests tools -name '*.bpf.c' | sort; }
scripts() { # the files that sh or bash runs, told by their first line or their name
  git ls-files | while read -r file; do
    case $file in
      *.sh) echo "$file" ;;
      *.*) ;;
      *) head -n 1 "$file" | grep -qE '^#!.*\b(ba)?sh\b' && echo "$file" ;;
    esac
  done
  echo .ci/run
}

lint_format() { c_files | xargs "$clang_format" --dry-run -Werror --ferror-limit=1; }

lint_length() {
  { c_files; scripts; find . -name '*.py' -not -path './build/*' -not -path './.git/*'; echo Makefile; } |
    xargs awk -v max="$max_lines" 'FNR == max + 1 { print FILENAME ": more than " max " lines"; bad = 1 }
      END { exit bad }'
}

lint_spdx() { # the licence comes first, or right after #!
  local file bad=0
  while read -r file; do
    head -n 2 "$file" | grep -q 'SPDX-License-Identifier: ' || { echo "$file: no SPDX line"; bad=1; }
  done < <(c_files; scripts)
  return "$bad"
}

lint_shellcheck() { scripts | grep -v '/lib-[a-z]*\.sh$' | sort -u | xargs shellcheck; }

# Told what the macros of libraries are that it cannot see through. Whether variables are initialized
# is for the compilers and clang-tidy, which know what the functions called do.
lint_cppcheck() {
  cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 -j2 \
    --enable=warning,performance,portability --suppress=missingIncludeSystem \
    --suppress='*:build/*' --suppress='*:/usr/include/*' --suppress=uninitvar --include=tools/lint/cppcheck.h \
    -D_GNU_SOURCE -DPOISE_VERSION='"lint"' \
    -Iinclude -Iuser -Iuser/lib -Itests/packet --file-list=<(user_sources)
}

lint_tidy() { # what it checks is in .clang-tidy
  local output skeleton_users
  skeleton_users=$(user_sources | xargs grep -l '\.skel\.h"')
  # bpftool's skeletons free in another function what the analyzer takes for leaked.
  output=$(
    user_sources | grep -vxF "$skeleton_users" | xargs -P2 -I@ clang-tidy --quiet @ -- "${user_flags[@]}"
    echo "$skeleton_users" | xargs -P2 -I@ clang-tidy --quiet --checks=-clang-analyzer-unix.Malloc @ \
      -- "${user_flags[@]}"
  ) 2> /dev/null
  [ -z "$output" ] || { echo "$output"; return 1; }
}

# Wire order: __be16 and __be32 do not mix with host order. The headers of tools/lint and a copy of
# the kernel's types tell sparse what is what.
lint_sparse() {
  local output types=build/lint/vmlinux.h
  mkdir -p build/lint
  sed -E 's/^typedef (__u[0-9]+) (__be[0-9]+|__sum16|__wsum);/typedef \1 __attribute__((bitwise)) \2;/' \
    vmlinux/vmlinux.h > "$types"
  output=$(
    user_sources | grep '^user/' | xargs -n 1 sparse -Wbitwise -Wno-decl -include tools/lint/sparse.h \
      "${user_flags[@]}" 2>&1 | grep -v '^build/gen/\|note: in included file'
    bpf_sources | xargs -n 1 sparse -Wbitwise -Wno-decl -D__bpf__ -Itools/lint/sparse -Ibuild/lint \
      "${bpf_flags[@]}" 2>&1
  )
  [ -z "$output" ] || { echo "$output"; return 1; }
}

bad=0
for name in "${@:-format length spdx shellcheck cppcheck tidy sparse}"; do
  for check in $name; do
    if output=$("lint_$check" 2>&1); then
      printf '  %-10s ok\n' "$check"
    else
      printf '  %-10s FAIL\n%s\n' "$check" "$output" | head -n 200
      bad=1
    fi
  done
done
exit "$bad"
