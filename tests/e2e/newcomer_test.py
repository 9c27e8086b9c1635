#!/usr/bin/env python3
"""What somebody meets who is new to a cluster: what a job printed, where it ran, how many there are,
what a path means and who may use it, and that a slip of the finger gets an answer that helps.

usage: newcomer_test.py TROUPE [PART-OF-A-NAME]"""
import csv
import io
import json
import os
import re
import socket
import time

from support import Tests, address_of, check, contains, equal, eventually

test = Tests()
CONNECTIONS = 300  # more than a gateway has places for

SHOPS = """apiVersion: troupe/v1
kind: Job
metadata: {name: shops}
dataflow:
  sales: {op: values, with: {rows: [{n: 1, y: 20}, {n: 2, y: 5}, {n: 1, y: 7}]}}
  sums: {op: aggregate, from: sales, with: {group_by: [n], select: {on: sum(y)}}}
  show: {op: print, from: sums, with: {order_by: [n]}}
"""

COPY = """apiVersion: troupe/v1
kind: Job
metadata: {name: copy}
params: {from: {type: path}, to: {type: path}}
dataflow:
  rows: {op: read.csv, with: {path: "${{ params.from }}"}}
  save: {op: write.csv, from: rows, with: {path: "${{ params.to }}"}}
"""

BROKEN = """apiVersion: troupe/v1
kind: Job
metadata: {name: broken}
dataflow:
  one: {op: values, with: {rows: [{a: 1}]}}
  two: {op: filtr, from: one, with: {where: a > 1}}
  three: {op: print, from: two, frm: one}
"""


def alone(site, *words):
    """One node, and how to call the verbs that ask it."""
    a = site.node("a", "--port", "0", *words).start()
    return a, calls(site, a)


def calls(site, node):
    where = ["--address", node.gateway.split("//")[1], "--token-file", node.token_file]
    return lambda verb, *words: site.call(verb, *words, *where)


def pair(site, first=(), second=()):
    site.keys("a", "b")
    a = site.node("a", "--bind", "tcp://127.0.0.1:0", "--port", "0", "--lease", "2s", *first).start()
    site.node("b", "--roles", "executor", "--bind", "tcp://127.0.0.2:0", "--lease", "2s",
              "--coordinator", f"a={a.endpoint}", *second).start()
    eventually(lambda: sum(one["state"] == "live" for one in a.get("/api/v1/nodes")["nodes"]) == 2,
               "both are there")
    return a, calls(site, a)


@test
def what_a_job_prints_is_shown_where_it_is_waited_for(site):
    """`apply --run --wait`, `wait` and `show` end with the rows; with -o json they are objects, with
    -o csv nothing else is on standard output."""
    _, ask = alone(site)
    table = "show\nn  on\n1  27\n2   5\n"
    job = site.write("shops.yaml", SHOPS)
    for done in (ask("apply", job, "--run", "--wait"), ask("wait", "shops"), ask("show", "1")):
        contains(done.expect(0).out, "SUCCEEDED", "the run")
        contains(done.out, table, "its rows")
    rows = ask("show", "shops", "-o", "json").expect(0).json()["outputs"]
    equal([output["rows"] for output in rows], [[{"n": 1, "on": 27}, {"n": 2, "on": 5}]], "as JSON")
    equal(ask("wait", "shops", "-o", "csv").expect(0).out, "n,on\n1,27\n2,5\n", "as CSV")


@test
def a_run_uses_the_slots_of_the_cluster_and_shows_which_node_ran_what(site):
    """A coordinator with one slot and an executor with three: four subtasks, on both nodes, and the
    tasks of the operators add up to those of the run."""
    a, ask = pair(site, ("--slots", "1"), ("--slots", "3"))
    job = site.write("shops.yaml", SHOPS)
    run = ask("apply", job, "--run", "--wait", "-o", "json").expect(0).json()
    begun = {vertex["id"]: vertex["tasks_begun"] for vertex in run["vertices"]}
    equal(begun["sums"], 4, "subtasks of an aggregation")
    equal(sum(begun.values()), run["tasks"], "tasks by operator")
    text = ask("show", "1").expect(0).out
    drawn = re.findall(r"(\d+)/(\d+) +[\d,]+ rows", text)
    equal(sum(int(all) for _, all in drawn), run["tasks"], f"tasks that are drawn in\n{text}")
    contains(text, "tasks by node: a ", "who ran it")
    told = list(csv.DictReader(io.StringIO(ask("show", "1", "--tasks", "-o", "csv").expect(0).out)))
    equal(len(told), run["tasks"], "a row a task")
    equal({row["node"] for row in told}, {"a", "b"}, "where they ran")
    kept = ask("apply", site.write("two.yaml", SHOPS.replace("dataflow:", "parallelism: 2\ndataflow:")),
               "--run", "--wait", "-o", "json").expect(0).json()
    equal({vertex["id"]: vertex["tasks_begun"] for vertex in kept["vertices"]}["sums"], 2,
          "what a job says counts")
    check(a.alive(), "the node lives")


@test
def a_run_that_begins_again_says_why(site):
    """While its node is away, `show` has the reason beside RESTARTING; once it runs again, none."""
    site.keys("a", "b")
    a = site.node("a", "--roles", "coordinator,gateway", "--bind", "tcp://127.0.0.1:0", "--port", "0",
                  "--lease", "1s").start()
    b = site.node("b", "--roles", "executor", "--bind", "tcp://127.0.0.2:0", "--lease", "1s",
                  "--coordinator", f"a={a.endpoint}").start()
    ask = calls(site, a)
    # Longer than any machine takes to kill a node: it is cancelled in the end.
    job = site.write("long.yaml", """apiVersion: troupe/v1
kind: Job
metadata: {name: long}
dataflow:
  rows: {op: datagen, with: {rows: 100000000000, columns: {k: n % 977}}}
  sums: {op: aggregate, from: rows, with: {group_by: [k], select: {rows: count(*)}}}
  show: {op: print, from: sums}
""")
    ask("apply", job, "--run").expect(0)
    seen = lambda: ask("show", "1", "-o", "json").expect(0).json()
    eventually(lambda: any(task["state"] == "RUNNING" for task in seen()["task_list"]), "it runs")
    b.kill()
    run = eventually(lambda: (now := seen())["state"] == "RESTARTING" and now, "it begins again")
    contains(run["reason"], "node b is gone", "the reason")
    check(any("node b is gone" in task.get("reason", "") for task in run["task_list"]), "of a task")
    contains(ask("show", "1").expect(0).out, "begins again: node b is gone", "what people read")
    b.start()
    run = eventually(lambda: (now := seen())["state"] == "RUNNING" and now, "it has begun again")
    check("reason" not in run, "no reason once it is over")
    ask("cancel", "1").expect(0)
    eventually(lambda: seen()["state"] == "CANCELLED", "it is cancelled")


@test
def a_long_list_of_runs_says_that_there_is_more(site):
    """Fifty, and a word that there are more; --limit and --all; pages of the API; and what programs
    read has plain numbers and seconds."""
    a, ask = alone(site)
    rows = ", ".join(f"{{a: {i}}}" for i in range(1200))
    ask("apply", site.write("many.yaml", f"""apiVersion: troupe/v1
kind: Job
metadata: {{name: many}}
dataflow:
  one: {{op: values, with: {{rows: [{rows}]}}}}
  show: {{op: write.csv, from: one, with: {{path: {site.path}/many}}}}
""")).expect(0)
    for _ in range(52):
        status, body = a.http("/api/v1/jobs/many/runs", {})
        equal(status, 201, body)
    ask("wait", "many/52").expect(0)
    listed = ask("list", "--runs").expect(0)
    equal(len(listed.out.splitlines()), 51, "lines")
    contains(listed.err, "there are more: --limit N, or --all", "what it says")
    everything = ask("list", "--runs", "--all", "-o", "json").expect(0)
    equal([run["id"] for run in everything.json()], list(range(52, 0, -1)), "all runs")
    check("more" not in everything.err, "nothing is left out")
    page = a.get("/api/v1/runs?limit=20")
    following = a.get(f"/api/v1/runs?limit=40&before={page['next']}")
    equal([run["id"] for run in page["runs"] + following["runs"]], list(range(52, 0, -1)), "pages")
    check("next" not in following, "the last page has no next one")
    ended = lambda: next(csv.DictReader(io.StringIO(
        ask("list", "many", "--limit", "1", "-o", "csv", "-q").expect(0).out)))
    row = eventually(lambda: (one := ended())["state"] == "SUCCEEDED" and one, "the last run ends")
    equal(row["rows"], "1200", "rows as a number")
    check(float(row["time_s"]) >= 0 and int(row["tasks"]) == int(row["tasks_finished"]), f"{row}")
    contains(ask("list", "many", "--limit", "1").expect(0).out, " 1,200 ", "rows for people")


@test
def a_slip_of_the_finger_is_answered(site):
    """Verbs, verbs of a noun and options that do not exist: what was meant, exit code 2."""
    for words, message, hint in ((["shwo", "1"], "`troupe` has no verb 'shwo'", "'show'"),
                                 (["keys", "alow"], "`troupe keys` has no verb 'alow'", "'allow'"),
                                 (["run", "x.yaml", "--exectuors", "2"],
                                  "`troupe run` has no option '--exectuors'", "'--executors'")):
        told = site.call(*words).expect(2).err
        contains(told, message, "what is wrong")
        contains(told, f"did you mean {hint}?", "what was meant")
    contains(site.call("frobnicate").expect(2).err, "`troupe --help` shows the verbs", "no guess")


@test
def the_cluster_says_of_a_mistake_what_validate_says(site):
    """Off a terminal, too: the same lines with the same advice from `validate`, `run` and `apply`."""
    _, ask = alone(site)
    job = site.write("broken.yaml", BROKEN)
    lines = [line for line in site.call("validate", job).expect(3).err.splitlines() if "[TR" in line]
    check(len(lines) >= 2 and all("did you mean" in line for line in lines), f"{lines}")
    for done in (site.call("run", job), ask("apply", job)):
        equal([line for line in done.expect(3).err.splitlines() if "[TR" in line], lines, done.command)
    text = site.write("taken.yaml", COPY)
    site.write("in.csv", "a\n1\n")
    site.write("out/note.txt", "mine")
    words = [text, "-p", f"from={site.path}/in.csv", "-p", f"to={site.path}/out"]
    for done in (site.call("run", *words), ask("apply", *words, "--run", "--wait")):
        contains(done.expect(1).out + done.err, "hint: write to a directory of its own", done.command)


@test
def a_relative_path_is_the_coordinators_and_it_says_so(site):
    """`validate` says what `apply` would make of it; `apply` says where it is; every node uses that."""
    site.write("data/in.csv", "a\n1\n2\n")
    a, ask = alone(site)
    job = site.write("elsewhere/copy.yaml", COPY)
    words = [job, "-p", "from=data/in.csv", "-p", "to=data/out"]
    contains(site.call("validate", *words).expect(0).err, "relative paths (rows.with.path, "
             "save.with.path) are looked for from here; `troupe apply` takes them", "validate")
    told = ask("apply", *words, "--run", "--wait").expect(0)
    contains(told.err, f"rows.with.path: 'data/in.csv' is relative: on the coordinator it is "
             f"{site.path}/data/in.csv", "apply")
    check(list((site.path / "data" / "out").glob("part-*.csv")), "it was written there")
    absent = ask("apply", job, "-p", "from=nowhere.csv", "-p", "to=data/out").expect(3)
    contains(absent.err, f"{site.path}/nowhere.csv", "what was looked for")
    check(a.alive(), "the node lives")


@test
def a_node_keeps_jobs_to_its_paths(site):
    """Refused at `validate` of the API and at `apply`, for inputs and outputs, through `..` and
    through links; refused at the run by a node that allows less than its coordinator."""
    site.write("open/in.csv", "a\n1\n2\n")
    site.write("shut/in.csv", "a\n1\n2\n")
    (site.path / "open" / "link.csv").symlink_to(site.path / "shut" / "in.csv")
    (site.path / "open" / "way").symlink_to(site.path / "shut")
    (site.path / "half").mkdir()
    a, ask = pair(site, ("--paths", f"{site.path}/open,half", "--slots", "1"),
                  ("--paths", f"{site.path}/open", "--slots", "1"))
    job = site.write("copy.yaml", COPY)

    def apply(source, target, *words):
        return ask("apply", job, "-p", f"from={site.path}/{source}", "-p", f"to={site.path}/{target}",
                   *words)

    apply("open/in.csv", "open/out", "--run", "--wait").expect(0)
    for source in ("shut/in.csv", "open/../shut/in.csv", "open/link.csv", "open/*.csv",
                   "open/way/in.csv", "shut/*.csv"):
        contains(apply(source, "open/out").expect(3).err, "outside of what jobs may touch here", source)
    for target in ("shut/out", "open/../out", "open/way/out"):
        contains(apply("open/in.csv", target).expect(3).err, "outside of what jobs may touch here",
                 target)
    contains(apply("open/in.csv", "half/out", "--run", "--wait").expect(1).out,
             "outside of what jobs may touch here", "the executor's word")
    check(not (site.path / "half" / "out").exists(), "nothing was written")
    status, body = a.http("/api/v1/validate", {"descriptor": job.read_text(), "params": {
        "from": "/etc/hostname", "to": f"{site.path}/open/out"}})
    equal(status, 422, body)
    contains(json.loads(body)["diagnostics"][0]["message"], "outside of what jobs may touch", "the API")


@test
def rows_that_are_passed_over_are_told(site):
    """How many there were, and the first ones with file and line: in the log of the run, wherever it
    was read, and on the standard error of `troupe run`."""
    site.write("rows.csv", "k,v\n" + "".join(f"{i},{i}\n" if i % 10 else "x\n" for i in range(1, 101)))
    job = site.write("rows.yaml", f"""apiVersion: troupe/v1
kind: Job
metadata: {{name: rows}}
dataflow:
  rows: {{op: read.csv, with: {{path: {site.path}/rows.csv, on_error: skip}}}}
  save: {{op: write.csv, from: rows, with: {{path: {site.path}/kept}}}}
""")
    told = f"'rows': 10 rows were skipped: '{site.path}/rows.csv', line 11: "
    _, ask = alone(site)
    ask("apply", job, "--run", "--wait").expect(0)
    contains(ask("logs", "rows").expect(0).out, told, "the log")
    contains(site.call("run", job).expect(0).err, told, "run")


@test
def idle_connections_keep_nobody_out(site):
    """More connections than there are places, all silent: a request is answered at once. One that
    sends its header byte by byte is closed."""
    a, _ = alone(site)
    address = address_of(a.gateway)
    silent = [socket.create_connection(address, timeout=5) for _ in range(CONNECTIONS)]
    begin = time.monotonic()
    equal(a.http("/api/v1/health", token=None)[0], 200, "health")
    check(time.monotonic() - begin < 5, "it took long")
    with socket.create_connection(address, timeout=30) as slow:
        begin = time.monotonic()
        slow.sendall(b"GET /api/v1/health HTTP/1.1\r\n")
        slow.settimeout(1)
        while time.monotonic() - begin < 25:
            try:
                slow.sendall(b"X-A: b\r\n")
                if slow.recv(1) == b"":
                    break
            except socket.timeout:
                continue
            except OSError:
                break
        check(time.monotonic() - begin < 20, "a header may take for ever")
    for one in silent:
        one.close()
    equal(a.http("/api/v1/health", token=None)[0], 200, "health afterwards")


@test
def an_ipv6_address_is_a_url(site):
    """`--listen ::1` prints a URL with brackets, and the verbs find it by that."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return  # this machine has no ::1
    a, ask = alone(site, "--listen", "::1")
    contains(a.gateway, "http://[::1]:", "the URL")
    ask("nodes").expect(0)
    site.call("nodes").expect(0)
    contains(site.call("nodes", "--address", "::1:7400").expect(2).err, "[IPv6]:PORT", "without them")


@test
def names_of_nodes_are_the_same_everywhere(site):
    """What `keys allow` takes, `node --name` takes, and the other way round."""
    key = site.call("keys", "new", "--keys", "other", "-q").expect(0).out.strip()
    for name, good in (("a.b-c_1", True), ("a b", False), ("a/b", False), (".a", False), ("ä", False),
                       ("x" * 65, False)):
        allowed = site.call("keys", "allow", name, key, "--keys", "mine").code == 0
        equal(allowed, good, f"keys allow {name}")
        if not good:
            contains(site.call("node", "--name", name, "--port", "0").expect(3).err,
                     "is no node name", f"node --name {name}")


@test
def who_refuses_a_key_is_said(site):
    """Where it is this node that does not know its coordinator's key, it does not say that the
    coordinator refuses."""
    for name in "ab":
        site.call("keys", "new", "--keys", f"{name}/keys", "-q").expect(0)
    a = site.node("a", "--bind", "tcp://127.0.0.1:0", "--port", "0").start()
    b = site.node("b", "--roles", "executor", "--bind", "tcp://127.0.0.2:0", "--coordinator",
                  f"a={a.endpoint}").launch()
    told = eventually(lambda: "key" in b.log() and b.log(), "b says it")
    contains(told, "cannot join the coordinator: the key of node 'a' is not on the list here", "b")
    check("coordinator refuses" not in told, told)


test.main()
