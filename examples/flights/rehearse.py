#!/usr/bin/env python3
"""Runs the flights job, kills an executor halfway on purpose, and says whether the result is exact.

usage: rehearse.py TROUPE DATA OUT"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

troupe, data, out = sys.argv[1:4]
here = pathlib.Path(__file__).resolve().parent
command = [troupe, "run", str(here / "flights.yaml"), "-p", f"data={data}", "-p", f"out={out}",
           "--executors", "2", "--rehearse-kill", "0.5", "-o", "json"]
pathlib.Path(out).mkdir(parents=True, exist_ok=True)
with tempfile.NamedTemporaryFile(dir=out) as stamp:  # by the clock of the disk that is written to
    began = os.stat(stamp.name).st_mtime_ns
start = time.monotonic()
done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
seconds = time.monotonic() - start
if done.returncode != 0:
    sys.exit(f"the job failed: exit code {done.returncode}")
run = json.loads(done.stdout)
for output in run["outputs"]:
    print(f"{output['title'] or output['vertex']}:")
    for row in output["rows"]:
        print("  " + "  ".join(str(value) for value in row.values()))
recovered = run.get("recovered_in_s")


def not_of_this_run():
    """What is below OUT and was not written by this run: it would be compared in its place."""
    for path in sorted(pathlib.Path(out).rglob("*.parquet")):
        if path.stat().st_mtime_ns < began:
            yield path
    for commit in sorted(pathlib.Path(out).rglob("_commit")):
        if not json.loads(commit.read_text())["marker"].startswith(run["uid"] + "/"):
            yield commit


print(f"run {run['id']} {run['state']}: {run['tasks']} tasks, {run['task_restarts']} restarted, "
      f"{seconds:.2f} s")
check = subprocess.run([sys.executable, str(here / "check.py"), data, out],
                       stdout=subprocess.PIPE, text=True)
print("beside DuckDB: " + check.stdout.strip())
found = re.search(r"missing (\d+), repeated (\d+)", check.stdout)
missing, repeated = found.groups() if found else ("?", "?")
old = list(not_of_this_run())
for path in old:
    print(f"{path} is not of this run", file=sys.stderr)
exact = check.returncode == 0 and recovered is not None and not old
if recovered is None:
    print("no work was lost: the kill came too late to show a recovery", file=sys.stderr)
told = f"{recovered * 1000:.0f} ms" if recovered is not None else "no time"
print(f"exact: {'yes' if exact else 'no'}, missing {missing}, repeated {repeated}, recovered in {told}")
sys.exit(0 if exact else 1)
