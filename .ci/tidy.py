#!/usr/bin/env python3
"""Habits that a compiler does not hold: one door to the world, no leftovers, files that one can
read. Each rule names the way out."""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
LINES_MAX = 600
TEST_LINES_MAX = 800  # a list of cases reads well where code of that length does not

# What only some rooms may call, and what everybody else calls instead.
DOORS = [
    (r"\b(steady_clock|system_clock|high_resolution_clock)::now\b", ("runtime/os/", "tests/", "benchmarks/"),
     "take an Instant, or ask a Clock (runtime/os/clock.hpp)"),
    (r"\bstd::random_device\b|\bs?rand\(\)", ("runtime/os/", "tests/"),
     "take a Random (runtime/os/random.hpp)"),
    (r"\bstd::j?thread\b", ("runtime/os/", "actors/", "deploy/", "examples/", "tests/", "benchmarks/"),
     "the core has no threads: return an effect"),
    (r"\bsleep_for\b|\busleep\(", ("runtime/os/", "actors/", "deploy/", "examples/", "tests/", "benchmarks/"),
     "the core does not wait: return a deadline"),
    (r"\bgetenv\(", ("runtime/os/", "deploy/", "tests/", "benchmarks/"),
     "configuration is handed down by main"),
    (r"\bstd::[oi]?fstream\b|\bfopen\(", ("runtime/os/", "tests/", "benchmarks/", "examples/"),
     "go through FileSystem (runtime/os/file_system.hpp)"),
    (r"\bsystem_files\(\)", ("runtime/os/", "actors/node/", "deploy/", "examples/", "tests/", "benchmarks/"),
     "take a FileSystem: main chooses the disk and hands it down (runtime/os/file_system.hpp)"),
    # SQLite opens its file itself, and wants it to be there with its mode.
    (r"\bown_files\(\)", ("runtime/os/", "runtime/db/", "actors/node/", "deploy/", "tests/", "benchmarks/"),
     "take a FileSystem: main chooses the disk and hands it down (runtime/os/own_files.hpp)"),
    (r"\.dump\(", ("runtime/base/json_text.cpp", "tests/"),
     "write JSON with json_text (runtime/base/json_text.hpp): bytes that are no UTF-8 must not throw"),
    # The compiler leaks the members that stand before it when it returns.
    (r"(^\s*\{?\.\w+ = |\{[^ {};][^{};]*, ?).*\bTRY\(", ("tests/", "benchmarks/"),
     "take the value before the braces: what they hold already is not destroyed when TRY returns"),
    (r"\bstd::cout\b|\bprintf\(", ("deploy/", "examples/", "tests/", "benchmarks/"),
     "only the command line prints; log instead"),
]
LEFTOVERS = re.compile(r"//.*\b(TODO|FIXME|XXX|HACK)\b(?!\()")
HEAVY = re.compile(r'#\s*include\s*[<"](arrow/api\.h|arrow/compute/api\.h|caf/all\.hpp|nlohmann/json\.hpp)[">]')
HEAVY_HEADERS = {"runtime/base/json.hpp"}


def check(path, lines):
    limit = TEST_LINES_MAX if path.startswith("tests/") else LINES_MAX
    if len(lines) > limit:
        yield f"{path}: {len(lines)} lines: find the missing noun (limit {limit})"
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        if len(line) > 100:
            yield f"{where}: longer than 100 columns"
        if found := LEFTOVERS.search(line):
            yield f"{where}: {found[1]} without a kind"
        ours = path.startswith(("runtime/", "actors/", "deploy/")) and path not in HEAVY_HEADERS
        if path.endswith(".hpp") and ours and HEAVY.search(line):
            yield f"{where}: too heavy for a header; forward declare"
        code = re.sub(r"//.*|\"(\\.|[^\"])*\"", "", line)
        for pattern, rooms, instead in DOORS:
            if re.search(pattern, code) and not path.startswith(rooms):
                yield f"{where}: {re.search(pattern, code)[0]}: {instead}"


def types_defined(path, lines):
    """Qualified names of types that this file defines where others could meet them."""
    spaces = []
    for line in lines:
        if found := re.match(r"namespace(?: ([\w:]+))? \{", line):
            spaces.append(found[1])
        elif re.match(r"\}  // namespace", line) and spaces:
            spaces.pop()
        elif None not in spaces and (found := re.match(
                r"(?:class|struct|enum class)(?: \[\[\w+\]\])? (\w+)(?: final)?(?: *:(?!:)| *\{)", line)):
            yield "::".join(spaces + [found[1]])


def check_names(sources):
    """One namespace: two types of one name are one type to the linker, and it may take either."""
    homes = {}
    for path, lines in sources.items():
        if path.startswith(("runtime/", "actors/", "deploy/")):
            for name in types_defined(path, lines):
                homes.setdefault(name, set()).add(path)
    for name, paths in sorted(homes.items()):
        if len(paths) > 1:
            yield f"{name} is defined in {' and '.join(sorted(paths))}: find another name"


files = subprocess.check_output(["git", "ls-files", "*.hpp", "*.cpp"], cwd=root, text=True).split()
sources = {path: (root / path).read_text().splitlines() for path in files}
errors = [text for path, lines in sources.items() for text in check(path, lines)]
errors += check_names(sources)
print("\n".join(errors), end="\n" if errors else "")
print(f"{len(files)} files, {len(errors)} wrong")
sys.exit(bool(errors))
