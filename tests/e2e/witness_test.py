#!/usr/bin/env python3
"""Random dataflows over random tables, against what DuckDB makes of the same files.

usage: witness_test.py TROUPE [PART-OF-A-NAME]
One seed is one dataflow: sources in several formats with nulls, duplicates and skew; filters,
selects, joins of every kind, aggregations, distincts, unions, sorts and limits; one or more sinks.
Each is run into outputs that others have written before. A failure prints its seed, the descriptor and
the SQL. TROUPE_SEEDS is how many there are (64), TROUPE_SEED the first (1)."""
import collections
import copy
import decimal
import math
import os
import random
import sys

from support import Failure, Tests, check, need

try:
    import duckdb
except ImportError:
    PYTHON = need("TROUPE_TOOL_PYTHON", "a Python that has DuckDB")
    os.execv(PYTHON, [PYTHON, *sys.argv])

from witness_flow import TOGETHER, Flow
from witness_tables import Tables, quoted

test = Tests()
SEEDS = int(os.environ.get("TROUPE_SEEDS", "64"))
SEED = int(os.environ.get("TROUPE_SEED", "1"))
SHOWN = 5  # rows of a difference


def value(one):
    """Equal where the two agree: numbers by value, doubles to nine digits, -0 as 0."""
    if isinstance(one, float):
        return "NaN" if math.isnan(one) else float(f"{one:.9g}") + 0.0
    if isinstance(one, decimal.Decimal):
        return int(one) if one == one.to_integral_value() else float(f"{float(one):.9g}")
    return one


def rows(con, sql):
    """Names of the columns, and the rows. Moments with a zone would need a package: as micros."""
    about = con.execute(f"DESCRIBE {sql}").fetchall()
    columns = ", ".join(f"epoch_us({quoted(name)})" if "ZONE" in kind else quoted(name)
                        for name, kind, *_ in about)
    found = con.execute(f"SELECT {columns} FROM ({sql})").fetchall()
    return [name for name, *_ in about], [tuple(map(value, row)) for row in found]


def written(con, folder, sink):
    """What the run wrote: None where there is no row, since then there is no file."""
    if not any(folder.glob(f"*.{sink.format}")):
        return None
    return rows(con, sink.read_back(str(folder)))


def difference(got, want, ordered):
    """Nothing, or how the rows differ."""
    if got is None:
        return f"no rows, not {len(want[1])}" if want[1] else ""
    if got[0] != want[0]:
        return f"columns {got[0]}, not {want[0]}"
    if ordered and got[1] != want[1]:
        at = next((i for i, pair in enumerate(zip(got[1], want[1])) if pair[0] != pair[1]),
                  min(len(got[1]), len(want[1])))
        return (f"{len(got[1])} rows, not {len(want[1])}; from row {at}: "
                f"{got[1][at:at + SHOWN]}, not {want[1][at:at + SHOWN]}")
    ours, theirs = collections.Counter(got[1]), collections.Counter(want[1])
    if ours == theirs:
        return ""
    return (f"{len(got[1])} rows, not {len(want[1])}; too many: "
            f"{list((ours - theirs).elements())[:SHOWN]}; missing: "
            f"{list((theirs - ours).elements())[:SHOWN]}")


class Round:
    """Some dataflows in one descriptor, over the same tables. How they are run is random, too."""

    def __init__(self, site, number, seeds):
        dice = random.Random(f"round {number}")
        self.site = site
        self.memory = dice.choice((None, None, "16MiB"))
        self.words = dice.choice([["--parallelism", str(dice.randint(1, 7))]] * 7
                                 + [["--executors", "2"]])
        con = duckdb.connect()
        con.execute("SET TimeZone = 'UTC'")
        size = "large" if self.memory else "small"
        tables = Tables(con, site.path / f"data-{number}", size, dice)
        self.flows = [Flow(seed, con, tables) for seed in seeds]

    def descriptor(self):
        head = "apiVersion: troupe/v1\nkind: Job\nmetadata: {name: witness}\n"
        head += f"memory: {self.memory}\n" if self.memory else ""
        return head + "dataflow:\n" + "".join(flow.yaml() for flow in self.flows)

    def run(self):
        """Runs it, and says for each dataflow how it differs; raises where the run fails."""
        job = self.site.write("witness.yaml", self.descriptor())
        done = self.site.call("run", job, *self.words)
        check(done.code == 0, f"`troupe {done.command}` answered {done.code}: {done.err}")
        return {flow: told for flow in self.flows if (told := self.compare(flow))}

    def compare(self, flow):
        for sink in flow.sinks:
            sql = flow.sql(sink)
            want = rows(flow.con, sql)
            told = difference(written(flow.con, self.site.path / "out" / f"{flow.place}-{sink.place}", sink), want,
                              sink.ordered)
            if told:
                return f"{sink.id}: {told}\n-- its SQL:\n{sql}"
        return ""

    def alone(self, flow):
        one = copy.copy(self)
        one.flows = [flow]
        return one

    def report(self, flow, told):
        return (f"seed {flow.seed} {' '.join(self.words)} (replay: TROUPE_SEEDS=1 TROUPE_SEED="
                f"{flow.seed})\n-- the descriptor:\n{self.alone(flow).descriptor()}-- {told}")


def failures(turn):
    """The reports of a round. Where the run itself fails, its dataflows are tried one by one."""
    try:
        return [turn.report(flow, told) for flow, told in turn.run().items()]
    except Failure as whole:
        reports = []
        for flow in turn.flows:
            try:
                reports += [turn.report(flow, told) for told in turn.alone(flow).run().values()]
            except Failure as failure:
                reports.append(turn.report(flow, failure))
        return reports or [f"only together: {whole}\n{turn.descriptor()}"]


@test
def random_dataflows_have_duckdbs_rows(site):
    """Every sink of every seed has the rows, and after a sort the order, of the SQL for it."""
    found = []
    for number in range(SEED // TOGETHER, (SEED + SEEDS - 1) // TOGETHER + 1):
        seeds = range(max(SEED, number * TOGETHER), min(SEED + SEEDS, (number + 1) * TOGETHER))
        found += failures(Round(site, number, seeds))
    check(not found, f"{len(found)} of {SEEDS} dataflows differ\n" + "\n\n".join(found[:3]))


test.main()
