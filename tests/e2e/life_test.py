#!/usr/bin/env python3
"""Streams that are stopped, fail or halt, and are resumed, on three nodes: the run that goes on loses
nothing and doubles nothing, whatever dies on the way. The oracle is a batch run without faults.

usage: life_test.py TROUPE [PART-OF-A-NAME]"""
import random
import signal
import subprocess
import threading
import time

from streams import JOB, Cluster, ends_exact, epochs, written
from support import Tests, check, contains, equal, eventually

test = Tests()
JOB_NAME = "sums-streaming"
# At a rate, so that it lasts some twenty seconds on any machine.
ROWS = 6_000_000
RATE = 300_000


def jobs(site, settings=""):
    """The job as a stream that takes its time, its output, and what that must come to."""
    out, batch = site.path / "out", site.path / "batch"
    checkpoint = f"checkpoint: {{every: 200ms{settings}}}"
    text = JOB.format(mode="streaming", checkpoint=checkpoint, rows=ROWS, out=out)
    paced = text.replace(f"rows: {ROWS}\n", f"rows: {ROWS}\n      rate: {RATE}\n")
    check(paced != text, "the job says how many rows there are")
    calm = site.write("batch.yaml", JOB.format(mode="batch", checkpoint="", rows=ROWS, out=batch))
    site.call("run", calm).expect(0)
    return site.write("stream.yaml", paced), out, written(batch)


def begun(cluster, site, settings=""):
    """A run whose first rows are there: its number, its output, and what that must come to."""
    stream, out, rows = jobs(site, settings)
    number = cluster.start(stream)
    eventually(lambda: out.is_dir() and sum(written(out).values()) > 0, "rows are there", patience=60)
    return number, out, rows


def stopped(cluster, number):
    """Stops the run, which must be SUSPENDED then."""
    run = cluster.ask("stop", str(number), "-o", "json").expect(0).json()
    equal(run["state"], "SUSPENDED", f"the state of what was stopped ({run})")


def resumed(cluster, path):
    return cluster.ask("resume", str(path), "-o", "json").expect(0).json()["run"]


def grown(out, rows):
    """Waits until more than so many rows are committed."""
    eventually(lambda: sum(written(out).values()) > rows, "more rows are there", patience=60)


@test
def a_run_that_was_stopped_goes_on_where_it_was(site):
    """Stopped and resumed again and again, by name and by number, with a sink that replaces nothing: no
    row is missing, none is there twice, and the log of the output is one chain."""
    cluster = Cluster(site)
    stream, out, rows = jobs(site)
    text = stream.read_text().replace(f"path: {out}", f"path: {out}, mode: error")
    stream.write_text(text)
    number = cluster.start(stream)
    for again in (number, JOB_NAME):
        grown(out, sum(written(out).values()) if out.is_dir() else 0)
        stopped(cluster, number)
        last = epochs(out)[-1]["epoch"]
        at_rest = written(out)
        time.sleep(0.5)
        equal(written(out), at_rest, "rows of a run that is suspended")
        stopped(cluster, number)  # once more changes nothing
        number = resumed(cluster, again)
        grown(out, sum(at_rest.values()))
        check(epochs(out)[-1]["epoch"] > last, "epoch numbers go on")
    ends_exact(cluster, number, out, rows)


@test
def what_cannot_be_stopped_or_resumed_says_why(site):
    """A batch run, a run that goes on, one that is at its end, one that somebody else has resumed: each
    time a conflict, or a word that it is none of streams. Of two at once one wins."""
    cluster = Cluster(site)
    number, out, rows = begun(cluster, site)
    busy = cluster.ask("resume", str(number)).expect(6)
    contains(busy.err, "goes on by itself", "why a run that is at work cannot be resumed")
    stopped(cluster, number)
    codes = []
    both = [threading.Thread(target=lambda: codes.append(cluster.ask("resume", str(number)).code))
            for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    equal(sorted(codes), [0, 6], "exit codes of two who resume one run")
    contains(cluster.ask("resume", str(number)).expect(6).err, "resumed already", "who resumed it")
    ends_exact(cluster, number + 1, out, rows)
    contains(cluster.ask("resume", str(number + 1)).expect(6).err, "come to its end", "a run at its end")
    cluster.ask("stop", str(number + 1)).expect(6)
    batch = site.write("small.yaml", JOB.format(mode="batch", checkpoint="", rows=50_000_000,
                                                out=site.path / "small"))
    number = cluster.start(batch)
    contains(cluster.ask("stop", str(number)).expect(3).err, "batch", "a batch run")
    contains(cluster.ask("resume", str(number)).expect(3).err, "batch", "a batch run")
    cluster.ask("cancel", str(number)).expect(0)


@test
def state_outlives_its_run_and_all_nodes(site):
    """All nodes are killed after a run was stopped, and while one is: what comes back goes on exactly."""
    cluster = Cluster(site)
    number, out, rows = begun(cluster, site)
    stopped(cluster, number)
    everybody = [cluster.a, *cluster.executors]
    for node in everybody:
        node.kill()
    for node in everybody:
        node.start()
    cluster.settle()
    before = sum(written(out).values())
    number = resumed(cluster, number)
    grown(out, before)
    cluster.ask("stop", str(number), "--detach").expect(0)
    time.sleep(random.Random(3).uniform(0, 0.1))
    cluster.a.kill()
    cluster.a.start()
    cluster.end_of(number, "SUSPENDED")
    number = resumed(cluster, number)
    ends_exact(cluster, number, out, rows)


@test
def a_run_that_failed_goes_on_with_a_mended_job(site):
    """A row that an expression cannot take fails the run, again and again; the job is mended, and the
    run resumed. A job that keeps other state is refused by the name of its operator."""
    cluster = Cluster(site)
    stream, out, rows = jobs(site)
    good = stream.read_text()
    fatal = "amount > 10 AND 10 / (CASE WHEN at > TIMESTAMP '2026-01-01 01:00:00' THEN 0 ELSE 1 END) > 0"
    stream.write_text(good.replace("where: amount > 10", f'where: "{fatal}"'))
    number = cluster.start(stream)
    cluster.end_of(number, "FAILED")
    number = resumed(cluster, number)
    cluster.end_of(number, "FAILED")
    for change, word in ((("size: 1m", "size: 2m"), "sums"),
                         (("sum(amount)", "max(amount)"), "sums"),
                         (("rows: ", "rows: 1"), "events")):
        stream.write_text(good.replace(*change))
        cluster.ask("apply", stream).expect(0)
        contains(cluster.ask("resume", JOB_NAME).expect(6).err, f"'{word}'", "what is not the same")
    stream.write_text(good)
    cluster.ask("apply", stream).expect(0)
    ends_exact(cluster, resumed(cluster, JOB_NAME), out, rows)


@test
def a_run_that_halted_goes_on_when_its_output_is_back(site):
    """Somebody takes the output away: the run halts, and one that resumes it commits what was published
    first, from what the attempts of the first one have staged."""
    cluster = Cluster(site)
    number, out, rows = begun(cluster, site)
    aside = out.with_name("aside")
    out.rename(aside)
    out.mkdir()
    cluster.end_of(number, "HALTED")
    out.rmdir()
    aside.rename(out)
    number = resumed(cluster, number)
    ends_exact(cluster, number, out, rows)
    eventually(lambda: not list(site.path.glob(".out.troupe-*")), "what was staged is removed")


@test
def a_signal_ends_a_stream_in_order(site):
    """SIGINT and SIGTERM to `troupe run`: a last epoch, committed, and a line that says so; a second one
    cancels at once. What is there is a part of what a run without signals commits."""
    stream, out, rows = jobs(site)
    for number, code, executors in ((signal.SIGINT, 130, 0), (signal.SIGTERM, 143, 2)):
        process = subprocess.Popen([site.troupe, "run", stream, "--executors", str(executors)], cwd=site.path,
                                   env=site.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        eventually(lambda: out.is_dir() and sum(written(out).values()) > 0, "rows are there", patience=60)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        equal(process.returncode, code, f"exit code; it said {said}")
        contains(said, "SUSPENDED", "how the run ended")
        contains(said, f"stopped after epoch {epochs(out)[-1]['epoch']}, all committed", "what it says")
        check(not written(out) - rows, "rows that a run without signals does not have")
        for part in out.rglob("*"):
            part.is_dir() or part.unlink()
    process = subprocess.Popen([site.troupe, "run", stream], cwd=site.path, env=site.environment,
                               stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    equal(process.returncode, 130, f"exit code; it said {said}")


@test
def a_stream_says_how_far_it_is(site):
    """While it runs: the epochs that came and how long their parts took, the event time of each operator, the
    age of what is committed, its state; the same in the metrics."""
    cluster = Cluster(site)
    number, out, rows = begun(cluster, site)
    told = cluster.ask("checkpoints", JOB_NAME, "-o", "json").expect(0).json()
    check(told and told[0]["epoch"] >= told[-1]["epoch"], "epochs, the newest first")
    one = next(each for each in told if each["state"] == "COMMITTED")
    for part in ("aligned_s", "written_s", "acknowledged_s", "copied_s", "commit_s"):
        check(0 <= one[part] < 60, f"{part} of {one}")
    check(one["state_bytes"] > 0 and one["started"] <= one["published"] <= one["committed"], f"{one}")
    run = eventually(lambda: (now := cluster.run(number))["vertices"][0].get("watermark") and now,
                     "the event time of the source")
    check(run["epoch"] >= one["epoch"] and 0 <= run["epoch_age_s"] < 60, f"how far it is: {run['epoch']}")
    by_id = {vertex["id"]: vertex for vertex in run["vertices"]}
    check(by_id["events"]["watermark"].startswith("2026-01-0"), "an event time of the generator")
    check(by_id["events"]["lag_s"] > 0, "how far that is behind now")
    check(sum(vertex["state_bytes"] for vertex in run["vertices"]) > 0, "state")
    contains(cluster.ask("show", JOB_NAME).expect(0).out, "is committed", "what people see")
    for metric in ("troupe_watermark_seconds", "troupe_state_bytes", "troupe_checkpoint_seconds",
                   "troupe_epoch_committed_seconds", 'troupe_epochs_total{job="sums-streaming",state="COMMITTED"}'):
        eventually(lambda: metric in cluster.a.http("/metrics")[1], f"the metric {metric}")
    ends_exact(cluster, number, out, rows)


@test
def two_copies_or_no_checkpoint(site):
    """`copies: 2`: with one node at work no checkpoint is taken, which `show` says; nothing is lost, and when
    others are back everything goes on."""
    cluster = Cluster(site)
    number, out, rows = begun(cluster, site, ", copies: 2")
    for node in cluster.executors:
        node.kill()
    eventually(lambda: "two nodes" in cluster.run(number).get("reason", ""), "it says why it waits",
               patience=30)
    for node in cluster.executors:
        node.start()
    ends_exact(cluster, number, out, rows)


@test
def state_of_runs_that_are_over_is_dropped(site):
    """A node that was away when a run ended drops its state files when it is back; those in a directory
    that all nodes see go with the run."""
    cluster = Cluster(site)
    shared = site.path / "shared"
    number, out, rows = begun(cluster, site, f", directory: {shared}")
    eventually(lambda: list(shared.glob("*/*")), "state in the shared directory")
    cluster.ask("cancel", str(number)).expect(0)
    cluster.end_of(number, "CANCELLED")
    eventually(lambda: not list(shared.glob("*/*")), "it is gone")
    number, out, rows = begun(cluster, site)
    files = lambda: [file for file in site.path.glob("*/data/checkpoints/*/*")]
    of = lambda node: [file for file in site.path.glob(f"{node.name}/data/checkpoints/*/*")]
    away = eventually(lambda: next((node for node in cluster.executors if of(node)), None),
                      "state on an executor", patience=30)
    away.kill()
    cluster.ask("cancel", str(number)).expect(0)
    cluster.end_of(number, "CANCELLED")
    check(of(away), "state on the node that is away")
    away.start()
    eventually(lambda: not files(), "no node has state of the run")


test.main()
