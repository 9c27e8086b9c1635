"""The suite `nexmark`: the queries of examples/nexmark over the same events as DBSP, clink and Flink.

Troupe reads memory-mapped Arrow files in a warm node, with a checkpoint every second, and every column of
an answer goes through `checksum`; the peers read the events in the form that their own program wants, keep
their state in memory and throw their answers away. Wall and CPU time are the best of the repetitions, on
both sides.
"""
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

import measure

HERE = pathlib.Path(__file__).resolve().parent
QUERIES = HERE.parent / "examples" / "nexmark"
PROGRAMS = pathlib.Path(os.environ.get("PEER_PROGRAMS", "../shared/peers"))  # of the peers
MILLION = 1_000_000
EVENTS = {"q0": 10, "q1": 10, "q2": 10, "q3": 10, "q4": 2, "q5": 4, "q7": 2, "q8": 10, "q9": 2, "q11": 4,
          "q12": 10, "q18": 4, "q19": 4, "q20": 2}
PARALLELISM = 2
REPETITIONS = 3
LATEST_MS = 0  # the generator's events are in order


def descriptor(query):
    """The example, with other connectors: what it computes stays as it is."""
    text = (QUERIES / f"{query}.yaml").read_text()
    text = re.sub(r'op: read\.parquet\n( +)with: {path: "(.*?)\.parquet"}',
                  r'op: read.ipc\n\1with: {path: "\2.arrow", memory_map: true}', text)
    text = re.sub(r"op: write\.parquet\n( +from: .*)\n +with: .*", r"op: checksum\n\1", text)
    return text.replace("mode: streaming\n",
                        f"mode: streaming\nparallelism: {PARALLELISM}\ncheckpoint: {{every: 1s}}\n")


class Peer:
    """A peer's own program, which repeats a query in one process and prints a line of JSON each time."""

    def __init__(self, name, version, queries):
        self.name, self.version, self.queries = name, version, queries

    def best(self, query, events):
        """The least wall and CPU seconds."""
        runs = [one for one in self.run(self.queries[query], events) if "error" not in one]
        if not runs:
            raise SystemExit(f"{self.name} has no answer to {query}")
        return min(one["s"] for one in runs), min(one["cpu_s"] for one in runs)


def lines_of(command, environment=None):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True,
                          env={**os.environ, **(environment or {})})
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not found:
        raise SystemExit(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return found


class Dbsp(Peer):
    BATCHES = (40_000, 200_000)

    def __init__(self, data):
        super().__init__("DBSP", "0.349.0", {
            **{q: q for q in ("q0", "q1", "q2", "q3", "q4", "q5", "q8", "q18", "q19", "q20")},
            "q7": "q7w", "q12": "q12e"})
        self.data = data

    def run(self, query, events):
        return [one for batch in self.BATCHES
                for one in lines_of([self.data / "peers/release/dbspmark", self.data / "events.nxb", events, PARALLELISM, batch,
                                     REPETITIONS, query])]


class Clink(Peer):
    def __init__(self, data):
        super().__init__("clink", "0.12.2", {
            **{q: q for q in ("q0", "q1", "q2", "q3", "q8", "q11", "q18", "q20")}, "q12": "q12e"})
        self.data = data

    def run(self, query, events):
        with tempfile.NamedTemporaryFile() as told:
            return lines_of([self.data / "peers/clink/bin/python", PROGRAMS / "clink_nexmark.py",
                             self.data / f"parts-{events // MILLION}m", events, PARALLELISM, REPETITIONS,
                             told.name, query])


class Flink(Peer):
    CHECKPOINT_MS = 1000

    def __init__(self, data):
        super().__init__("Flink", "2.3.0", {q: q for q in EVENTS} | {"q12": "q12e"})
        self.data = data

    def run(self, query, events):
        with tempfile.NamedTemporaryFile("r") as told:
            subprocess.run([self.data / "peers/flink/run.sh", "peers.Nexmark", f"data={self.data}",
                            f"events={events}", f"p={PARALLELISM}", f"reps={REPETITIONS}",
                            f"ckpt={self.CHECKPOINT_MS}", f"queries={query}", f"out={told.name}"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env={**os.environ, "FLINK_LIB": str(self.data / "peers/flink/lib")})
            runs = [json.loads(line) for line in told]
        for one in runs:
            one["s"] = one.get("net_s")
        return runs


PEERS = {"dbsp": Dbsp, "clink": Clink, "flink": Flink}


def ours(troupe, query, data):
    """The least wall and CPU seconds of a warm node, from the POST of the job to its end."""
    events = EVENTS[query]
    best = []
    for _ in range(REPETITIONS + 1):  # the first one warms up
        before = measure.cpu_of(troupe.pid())
        seconds = troupe.run_text(query, descriptor(query), {
            "input": str(data / f"arrow-{events}m"), "output": "unused", "out_of_order": LATEST_MS})
        best.append((seconds, measure.cpu_of(troupe.pid()) - before))
    return min(wall for wall, _ in best[1:]), min(cpu for _, cpu in best[1:])


def suite(bench, data):
    """Each query of ours and of the peers that were asked for, in turn."""
    peers = [PEERS[name](data) for name in PEERS if name in bench.options.peers]
    queries = [query for query in EVENTS if bench.options.case in (None, query)]
    ratios = {}
    for query in queries:
        events = EVENTS[query] * MILLION
        bench.troupe.start()
        seconds, cpu = ours(bench.troupe, query, data)
        peak = measure.memory_of(bench.troupe.pid(), "VmHWM")
        bench.troupe.stop()
        about = {"query": query, "parallelism": PARALLELISM, "events_per_s": events / seconds,
                 "cpu_s": cpu, "peak_mb": peak}
        if not peers:
            bench.record("nexmark", query, [seconds], **about)
        for peer in peers:
            if query not in peer.queries:
                continue
            their_seconds, their_cpu = peer.best(query, events)
            ratios.setdefault(peer.name, {})[query] = (their_seconds / seconds, their_cpu / cpu)
            bench.record("nexmark", query, [seconds], peer, [their_seconds], peer_cpu_s=their_cpu,
                         cpu_ratio=their_cpu / cpu, **about)
    summarise(bench, ratios)


def summarise(bench, ratios):
    """The geometric mean and the least of the ratios, by peer; and beside the better of DBSP and clink, by
    CPU second."""
    for name, found in ratios.items():
        walls = [wall for wall, _ in found.values()]
        bench.record("nexmark", f"all, {name}", [], versus=name, cases=len(walls),
                     ratio=statistics.geometric_mean(walls), least_ratio=min(walls),
                     cpu_ratio=statistics.geometric_mean(cpu for _, cpu in found.values()))
    better = [min(ratios[name][query][1] for name in ("DBSP", "clink") if query in ratios.get(name, {}))
              for query in EVENTS
              if any(query in ratios.get(name, {}) for name in ("DBSP", "clink"))]
    if better:
        bench.record("nexmark", "all, better of DBSP and clink", [], cases=len(better),
                     cpu_ratio=statistics.geometric_mean(better), least_ratio=min(better))
