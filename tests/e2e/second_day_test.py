#!/usr/bin/env python3
"""What runs once runs again: with other rows, in a new process, twice at once, beside another cluster
of the same name, after its data directory is gone or was brought back, over nothing, and over an input
that changes. What is visible afterwards is what the last run made, and nothing else.

usage: second_day_test.py TROUPE [PART-OF-A-NAME]"""
import contextlib
import json
import pathlib
import shutil
import sqlite3
import subprocess
import threading
import time

from support import ROOT, Tests, check, contains, equal, eventually

test = Tests()

JOB = """apiVersion: troupe/v1
kind: Job
metadata: {name: again}
params: {v: {type: int}, out: {type: path}}
dataflow:
  rows: {op: values, with: {rows: [{a: 1}, {a: 2}, {a: 3}]}}
  more: {op: select, from: rows, with: {columns: {a: "a + ${{ params.v }}"}}}
  save: {op: write.csv, from: more, with: {path: "${{ params.out }}"}}
"""

COPY = """apiVersion: troupe/v1
kind: Job
metadata: {name: copy}
params: {in: {type: path}, out: {type: path}}
dataflow:
  rows: {op: read.csv, with: {path: "${{ params.in }}"}}
  save: {op: write.csv, from: rows, with: {path: "${{ params.out }}"}}
"""


def written(path):
    """The numbers in an output of one column: a directory of parts, or a file."""
    path = pathlib.Path(path)
    files = sorted(path.glob("part-*")) if path.is_dir() else [path]
    lines = [line for file in files for line in file.read_text().splitlines()]
    return sorted(int(line) for line in lines if line.strip('"') != "a")


def rows(v):
    return [v + 1, v + 2, v + 3]


def left_beside(path):
    """What a run has left beside its output."""
    path = pathlib.Path(path)
    return [one.name for one in path.parent.iterdir() if ".troupe-" in one.name]


class Cluster:
    """Node a, which coordinates, and maybe executors; jobs are applied to it from the command line."""

    def __init__(self, site, name, executors=0):
        self.site = site
        names = [f"{name}{i}" for i in range(executors)]
        site.keys(name, *names)
        self.a = site.node(name, "--bind", "tcp://127.0.0.1:0", "--port", "0", "--lease", "1s").start()
        self.others = [site.node(one, "--roles", "executor", "--bind", "tcp://127.0.0.1:0", "--lease",
                                 "1s", "--coordinator", f"{name}={self.a.endpoint}").start()
                       for one in names]
        self.await_live()

    def await_live(self):
        def live():
            status, body = self.a.http("/api/v1/nodes")  # 503 while it begins anew
            return [one for one in json.loads(body).get("nodes", []) if one["state"] == "live"]

        eventually(lambda: len(live()) == 1 + len(self.others), "all nodes are live", patience=30)

    def run(self, job, *words):
        address = ["--address", self.a.gateway.split("//")[1], "--token-file", self.a.token_file]
        return self.site.call("apply", job, *words, "--run", "--wait", *address)


def each_output(site):
    return [site.path / "out", site.path / "out.csv"]


@test
def a_second_run_leaves_its_own_rows(site):
    """In a directory and in a single file, in one process and with executors; a third run over no rows
    leaves none."""
    job = site.write("again.yaml", JOB)
    for out in each_output(site):
        for v, words in ((100, []), (200, []), (300, ["--executors", "2"])):
            site.call("run", job, "-p", f"v={v}", "-p", f"out={out}", *words).expect(0)
            equal(written(out), rows(v), f"{out.name} after the run with {v}")
            equal(left_beside(out), [], "left beside the output")
    empty = site.write("empty.csv", "a\n")
    copy = site.write("copy.yaml", COPY)
    for out in each_output(site):
        site.call("run", copy, "-p", f"in={empty}", "-p", f"out={out}").expect(0)
        equal(written(out), [], f"{out.name} after a run over no rows")


@test
def dev_begins_anew_and_writes_anew(site):
    """`troupe dev` without a directory knows nothing of its last day, whose first run was run 1, too."""
    job = site.write("again.yaml", JOB)
    for v in (100, 200):
        dev = subprocess.Popen([site.troupe, "dev", "--port", "0", "-o", "jsonl"], cwd=site.path,
                               env=site.environment, stdout=subprocess.PIPE, text=True)
        try:
            about = json.loads(dev.stdout.readline())
            for out in each_output(site):
                site.call("apply", job, "-p", f"v={v}", "-p", f"out={out}", "--run", "--wait", "--address",
                          about["gateway"].split("//")[1], "--token-file", about["token_file"]).expect(0)
                equal(written(out), rows(v), f"{out.name} on the day of {v}")
        finally:
            dev.terminate()
            dev.wait(20)


@test
def a_coordinator_without_its_past_writes_anew(site):
    """Its data directory is removed, while its executor lives on; the first run of the new metadata has
    the number of one of the old, and other rows. The executor drops what it held and joins again."""
    cluster = Cluster(site, "a", executors=1)
    job = site.write("again.yaml", JOB)
    for v in (100, 200):
        for out in each_output(site):
            cluster.run(job, "-p", f"v={v}", "-p", f"out={out}").expect(0)
            equal(written(out), rows(v), f"{out.name} with {v}")
        cluster.a.kill()
        shutil.rmtree(site.path / "a" / "data")
        cluster.a.start()
        cluster.await_live()
    equal(cluster.a.get("/api/v1/runs")["runs"], [], "runs of the metadata that began anew")


@test
def a_copy_of_the_metadata_that_is_brought_back_writes_anew(site):
    """Runs that the copy does not know of are forgotten, and their numbers are given out again; what
    they wrote is replaced all the same."""
    cluster = Cluster(site, "a")
    job = site.write("again.yaml", JOB)
    out = site.path / "out"
    cluster.run(job, "-p", "v=1", "-p", f"out={out}").expect(0)
    cluster.a.end()
    shutil.copytree(site.path / "a" / "data", site.path / "copy")
    cluster.a.start()
    cluster.run(job, "-p", "v=100", "-p", f"out={out}").expect(0)
    cluster.a.end()
    shutil.rmtree(site.path / "a" / "data")
    shutil.copytree(site.path / "copy", site.path / "a" / "data")
    cluster.a.start()
    cluster.await_live()
    cluster.run(job, "-p", "v=200", "-p", f"out={out}").expect(0)
    equal(written(out), rows(200), "the output after the second run 2")


@test
def metadata_of_an_earlier_troupe_shows_the_same_runs(site):
    """What it listed is listed: states, times, tasks and rows; a key it knew is known; what it left
    open is gone on with. The database is that of a cluster that was killed at work."""
    golden = ROOT / "tests" / "golden" / "metadata"
    said = json.loads((golden / "version_3.json").read_text())
    data = site.path / "a" / "data"
    data.mkdir(parents=True, mode=0o700)
    with contextlib.closing(sqlite3.connect(data / "metadata.db")) as old:
        old.executescript((golden / "version_3.sql").read_text())
    subprocess.run(["chmod", "-R", "go=", data], check=True)
    a = site.node("a", "--roles", "coordinator,gateway", "--port", "0").start()
    runs = a.get("/api/v1/runs")["runs"]
    for run in runs:
        del run["vertices"], run["task_list"]
    equal(runs[1:], said[1:], "the runs that had ended")
    went_on = {"state": runs[0]["state"]}
    equal(runs[0], said[0] | went_on, "the run that had not")
    check(runs[0]["state"] in ("RUNNING", "RESTARTING"), f"it is {runs[0]['state']}")
    status, answer = a.http("/api/v1/jobs/small/runs", {"idempotency_key": "the key"})
    equal((status, json.loads(answer)["run"]), (201, 5), f"a known key ({answer})")
    equal(len(a.get("/api/v1/runs")["runs"]), 6, "runs")


@test
def two_clusters_of_one_name_do_not_know_each_other(site):
    """Both are called "troupe", both write to one output, and each run leaves its own rows."""
    first, second = Cluster(site, "a"), Cluster(site, "b")
    job = site.write("again.yaml", JOB)
    out = site.path / "out"
    for v, cluster in ((100, first), (200, second), (300, first)):
        cluster.run(job, "-p", f"v={v}", "-p", f"out={out}").expect(0)
        equal(written(out), rows(v), f"the output after the run with {v}")
        equal(left_beside(out), [], "left beside the output")


@test
def two_runs_at_once_are_not_mixed(site):
    """Four times two processes write to one output at the same time. Each run succeeds or is refused;
    in the end all rows are of one of them, and nothing is left beside."""
    job = site.write("copy.yaml", COPY)
    count = 60_000
    for v in (1, 2):
        site.write(f"in-{v}.csv", "a\n" + f"{v}\n" * count)
    for i in range(4):
        for out in each_output(site):
            ends = []
            one = lambda v: ends.append(site.call("run", job, "-p", f"in=in-{v}.csv", "-p", f"out={out}"))
            both = [threading.Thread(target=one, args=(v,)) for v in (1, 2)]
            for each in both:
                each.start()
                time.sleep(0.01 * i)
            for each in both:
                each.join()
            check(any(end.code == 0 for end in ends), f"none succeeded: {[end.err for end in ends]}")
            got = written(out)
            check(got in ([1] * count, [2] * count), f"{out.name} has {len(got)} rows of {set(got)}")
            equal(left_beside(out), [], "left beside the output")


@test
def no_output_is_its_own_input(site):
    """An output that the second run would read, by a pattern or through a link, is refused at the first
    one, with its place; one that replaces all that is read is not. Two sinks of one place are refused."""
    job = site.write("copy.yaml", COPY)
    site.write("in/a.csv", "a\n1\n")
    (site.path / "link").symlink_to("in")
    for pattern, out in (("in/**", "in/out"), ("in", "in/out.csv"), ("in/*.csv", "in/out.csv"),
                         ("link/**", "in/out"), ("in/**/*.csv", "link/x/y"), ("*/*.csv", "other")):
        refused = site.call("validate", job, "-p", f"in={pattern}", "-p", f"out={out}").expect(3)
        contains(refused.err + refused.out, "a second run would read what the first has written", out)
        contains(refused.err + refused.out, "copy.yaml:7:", out)
        site.call("run", job, "-p", f"in={pattern}", "-p", f"out={out}").expect(3)
    for i in range(2):
        for pattern, out in (("in", "in"), ("in/*.csv", "in"), ("in/*.csv", "beside")):
            site.call("run", job, "-p", f"in={pattern}", "-p", f"out={out}").expect(0)
            equal(written(site.path / out), [1], f"rows in {out} after run {i + 1}")
    twice = site.write("twice.yaml", JOB + "  also: {op: write.csv, from: more, with: {path: out/x}}\n")
    refused = site.call("validate", twice, "-p", "v=1", "-p", "out=out").expect(3)
    contains(refused.err + refused.out, "write to the same place", "two sinks")


@test
def an_input_that_changes_is_never_mixed(site):
    """While it is read, a file is written in place, replaced, or removed. The run has all rows of the
    one or of the other, or it fails at its first attempt and says which file changed."""
    job = site.write("copy.yaml", COPY)
    count = 1_500_000
    for v in (1, 2):
        site.write(f"of-{v}.csv", "a\n" + f"{v}\n" * count)
    path = site.path / "in.csv"
    change = {
        "in place": lambda: shutil.copyfile(site.path / "of-2.csv", path),
        "replaced": lambda: (shutil.copyfile(site.path / "of-2.csv", site.path / "new"),
                             (site.path / "new").rename(path)),
        "removed": lambda: path.unlink(),
    }
    refused = 0
    for how, happens in change.items():
        for delay in (0.02, 0.05, 0.1):
            shutil.copyfile(site.path / "of-1.csv", path)
            later = threading.Timer(delay, happens)
            later.start()
            done = site.call("run", job, "-p", "in=in.csv", "-p", "out=out", "-o", "json")
            later.join()
            if done.code == 0:
                got = set(written(site.path / "out"))
                check(got in ({1}, {2}), f"{how} after {delay} s: rows of {got}")
                continue
            refused += 1
            check(done.code in (1, 3), f"{how} after {delay} s: {done.code}\n{done.err}")
            contains(done.err + done.out, "in.csv", f"{how} after {delay} s")
            if done.code == 1:
                equal(done.json()["task_restarts"], 0, f"{how} after {delay} s: tried again")
    check(refused, "no change came while the file was read")


@test
def the_wall_clock_may_jump(site):
    """It is moved an hour forward and two back while two nodes work: no lease ends, nothing is done
    again, and the times of a run are told by the clock as it then was."""
    clock = site.write("clock", "+0")
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    check(library, "libfaketime is not installed: ./test installs it")
    site.environment |= {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock),
                         "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    cluster = Cluster(site, "a", executors=1)
    job = site.write("copy.yaml", COPY)
    count = 300_000
    submitted = []
    for v, offset in enumerate(("+0", "+3600", "-3600", "+0")):
        site.write("in.csv", "a\n" + f"{v}\n" * count)
        later = threading.Timer(0.2, lambda: clock.write_text(offset))
        later.start()
        cluster.run(job, "-p", f"in={site.path}/in.csv", "-p", f"out={site.path}/out").expect(0)
        later.join()
        equal(written(site.path / "out"), [v] * count, f"the rows after the clock went to {offset}")
        time.sleep(1.5)  # longer than a lease
        submitted.append(cluster.a.get("/api/v1/runs")["runs"][0]["submitted"])
    equal([node["incarnation"] for node in cluster.a.get("/api/v1/nodes")["nodes"]], [1, 1], "incarnations")
    runs = cluster.a.get("/api/v1/runs")["runs"]
    equal([run["task_restarts"] for run in runs], [0] * 4, "restarts")
    hour = lambda text: int(text[11:13])
    check(hour(submitted[2]) != hour(submitted[3]), f"the clock did not move: {submitted}")


test.main()
