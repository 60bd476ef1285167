# SPDX-License-Identifier: BSD-2-Clause-Patent
"""callgraph.py LIST FILE.ci...: what gcc's -fcallgraph-info=su says about the EFI program: that no
function comes back to itself by direct calls, and how deep its stack grows. LIST gets what each
function needs, the largest first.

UEFI 2.10, 2.3.4: the boot processor has 128 KiB of stack, of which firmware's own calls need some;
EDK2 gives the other processors 32 KiB (UefiCpuPkg.dec, PcdCpuApStackSize). Half of either is ours. A
call through a pointer ends a path here: such are the seam's functions, firmware's, and the formats'
three, which call nothing above themselves."""

import re
import sys

ROOTS = {"efi_main": 65536, "thaw_crew_work": 16384}
INDIRECT = "__indirect_call"


def read(paths):
    """({function: its own bytes}, {function: whom it calls}, how many calls go through pointers)"""
    size, calls, indirect = {}, {}, 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for name, label in re.findall(r'node: \{ title: "([^"]*)" label: "([^"]*)"', text):
            if found := re.search(r"(\d+) bytes \(", label):
                size[name] = int(found[1])
        for source, target in re.findall(r'sourcename: "([^"]*)" targetname: "([^"]*)"', text):
            indirect += target == INDIRECT
            calls.setdefault(source, set()).add(target)
    return size, calls, indirect


def deepest(name, size, calls, path, known):
    """(bytes, path) of the deepest way down from a function; complains about a way back."""
    if name in path:
        raise RecursionError(" -> ".join([*path[path.index(name):], name]))
    if name not in known:
        below = [deepest(n, size, calls, [*path, name], known)
                 for n in sorted(calls.get(name, ())) if n != INDIRECT]
        most, way = max(below, default=(0, []))
        known[name] = size.get(name, 0) + most, [name, *way]
    return known[name]


SHOWN = 8


def show_frames(size, path):
    frames = [f"{size[name]:6} {name.split(':')[-1]}" for name in sorted(size, key=lambda n: -size[n])]
    with open(path, "w", encoding="utf-8") as file:
        print("\n".join(frames), file=file)
    print(f"# bytes of stack of each function: {path}; the largest")
    print("\n".join(f"# {frame}" for frame in frames[:SHOWN]))


def main(listing, paths):
    size, calls, indirect = read(paths)
    known = {}
    try:
        for name in sorted(size):
            deepest(name, size, calls, [], known)
    except RecursionError as circle:
        print(f"FAIL recursion: {circle}")
        return 1
    print(f"ok no recursion: {len(size)} functions, {indirect} calls through pointers")
    show_frames(size, listing)
    bad = 0
    for root, limit in ROOTS.items():
        depth, way = known.get(root, (0, []))
        bad += not 0 < depth <= limit
        print(f"# {depth} of {limit} bytes below {root}: {' '.join(n.split(':')[-1] for n in way)}")
    if bad or not indirect:
        print("FAIL depth of the stack")
    return bool(bad or not indirect)


sys.exit(main(sys.argv[1], sys.argv[2:]))
