#!/usr/bin/env python3
"""Jobs over files that are damaged: refused once, by name and place, and nobody waits for ever.

usage: damage_test.py TROUPE [PART-OF-A-NAME]"""
import re

from support import ROOT, Tests, check, contains, equal

test = Tests()
DAMAGED = ROOT / "tests" / "data" / "damaged"

# File, operator, what is said of it, and whether its head alone tells.
CASES = [
    ("ARROW-GH-41321.parquet", "read.parquet", "is damaged: row group 0, column '", False),
    ("ARROW-GH-45185.parquet", "read.parquet", "is damaged: row group 0, column 'x': ", False),
    ("encrypt_columns_plaintext_footer.parquet.encrypted", "read.parquet",
     "_field': it is encrypted", True),
    ("group-without-leaves.parquet", "read.parquet",
     "column 's': it is a group without columns", True),
    ("length-275-gigabytes.arrow", "read.ipc", "column 4: the name ", True),
    ("lonely-null.json", "read.jsonl", "line 1: null is no object", True)]

JOB = """apiVersion: troupe/v1
kind: Job
metadata: {{name: damaged}}
dataflow:
  rows: {{op: {op}, with: {{path: {path}}}}}
  out: {{op: write.ipc, from: rows, with: {{path: out}}}}
"""


def job(site, op, path):
    return site.write("job.yaml", JOB.format(op=op, path=path))


@test
def each_damaged_file_is_refused_at_the_first_attempt(site):
    """`run` fails with the file and the place, and has tried once; where the head of the file tells,
    `validate` says the same."""
    for name, op, said, head_tells in CASES:
        file = job(site, op, DAMAGED / name)
        run = site.call("run", file, patience=60)
        told = run.out + run.err
        check(run.code != 0, f"{name} was read:\n{told}")
        contains(told, name, "the file")
        contains(told, said, "the place")
        check(not re.search(r"attempt [2-9]", told), f"{name} was tried again:\n{told}")
        check("whole" not in told, f"{name} is whole, but damaged:\n{told}")
        check(not (site.path / "out").exists(), f"{name} left an output")
        valid = site.call("validate", file)
        equal(valid.code != 0, head_tells, f"whether `validate` refuses {name}")
        if head_tells:
            contains(valid.out + valid.err, said, "what `validate` says")


test.main()
