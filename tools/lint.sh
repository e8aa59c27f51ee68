#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Everything that can be said of the source without running it; any finding is an error. The programs
# must have been built (`make lint` does). lint.sh NAME... runs some of the checks. What passed and
# has not changed since is not looked at again (tools/lint/each). Last line: "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 2
clang_format=${CLANG_FORMAT:-clang-format-14}
include_dirs=(-Iinclude -Iuser/lib -Iuser/poised -Iuser/poise -Itests/unit -Itests/packet -Itests/net/peers
  -Itests -Itools)
user_flags=(-std=gnu11 -D_GNU_SOURCE '-DPOISE_VERSION="lint"' -Ibuild "${include_dirs[@]}")
bpf_flags=(-std=gnu11 -Iinclude -Ibpf -Itools)
max_lines=600

c_files() { find bpf include user tests tools -name '*.[ch]' | sort; }
user_sources() { find user tests tools -name '*.c' -not -name '*.bpf.c' | sort; }
bpf_sources() { find bpf tests tools -name '*.bpf.c' | sort; }
written_in() { # written_in SUFFIX INTERPRETER: the scripts, told by suffix or first line
  find .ci tests tools -type f \
    \( -name "*.$1" -o -not -name '*.*' -exec grep -qE "^#!.*\b$2\$" {} \; \) -print | sort
}
shell_scripts() { written_in sh '(ba)?sh'; }
files() { c_files; shell_scripts; written_in py python3; echo Makefile; }

lint_format() { c_files | xargs -P2 -n 60 "$clang_format" --dry-run -Werror --ferror-limit=1; }

lint_length() {
  files | xargs awk -v max="$max_lines" '
    FNR == max + 1 { print FILENAME ": more than " max " lines"; bad = 1 }
    END { exit bad }'
}

lint_spdx() { # the licence comes first, or right after #!
  files | xargs awk '
    FNR == 1 { found = 0 }
    FNR <= 2 && /SPDX-License-Identifier: / { found = 1 }
    FNR == 2 && !found { print FILENAME ": no SPDX line"; bad = 1 }
    END { exit bad }'
}

lint_docs() { tools/lint/docs; } # documents name only what exists
lint_includes() { tools/lint/includes; }
lint_comments() { files | xargs tools/lint/comments; }
lint_circles() { tools/lint/circles; }

# A library is looked at with each script that sources it.
lint_shellcheck() {
  local libraries
  mapfile -t libraries < <(shell_scripts | grep '/lib[^/]*\.sh$')
  shell_scripts | grep -vxF "$(printf '%s\n' "${libraries[@]}")" |
    tools/lint/each shellcheck .shellcheckrc "${libraries[@]}" -- shellcheck {}
}

lint_pyflakes() { written_in py python3 | xargs /usr/bin/python3 -m pyflakes; }

# Told what the macros of libraries are that it cannot see through. Whether variables are initialized
# is for the compilers and clang-tidy, which know what the functions called do.
lint_cppcheck() {
  user_sources | tools/lint/each cppcheck tools/lint/cppcheck.h -- \
    cppcheck --quiet --error-exitcode=1 --inline-suppr --std=c11 \
    --enable=warning,performance,portability --suppress=missingIncludeSystem \
    --suppress='*:build/*' --suppress='*:/usr/include/*' --suppress=uninitvar --include=tools/lint/cppcheck.h \
    -D_GNU_SOURCE -DPOISE_VERSION='"lint"' "${include_dirs[@]}" {}
}

lint_tidy() { # what it checks is in .clang-tidy
  local skeleton_users bad=0
  skeleton_users=$(user_sources | xargs grep -l '\.skel\.h"')
  user_sources | grep -vxF "$skeleton_users" |
    tools/lint/each tidy .clang-tidy -- clang-tidy --quiet {} -- "${user_flags[@]}" || bad=1
  # bpftool's skeletons free in another function what the analyzer takes for leaked.
  tools/lint/each tidy-skeletons .clang-tidy <<< "$skeleton_users" -- \
    clang-tidy --quiet --checks=-clang-analyzer-unix.Malloc {} -- "${user_flags[@]}" || bad=1
  return $bad
}

# The headers of tools/lint and a copy of the kernel's types tell sparse what has wire order.
lint_sparse() {
  local bad=0
  mkdir -p build/lint
  sed -E 's/^typedef (__u[0-9]+) (__be[0-9]+|__sum16|__wsum);/typedef \1 __attribute__((bitwise)) \2;/' \
    vmlinux/vmlinux.h > build/lint/vmlinux.h
  user_sources | grep '^user/' | tools/lint/each sparse tools/lint/{sparse.h,wire-order} -- \
    tools/lint/wire-order -include tools/lint/sparse.h "${user_flags[@]}" {} || bad=1
  bpf_sources | tools/lint/each sparse-bpf tools/lint/wire-order -- \
    tools/lint/wire-order -D__bpf__ -Itools/lint/sparse -Ibuild/lint "${bpf_flags[@]}" {} || bad=1
  return $bad
}

passed=0 failed=0
for name in "${@:-format length spdx docs includes comments circles shellcheck pyflakes cppcheck sparse tidy}"; do
  for check in $name; do
    began=$SECONDS
    if output=$("lint_$check" 2>&1); then
      printf '  %-10s ok    %d s\n' "$check" $((SECONDS - began))
      passed=$((passed + 1))
    else
      printf '  %-10s FAIL\n%s\n' "$check" "$output" | head -n 200
      failed=$((failed + 1))
    fi
  done
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
