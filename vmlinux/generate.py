#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Cut the kernel's types, as `bpftool btf dump file BTF format c` prints them, down to those wanted.

    bpftool btf dump file /sys/kernel/btf/vmlinux format c | vmlinux/generate.py vmlinux/types.txt

types.txt names one type (or one enumerator) a line; what they stand on comes along, in order.
"""
import re
import sys

HEAD = """/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Kernel types that the BPF programs use: made by vmlinux/generate.py, see vmlinux/README.md. */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__
"""
TAIL = """
#endif
"""
WORD = re.compile(r"[A-Za-z_]\w*")
TAG = re.compile(r"^(?:typedef\s+)?(struct|union|enum)\s+(\w+)")


def definitions(text):
    """Top-level declarations of the dump: each ends with ';' outside of any brace."""
    depth, lines = 0, []
    for line in text.splitlines():
        if line.startswith("#") or (not line.strip() and not depth):
            continue
        lines.append(line)
        depth += line.count("{") - line.count("}")
        if depth == 0 and line.rstrip().endswith(";"):
            yield "\n".join(lines)
            lines = []


def names(definition):
    """What a definition defines: its tag or typedef name, and an enum's enumerators."""
    found = set()
    tag = TAG.match(definition)
    if tag and "{" in definition:
        found.add(f"{tag[1]} {tag[2]}")
    if definition.startswith("typedef"):
        plain = re.sub(r"\{.*\}", "", definition, flags=re.S)
        function = re.search(r"\(\*(\w+)\)|(\w+)\(", plain)
        name = (function[1] or function[2]) if function else WORD.findall(plain.split("[")[0])[-1]
        found.add(name)
    if re.match(r"(typedef )?enum\b", definition) and "{" in definition:
        found.update(re.findall(r"^\s+(\w+)\s*=", definition, flags=re.M))
    return found


def uses(definition):
    """What a definition needs to be complete: embedded types, and typedefs behind pointers too."""
    needed = set(re.findall(r"\b((?:struct|union|enum) \w+)(?!\s*\*)\b(?! \*)", definition))
    return needed | set(WORD.findall(re.sub(r"\b(struct|union|enum) \w+", "", definition)))


def main():
    with open(sys.argv[1], encoding="ascii") as file:
        wanted = {line.split("#")[0].strip() for line in file} - {""}
    everything = list(definitions(sys.stdin.read()))
    where = {name: i for i, text in enumerate(everything) for name in names(text)}
    missing = sorted(wanted - where.keys())
    if missing:
        sys.exit("not in this kernel's BTF: " + ", ".join(missing))
    keep, queue = set(), [where[name] for name in wanted]
    while queue:
        i = queue.pop()
        if i not in keep:
            keep.add(i)
            queue.extend(where[name] for name in uses(everything[i]) if name in where)
    print(HEAD + "\n" + "\n\n".join(everything[i] for i in sorted(keep)) + "\n" + TAIL, end="")


main()
