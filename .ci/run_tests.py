#!/usr/bin/env python3
"""Runs the checks and every test that meson knows, two at a time, and counts single cases.

A Catch2 executable counts its test cases; a program that ends with `N passed, M failed` counts
those; anything else counts as one. Output is shown only where something failed."""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

root = pathlib.Path(__file__).resolve().parent.parent
build = root / sys.argv[1]
only = re.compile(sys.argv[2]) if len(sys.argv) > 2 else None
PATIENCE_S = 600  # a test that hangs is ended; one on a loaded machine is not
CHECKS = [
    ("layers", [".ci/check_layers.py"]),
    ("tidy", [".ci/tidy.py"]),
    ("format", [".ci/check_format.sh"]),
]


def meson_tests():
    text = subprocess.check_output(["meson", "introspect", "--tests", str(build)], text=True)
    for test in json.loads(text):
        # Meson names what it builds relative to its folder; we run from the root.
        cmd = [str(build / word) if (build / word).is_file() else word for word in test["cmd"]]
        yield {"name": test["name"], "cmd": cmd, "env": test["env"],
               "cwd": test["workdir"] or str(root), "timeout": max(test["timeout"], PATIENCE_S),
               "alone": not test["is_parallel"], "priority": test["priority"]}


def count(output, ok):
    if found := re.findall(r"^(\d+) passed, (\d+) failed$", output, re.M):
        return int(found[-1][0]), int(found[-1][1]) or (0 if ok else 1)
    if found := re.search(r"All tests passed \(.*? in (\d+) test cases?\)", output):
        return int(found[1]), 0 if ok else 1
    if found := re.search(r"test cases: *(\d+) *\|(?: *(\d+) passed *\|)? *(\d+) failed", output):
        return int(found[2] or 0), int(found[3])
    return (1, 0) if ok else (0, 1)


def run(test):
    start = time.monotonic()
    try:
        done = subprocess.run(test["cmd"], cwd=test["cwd"], env={**os.environ, **test["env"]},
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, timeout=test["timeout"] or None)
        output, ok = done.stdout.decode(errors="replace"), done.returncode == 0
        if done.returncode < 0:
            output += f"\nended by signal {-done.returncode}\n"
    except subprocess.TimeoutExpired as late:
        output = (late.stdout or b"").decode(errors="replace") + f"\nno end after {late.timeout} s\n"
        ok = False
    passed, failed = count(output, ok)
    return test["name"], passed, failed, time.monotonic() - start, output


def main():
    tests = [{"name": name, "cmd": cmd, "env": {}, "cwd": str(root), "timeout": PATIENCE_S, "alone": False,
              "priority": 100} for name, cmd in CHECKS]
    tests += meson_tests()
    tests = [test for test in tests if not only or only.search(test["name"])]
    tests.sort(key=lambda test: -test["priority"])
    results = []

    def report(result):
        name, passed, failed, seconds, output = result
        if failed:
            print(f"---- {name}\n{output}\n----")
        print(f"{'FAIL' if failed else 'ok  '} {name:24} {passed:5} passed {failed:3} failed"
              f" {seconds:7.1f} s", flush=True)
        results.append(result)

    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for done in concurrent.futures.as_completed(
                [pool.submit(run, test) for test in tests if not test["alone"]]):
            report(done.result())
    for test in tests:
        if test["alone"]:
            report(run(test))
    passed = sum(result[1] for result in results)
    failed = sum(result[2] for result in results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


sys.exit(main())
