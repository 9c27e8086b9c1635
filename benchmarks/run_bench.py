#!/usr/bin/env python3
"""Measures Troupe beside other engines, on the same files, in the same run, in turn, and prints ratios.

usage: run_bench.py BUILD FLIGHTS VEGA TPCH NEXMARK [--suite NAME] [--case NAME] [--peers NAME...] [--json FILE]
Suites: startup, wire, flights, tpch; without --suite all of these; and nexmark. --json appends one JSON
object a comparison."""
import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import engines
import measure
import nexmark

ANSWERS = pathlib.Path(__file__).with_name("answers.py")
FLIGHTS_CASES = ["flights", "group-by", "join", "large-join", "sort", "top-n"]
TPCH_CASES = [f"q{number:02}" for number in range(1, 23)]
COLD_RUNS, WARM_RUNS, WARM_UPS = 5, 5, 2
PEERS = {"DuckDB": "duck.py", "Polars": "polar.py", "PySpark": "spark.py"}
TPCH_PEER = "DuckDB"
SLOW_COLD_RUNS, SLOW_WARM_RUNS = 1, 3  # of PySpark, which takes minutes otherwise
WIRE_MESSAGES, WIRE_MEGABYTES, WIRE_LANES = "200000", "1000", "2"
IDLE_SETTLE_S, IDLE_WATCH_S = 2, 5
SUITES = ["startup", "wire", "flights", "tpch"]
STREAM_PEERS = list(nexmark.PEERS)


class Bench:
    def __init__(self, options):
        self.options = options
        self.build = options.build.resolve()
        self.data = {"flights": str(options.flights.resolve())} | {
            case: str(options.tpch.resolve()) for case in TPCH_CASES}
        self.vega = str(options.vega.resolve())
        self.out = pathlib.Path(tempfile.mkdtemp(prefix="troupe-bench-out-"))
        self.troupe = engines.Troupe(str(self.build / "troupe"))
        self.rows = []

    def peers(self):
        return [engines.Peer(name, program, sys.executable) for name, program in PEERS.items()
                if name in self.options.peers]

    def where(self, case, engine):
        return self.data.get(case, self.vega), str(self.out / engine.name / case)

    # One comparison a line -----------------------------------------------------------------------

    def record(self, suite, case, ours, peer=None, theirs=None, **more):
        """`ours` and `theirs` are lists of seconds; either may be empty."""
        middle = statistics.median(ours) if ours else None
        peer_s = statistics.median(theirs) if theirs else None
        row = {"suite": suite, "case": case, "troupe_s": middle,
               "peer": peer.name if peer else None,
               "peer_version": peer.version if peer else None, "peer_s": peer_s,
               "ratio": peer_s / middle if middle and peer_s else None, "runs": len(ours),
               "min": min(ours, default=None), "median": middle, "max": max(ours, default=None),
               "cpu_s": None, "peak_mb": None} | more
        row = {key: round(value, 6) if isinstance(value, float) else value
               for key, value in row.items()}
        self.rows.append(row)
        print(line_of(row), flush=True)
        if self.options.json:
            with open(self.options.json, "a") as file:
                file.write(json.dumps(row) + "\n")

    # Whole processes and warm engines --------------------------------------------------------------

    def cold(self, suite, case, all_engines):
        taken = {engine.name: [] for engine in all_engines}
        for repetition in range(COLD_RUNS):
            for engine in all_engines:
                if engine.name == "PySpark" and repetition >= SLOW_COLD_RUNS:
                    continue
                taken[engine.name].append(
                    measure.whole_process(engine.command(case, *self.where(case, engine)),
                                          engine.env))
        self.check(case, all_engines)
        self.compare(suite, f"{case}, whole process", all_engines,
                     {name: [one.seconds for one in all] for name, all in taken.items()},
                     {name: statistics.median(one.cpu_s for one in all)
                      for name, all in taken.items()},
                     {name: max(one.peak_mb for one in all) for name, all in taken.items()})

    def warm(self, suite, cases, all_engines):
        for engine in all_engines:
            engine.start()
        for case in cases:
            seconds = {engine.name: [] for engine in all_engines}
            cpu = {}
            for repetition in range(WARM_UPS + WARM_RUNS):
                for engine in all_engines:
                    if repetition == WARM_UPS:
                        cpu[engine.name] = measure.cpu_of(engine.pid())
                    if engine.name == "PySpark" and repetition >= WARM_UPS + SLOW_WARM_RUNS:
                        continue
                    took = engine.run_warm(case, *self.where(case, engine))
                    if repetition >= WARM_UPS:
                        seconds[engine.name].append(took)
            cpu = {engine.name: (measure.cpu_of(engine.pid()) - cpu[engine.name])
                   / len(seconds[engine.name]) for engine in all_engines}
            peak = {engine.name: measure.memory_of(engine.pid(), "VmHWM")
                    for engine in all_engines}
            self.check(case, all_engines)
            self.compare(suite, f"{case}, warm", all_engines, seconds, cpu, peak)
        for engine in all_engines:
            engine.stop()

    def compare(self, suite, case, all_engines, seconds, cpu, peak):
        ours = self.troupe.name
        for peer in all_engines[1:]:
            self.record(suite, case, seconds[ours], peer, seconds[peer.name], cpu_s=cpu[ours],
                        peak_mb=peak[ours], peer_cpu_s=cpu[peer.name], peer_peak_mb=peak[peer.name])

    def summarise(self, suite, kind):
        """The geometric means of a suite's ratios, the peer's over ours."""
        rows = [row for row in self.rows if row["suite"] == suite and row["case"].endswith(kind)]
        for name in dict.fromkeys(row["peer"] for row in rows):
            of_peer = [row for row in rows if row["peer"] == name]
            self.record(suite, f"all, {kind}", [], cases=len(of_peer), versus=name,
                        ratio=statistics.geometric_mean(row["ratio"] for row in of_peer),
                        least_ratio=min(row["ratio"] for row in of_peer),
                        cpu_ratio=statistics.geometric_mean(
                            row["peer_cpu_s"] / row["cpu_s"] for row in of_peer),
                        memory_ratio=max(row["peak_mb"] / row["peer_peak_mb"] for row in of_peer))

    def check(self, case, all_engines):
        """Speed without the same answer is worth nothing: a difference ends the bench."""
        for peer in all_engines[1:]:
            done = subprocess.run([sys.executable, str(ANSWERS), case,
                                   self.where(case, self.troupe)[1], self.where(case, peer)[1]],
                                  text=True, capture_output=True)
            if done.returncode:
                raise SystemExit(f"{case}: Troupe and {peer.name} differ: {done.stdout}{done.stderr}")

    # Suites ----------------------------------------------------------------------------------------

    def flights(self):
        all_engines = [self.troupe] + self.peers()
        cases = [case for case in FLIGHTS_CASES if self.options.case in (None, case)]
        for case in cases:
            self.cold("flights", case, all_engines)
        self.warm("flights", cases, all_engines)

    def tpch(self):
        """The 22 queries of TPC-H, by operators alone, beside DuckDB's SQL."""
        all_engines = [self.troupe] + [peer for peer in self.peers() if peer.name == TPCH_PEER]
        cases = [case for case in TPCH_CASES if self.options.case in (None, case)]
        for case in cases:
            self.cold("tpch", case, all_engines)
        self.warm("tpch", cases, all_engines)
        for kind in ("whole process", "warm"):
            self.summarise("tpch", kind)

    def nexmark(self):
        """14 queries over a stream of events, beside engines of streams."""
        nexmark.suite(self, self.options.nexmark.resolve())

    def startup(self):
        all_engines = [self.troupe] + self.peers()
        self.cold("startup", "trivial", all_engines)
        self.warm("startup", ["trivial"], all_engines)
        version = [measure.whole_process([self.troupe.binary, "--version"], self.troupe.env)
                   for _ in range(COLD_RUNS)]
        self.record("startup", "troupe --version", [one.seconds for one in version],
                    cpu_s=statistics.median(one.cpu_s for one in version),
                    peak_mb=max(one.peak_mb for one in version))
        self.idle()

    def idle(self):
        """A node that nobody asks anything: what it holds, and what it uses in a second."""
        self.troupe.start()
        time.sleep(IDLE_SETTLE_S)
        before = measure.cpu_of(self.troupe.pid())
        time.sleep(IDLE_WATCH_S)
        used = (measure.cpu_of(self.troupe.pid()) - before) / IDLE_WATCH_S
        self.record("startup", "idle node", [], cpu_s=used,
                    peak_mb=measure.memory_of(self.troupe.pid(), "VmRSS"))
        self.troupe.stop()

    def wire(self):
        """Two processes on loopback with CURVE. No peer: nothing else here speaks this protocol."""
        text = subprocess.check_output([self.build / "benchmarks/wire/wire-bench", WIRE_MESSAGES,
                                        WIRE_MEGABYTES, WIRE_LANES], text=True)
        for line in text.splitlines():
            found = json.loads(line)
            seconds = [found.pop("troupe_s")] if "troupe_s" in found else []
            self.record(found.pop("suite"), found.pop("case"), seconds, **found)


def line_of(row):
    def number(key, form="{:.3f}"):
        return form.format(row[key]) if row.get(key) is not None else "-"
    known = {"suite", "case", "troupe_s", "peer", "peer_version", "peer_s", "ratio", "runs", "min",
             "median", "max", "cpu_s", "peak_mb", "peer_cpu_s", "peer_peak_mb"}
    rest = "  ".join(f"{key} {value}" for key, value in row.items() if key not in known)
    return (f"{row['suite']:<8} {row['case']:<28} {number('troupe_s'):>8} {row['peer'] or '-':<8} "
            f"{number('peer_s'):>8} {number('ratio', '{:.2f}x'):>8} {number('cpu_s'):>8} "
            f"{number('peak_mb', '{:.0f}'):>8}  {rest}").rstrip()


HEAD = (f"{'suite':<8} {'case':<28} {'troupe s':>8} {'peer':<8} {'peer s':>8} {'ratio':>8} "
        f"{'cpu s':>8} {'peak MB':>8}")


def main():
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    parser.add_argument("--suite", choices=SUITES + ["nexmark"])
    parser.add_argument("--case", choices=FLIGHTS_CASES + TPCH_CASES + list(nexmark.EVENTS), metavar="NAME",
                        help="only this one of suite flights (sort, ...), tpch (q01, ...) or nexmark (q1, ...)")
    parser.add_argument("--json", metavar="FILE", help="append one JSON object a comparison")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS) + STREAM_PEERS,
                        default=list(PEERS) + STREAM_PEERS, metavar="NAME",
                        help=f"only these of {', '.join(PEERS)}; of nexmark: {', '.join(STREAM_PEERS)}")
    parser.add_argument("build", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("flights", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("vega", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("tpch", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("nexmark", type=pathlib.Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    measure.adopt_orphans()
    bench = Bench(options)
    print(f"{bench.troupe.version}; ratio: the peer's time over Troupe's, above 1 is better\n\n{HEAD}",
          flush=True)
    try:
        for suite in [options.suite] if options.suite else SUITES:
            getattr(bench, suite)()
    finally:
        shutil.rmtree(bench.out, ignore_errors=True)


if __name__ == "__main__":
    main()
