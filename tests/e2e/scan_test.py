#!/usr/bin/env python3
"""A scan that leaves out rows which a filter or a join behind it drops gives the rows of one that does
not: random Parquet files in every shape that pyarrow and DuckDB write, against DuckDB's answers.

usage: scan_test.py TROUPE [PART-OF-A-NAME]
TROUPE_SEEDS is how many files and jobs there are (40), TROUPE_SEED the first (1)."""
import datetime
import decimal
import os
import random
import sys

from support import Failure, Tests, check, need

try:
    import duckdb
    import pyarrow as pa
except ImportError:
    PYTHON = need("TROUPE_TOOL_PYTHON", "a Python that has DuckDB and pyarrow")
    os.execv(PYTHON, [PYTHON, *sys.argv])

import pyarrow.parquet

test = Tests()
SEEDS = int(os.environ.get("TROUPE_SEEDS", "40"))
SEED = int(os.environ.get("TROUPE_SEED", "1"))
JOINS = {"inner": "JOIN", "semi": "SEMI JOIN", "right": "RIGHT JOIN", "left": "LEFT JOIN",
         "anti": "ANTI JOIN"}
DAY = datetime.date(2020, 1, 1)


def some(dice, rows, make, nulls):
    """Values with nulls, where they are: none, some, or all in a stretch of the file."""
    values = [make() for _ in range(rows)]
    if nulls == "some":
        values = [None if dice.random() < 0.1 else value for value in values]
    if nulls == "stretch":
        values[rows // 4:rows // 2] = [None] * (rows // 2 - rows // 4)
    return values


def table(dice, rows, domain):
    spread = dice.choice((1, 10**6, 10**13))  # far apart, keys are told by a Bloom filter
    def column(make, kind):
        return pa.array(some(dice, rows, make, dice.choice(("none", "some", "stretch"))), kind)
    return pa.table({
        "k": column(lambda: (dice.randrange(domain) - domain // 3) * spread, pa.int64()),
        "small": column(lambda: dice.randrange(-100, 100), pa.int16()),
        "money": column(lambda: decimal.Decimal(dice.randrange(-10**6, 10**6)).scaleb(-2),
                        pa.decimal128(15, 2)),
        "day": column(lambda: DAY + datetime.timedelta(dice.randrange(900)), pa.date32()),
        "word": column(lambda: f"w{dice.randrange(dice.choice((5, 5000)))}", pa.string())})


def write(dice, rows, path):
    if dice.random() < 0.3:
        duckdb.from_arrow(rows).write_parquet(str(path), compression=dice.choice(("snappy", "zstd")),
                                              row_group_size=2048)
        return
    pa.parquet.write_table(
        rows, path, compression=dice.choice(("snappy", "snappy", "zstd", "none")),
        row_group_size=dice.choice((300, 5000, 100_000)),
        data_page_version=dice.choice(("1.0", "2.0")), data_page_size=dice.choice((200, 10**6)),
        write_batch_size=dice.choice((50, 1024)), use_dictionary=dice.choice((True, True, False)),
        dictionary_pagesize_limit=dice.choice((400, 10**6)),
        store_decimal_as_integer=dice.choice((True, False)))


def bound(dice):
    number = dice.randrange(-100, 100)
    return dice.choice((f"small < {number}", f"small >= {number} AND small < {number + 20}",
                        f"money > {number * 90}.5", f"money <= {number}", f"small = {number}",
                        f"day >= DATE '{DAY + datetime.timedelta(450 + number)}'",
                        f"word = 'w{abs(number) % 7}'", f"word < 'w{abs(number)}'"))


def descriptor(folder, where, kind, strategy):
    data = [f"  {name}: {{op: read.parquet, with: {{path: {folder}/{name}.parquet}}}}"
            for name in ("big", "few")]
    flow = [*data, f'  kept: {{op: filter, from: big, with: {{where: "{where}"}}}}',
            '  chosen: {op: filter, from: few, with: {where: "small < 60"}}',
            f"  both: {{op: join, from: [kept, chosen], with: {{keys: {{k: k}}, type: {kind}, "
            f"suffix: _few, strategy: {strategy}}}}}",
            f"  save: {{op: write.parquet, from: both, with: {{path: {folder}/out}}}}"]
    return "\n".join(["apiVersion: troupe/v1", "kind: Job",
                      "metadata: {name: scan, namespace: test}", "dataflow:", *flow, ""])


def answer(folder, where, kind):
    few = f"(SELECT * FROM '{folder}/few.parquet' WHERE small < 60) f"
    columns = "b.*" if kind in ("semi", "anti") else (
        "b.*, " + ", ".join(f"f.{name} AS {name}_few" for name in ("k", "small", "money", "day",
                                                                    "word")))
    return (f"SELECT {columns} FROM (SELECT * FROM '{folder}/big.parquet' WHERE {where}) b "
            f"{JOINS[kind]} {few} ON b.k = f.k")


def one(site, name, dice):
    folder = site.path / name
    folder.mkdir()
    write(dice, table(dice, dice.choice((0, 1, 900, 30_000)), dice.choice((30, 4000))),
          folder / "big.parquet")
    write(dice, table(dice, dice.choice((0, 3, 200, 900)), dice.choice((30, 4000))),
          folder / "few.parquet")
    where, kind = bound(dice), dice.choice(list(JOINS))
    strategy = "hash" if kind == "right" else dice.choice(("broadcast", "hash"))
    job = folder / "job.yaml"
    job.write_text(descriptor(folder, where, kind, strategy))
    about = f"{where}; {kind}, {strategy}"
    parallelism = str(dice.choice((1, 2, 3)))
    site.call("run", str(job), "--quiet", "--parallelism", parallelism).expect(0)
    con = duckdb.connect()
    want = answer(folder, where, kind)
    got = f"SELECT * FROM '{folder}/out/*.parquet'"
    for left, right, what in ((want, got, "lacks"), (got, want, "has beyond DuckDB's")):
        rows = con.execute(f"({left}) EXCEPT ALL ({right}) LIMIT 3").fetchall()
        check(not rows, f"{about}, {parallelism} subtasks: the output {what} {rows}")


@test
def rows_that_nobody_needs_make_no_difference(site):
    """A filter and a join behind a scan give DuckDB's rows, whatever the files look like."""
    for seed in range(SEED, SEED + SEEDS):
        try:
            one(site, f"seed-{seed}", random.Random(seed))
        except Failure as failure:
            raise Failure(f"seed {seed}: {failure}") from failure


@test
def explain_says_which_keys_a_join_tells(site):
    """`explain` tells where a scan leaves out rows of a join, and says nothing where it does not."""
    one(site, "files", random.Random(SEED))
    job = site.path / "job.yaml"
    for kind, told in (("inner", True), ("semi", True), ("left", False), ("anti", False)):
        job.write_text(descriptor(site.path / "files", "small < 50", kind, "broadcast"))
        text = site.call("explain", str(job), "--level", "tasks").expect(0).out
        check(("tells which k it needs" in text) == told, f"{kind}:\n{text}")


if __name__ == "__main__":
    test.main()
