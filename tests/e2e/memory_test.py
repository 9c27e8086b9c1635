"""A run keeps to its `memory:`: what the process holds resident at its peak stays within 1.25 times the limit and
100 MB for the process itself, whatever the rows. Grouping, sorting and joining as many rows as take several times the
limit show it, and that their answers are right.

TROUPE_MEMORY=24000000 makes so many rows and tries 256 MiB and 1 GiB, which takes minutes and 10 GB of disk."""
import math
import os
import subprocess
import sys

from support import Tests, check, equal

test = Tests()
ROWS = int(os.environ.get("TROUPE_MEMORY", 3_000_000))
LIMITS = ["256MiB", "1GiB"] if "TROUPE_MEMORY" in os.environ else ["96MiB"]
UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}
PROCESS_BYTES = 100_000_000
SHARE = 1.25
PATIENCE_S = 1200


def bytes_of(text):
    return int(text[:-3]) * UNITS[text[-3:]]


def dataflow(name, memory, lines):
    head = f"apiVersion: troupe/v1\nkind: Job\nmetadata: {{name: {name}}}\n"
    return head + (f"memory: {memory}\n" if memory else "") + "dataflow:\n" + lines


class Run:
    """One `troupe run`, and the most that its process held."""

    def __init__(self, site, name, memory, lines):
        file = site.write(f"{name}.yaml", dataflow(name, memory, lines))
        command = [site.troupe, "run", str(file)]
        process = subprocess.Popen(command, cwd=site.path, env=site.environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        equal(process.returncode, 0, f"'{name}' with {memory} said:\n{said}")
        self.peak = used.ru_maxrss * 1024
        self.cpu = used.ru_utime + used.ru_stime

    def keeps_to(self, memory, about):
        limit = bytes_of(memory)
        allowed = SHARE * limit + PROCESS_BYTES
        print(f"     {about} under {memory}: {self.peak / 1e6:.0f} MB resident of {allowed / 1e6:.0f}, "
              f"{self.cpu:.1f} s of CPU", flush=True)
        check(self.peak <= allowed, f"{about} under {memory} took {self.peak / 1e6:.0f} MB, "
              f"more than {allowed / 1e6:.0f}")


def make_rows(site, name, rows):
    """About `rows` rows whose ids are all different, in an order that no key follows: the square of a list."""
    side = math.isqrt(rows)
    half = side * side // 2
    site.write("side.csv", "n,one\n" + "".join(f"{n},1\n" for n in range(side)))
    Run(site, f"make-{name}", None, f"""
  left: {{op: read.csv, with: {{path: {site.path}/side.csv}}}}
  again: {{op: read.csv, with: {{path: {site.path}/side.csv}}}}
  right: {{op: select, from: again, with: {{columns: {{m: n, one: one}}}}}}
  pairs: {{op: join, from: [left, right], with: {{using: [one]}}}}
  ids: {{op: select, from: pairs, with: {{columns: {{id: "n * {side} + m"}}}}}}
  rows:
    op: select
    from: ids
    with:
      columns:
        id: id
        key: "(id * 7919) % {half}"
        amount: "cast((id * 104729) % 1000003 as double precision) / 8"
        label: "'row ' || cast(id % 99991 as text)"
  save: {{op: write.parquet, from: rows, with: {{path: {site.path}/{name}}}}}
""")
    return side * side, half


def count(site, name, select):
    """One row of CSV about an output."""
    Run(site, "count", None, f"""
  rows: {{op: read.parquet, with: {{path: {site.path}/{name}}}}}
  all: {{op: aggregate, from: rows, with: {{select: {select}}}}}
  save: {{op: write.csv, from: all, with: {{path: {site.path}/count.csv, header: false}}}}
""")
    return (site.path / "count.csv").read_text().strip()


@test
def keeps_to_its_memory(site):
    """Grouping, sorting and joining hold no more than `memory:` says."""
    rows, half = make_rows(site, "rows", ROWS)
    for memory in LIMITS:
        grouped = Run(site, "group", memory, f"""
  rows: {{op: read.parquet, with: {{path: {site.path}/rows}}}}
  groups:
    op: aggregate
    from: rows
    with: {{group_by: [key], select: {{rows: count(*), amount: sum(amount), last: max(id)}}}}
  save: {{op: write.parquet, from: groups, with: {{path: {site.path}/groups}}}}
""")
        grouped.keeps_to(memory, f"grouping {rows} rows")
        equal(count(site, "groups", "{groups: count(*), rows: sum(rows), last: max(last)}"),
              f"{half},{rows},{rows - 1}", "groups, their rows and the last id")

        sorted_run = Run(site, "sort", memory, f"""
  rows: {{op: read.parquet, with: {{path: {site.path}/rows}}}}
  sorted: {{op: sort, from: rows, with: {{by: [amount desc, label, id]}}}}
  save: {{op: write.parquet, from: sorted, with: {{path: {site.path}/sorted}}}}
""")
        sorted_run.keeps_to(memory, f"sorting {rows} rows")
        equal(count(site, "sorted", "{rows: count(*), ids: sum(id)}"), f"{rows},{rows * (rows - 1) // 2}",
              "sorted rows, and the sum of their ids")

        joined = Run(site, "join", memory, f"""
  rows: {{op: read.parquet, with: {{path: {site.path}/rows}}}}
  groups: {{op: read.parquet, with: {{path: {site.path}/groups}}}}
  joined: {{op: join, from: [rows, groups], with: {{using: [key], suffix: _group}}}}
  save: {{op: write.parquet, from: joined, with: {{path: {site.path}/joined}}}}
""")
        joined.keeps_to(memory, f"joining {rows} rows with {half}")
        equal(count(site, "joined", "{rows: count(*), ids: sum(id)}"), f"{rows},{rows * (rows - 1) // 2}",
              "joined rows, and the sum of their ids")


if __name__ == "__main__":
    test.main()
