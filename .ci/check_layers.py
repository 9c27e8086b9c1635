#!/usr/bin/env python3
"""Fails where an include goes up the layer list or to a sibling, a library leaves its rooms, a file
is in no room, or a room has no README."""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
rooms, libraries = {}, {}  # a room's line; a library's rooms
for line in (root / ".ci/layers.txt").read_text().splitlines():
    words = line.split("#")[0].split()
    if words[:1] == ["lib"]:
        libraries[words[1]] = words[2:]
    else:
        rooms |= {word: len(rooms) for word in words}


def inside(path, room):
    return path == room or path.startswith(room + "/")


def room_of(path):
    """The longest room that holds the path."""
    return max((room for room in rooms if inside(path, room)), key=len, default=None)


def complaints(path, target):
    here, there = room_of(path), room_of(target)
    library = target.split("/")[0].removesuffix(".hpp").removesuffix(".h")
    if there and there != here and rooms[there] >= rooms[here]:
        yield f"{here} may not include {there}, which is not below it"
    if library in libraries and not any(inside(path, room) for room in libraries[library]):
        yield f"<{library}> belongs to {' and '.join(libraries[library])}, not to {here}"


def check(path):
    if room_of(path) is None:
        yield f"{path}: is in no room of .ci/layers.txt"
        return
    for number, line in enumerate((root / path).read_text().splitlines(), 1):
        if found := re.match(r'\s*#\s*include\s*["<]([^">]+)[">]', line):
            for text in complaints(path, found[1]):
                yield f"{path}:{number}: {text}"


files = subprocess.check_output(["git", "ls-files", "*.hpp", "*.cpp"], cwd=root, text=True).split()
errors = [text for path in files for text in check(path)]
for room in rooms:
    if (root / room).is_dir() and room != "tests" and not (root / room / "README.md").exists():
        errors.append(f"{room}: has no README.md")
print("\n".join(errors), end="\n" if errors else "")
print(f"{len(files)} files, {len(rooms)} rooms, {len(errors)} wrong")
sys.exit(bool(errors))
