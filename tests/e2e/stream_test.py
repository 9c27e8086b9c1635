#!/usr/bin/env python3
"""Streaming jobs on three nodes: a checkpoint several times a second, files that grow with each, and the
oracle of all faults: what is committed in the end is what a batch run without faults commits, row for row.

usage: stream_test.py TROUPE [PART-OF-A-NAME]"""
import collections
import json
import pathlib
import random
import signal
import time

from support import Tests, check, contains, equal, eventually

test = Tests()
KILLS = 3

# Rows up to three seconds late, a hot key, gaps; {ROWS} of them are some seconds of work.
JOB = """apiVersion: troupe/v1
kind: Job
metadata: {{name: sums-{mode}}}
mode: {mode}
{checkpoint}
dataflow:
  events:
    op: datagen
    with:
      rows: {rows}
      columns:
        account: abs(hash64(n)) % 997 * (n % 5)
        amount: n % 1000
        at: TIMESTAMP '2026-01-01' + (n - abs(hash64(n, 1)) % 3000) * INTERVAL '1 millisecond'
    event_time: {{value: at, max_out_of_order: 3s}}
  some: {{op: filter, from: events, with: {{where: amount > 10}}}}
  sums:
    op: window
    from: some
    with:
      size: 1m
      group_by: [account]
      select: {{total: sum(amount), transfers: count(*)}}
      late: drop
  save: {{op: write.csv, from: sums, with: {{path: {out}}}}}
"""
ROWS = 30_000_000


class Cluster:
    """Node a coordinates and executes, b and c execute."""

    def __init__(self, site):
        self.site = site
        site.keys("a", "b", "c")
        self.a = site.node("a", "--bind", "tcp://127.0.0.1:0", "--port", "0", "--lease", "2s",
                           "--slots", "1").start()
        self.executors = [
            site.node(name, "--roles", "executor", "--bind", f"tcp://127.0.0.{i}:0", "--lease", "2s",
                      "--slots", "1", "--coordinator", f"a={self.a.endpoint}").start()
            for i, name in enumerate("bc", 2)]
        self.settle()

    def settle(self):
        nodes = lambda: self.a.get("/api/v1/nodes")["nodes"]
        eventually(lambda: sum(one["state"] == "live" for one in nodes()) == 3, "three nodes live",
                   patience=30)

    def ask(self, *words):
        return self.site.call(*words, "--address", self.a.gateway.split("//")[1], "--token-file",
                              self.a.token_file)

    def start(self, job):
        return self.ask("apply", job, "--run", "-o", "json").expect(0).json()["run"]

    def run(self, number):
        return self.a.get(f"/api/v1/runs/{number}")

    def end_of(self, number):
        run = eventually(lambda: (now := self.run(number))["state"] in
                         ("SUCCEEDED", "FAILED", "HALTED", "CANCELLED") and now, "it ends", patience=120)
        equal(run["state"], "SUCCEEDED", f"how it ended ({run})")
        return run


def written(out):
    """All rows of a directory of CSV files, and how often each is there."""
    rows = collections.Counter()
    for file in pathlib.Path(out).glob("*.csv"):
        rows.update(file.read_text().splitlines()[1:])
    return rows


def jobs(site, settings=""):
    """The job as a stream, and what it must come to."""
    out, batch = site.path / "out", site.path / "batch"
    stream = site.write("stream.yaml", JOB.format(
        mode="streaming", checkpoint=f"checkpoint: {{every: 200ms{settings}}}", rows=ROWS, out=out))
    calm = site.write("batch.yaml", JOB.format(mode="batch", checkpoint="", rows=ROWS, out=batch))
    site.call("run", calm).expect(0)
    return stream, out, written(batch)


def begun(cluster, site, settings=""):
    """A run whose first rows are there: its number, its output, and what that must come to."""
    stream, out, rows = jobs(site, settings)
    number = cluster.start(stream)
    eventually(lambda: out.is_dir() and sum(written(out).values()) > 0, "rows are there", patience=30)
    return number, out, rows


def ends_exact(cluster, number, out, rows):
    cluster.end_of(number)
    equal(written(out), rows, "rows")
    epochs(out)


def epochs(out):
    """The entries of the log, in order: each names the one before it."""
    log = sorted((one for one in (pathlib.Path(out) / "_commits").iterdir() if one.name.isdigit()),
                 key=lambda one: int(one.name))
    entries = [json.loads(one.read_text()) for one in log]
    for before, entry in zip(entries, entries[1:]):
        equal(entry["previous"], before["epoch"], "the epoch before")
    return entries


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


test.main()
