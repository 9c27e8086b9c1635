"""What the tests of streams share: three nodes, a job that runs for some seconds as a stream, and what it must
come to. A batch run without faults is the oracle."""
import collections
import json
import pathlib

from support import check, equal, eventually

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
ENDS = ("SUCCEEDED", "FAILED", "HALTED", "CANCELLED", "SUSPENDED")


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

    def end_of(self, number, state="SUCCEEDED"):
        run = eventually(lambda: (now := self.run(number))["state"] in ENDS and now, "it ends", patience=120)
        equal(run["state"], state, f"how it ended ({run})")
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
