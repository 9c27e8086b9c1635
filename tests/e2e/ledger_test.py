#!/usr/bin/env python3
"""The ledger of examples/ledger on three nodes, beside a real PostgreSQL, through real kills: at every epoch
that is looked at, files and tables are those of one prefix of the source.

usage: ledger_test.py TROUPE [PART-OF-A-NAME]
TROUPE_LEDGER_MOMENTS is how many things go wrong (6), TROUPE_LEDGER_SEED which (1), TROUPE_LEDGER_RATE
how many transfers a second each of the two branches has (2000)."""
import contextlib
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import time

from support import ROOT, SLOWNESS, Failure, Tests, check, contains, equal, eventually, postgres_server

if "TROUPE_TOOL_PYTHON" in os.environ and sys.executable != os.environ["TROUPE_TOOL_PYTHON"]:
    os.execv(os.environ["TROUPE_TOOL_PYTHON"], [os.environ["TROUPE_TOOL_PYTHON"], *sys.argv])
sys.path.insert(0, str(ROOT / "examples" / "ledger"))
import check as ledger_check  # noqa: E402

test = Tests()
LEDGER = ROOT / "examples" / "ledger"
MOMENTS = int(os.environ.get("TROUPE_LEDGER_MOMENTS", "6"))
SEED = int(os.environ.get("TROUPE_LEDGER_SEED", "1"))
RATE = int(os.environ.get("TROUPE_LEDGER_RATE", "2000"))
LEASE_S = 2.0
# From a moment to an epoch that was begun behind it and is committed everywhere.
PATIENCE_S = 60 * SLOWNESS
DISK_MIB = 256


class Disk:
    """A small tmpfs, which can be filled; a plain directory where we may not mount."""

    def __init__(self, path):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=0777", "tmpfs", path],
                                 capture_output=True, check=False)
        self.small = mounted.returncode == 0

    def fill(self):
        """To its last byte."""
        filler, size = os.open(self.path / "filler", os.O_WRONLY | os.O_CREAT), 1 << 26
        while size >= 4096:
            try:
                os.write(filler, bytes(size))
            except OSError:
                size //= 2
        os.close(filler)

    def free(self):
        (self.path / "filler").unlink()

    def end(self):
        if self.small:
            subprocess.run(["umount", "-l", self.path], check=False)


class Bank:
    """Three nodes, the database, and a run of the ledger. Node a coordinates and executes, b and c execute;
    c and the files are on small disks."""

    def __init__(self, site, postgres, dice):
        self.site, self.postgres, self.dice = site, postgres, dice
        self.files, self.disk = Disk(site.path / "out"), Disk(site.path / "c" / "data")
        site.environment["LEDGER_URL"] = postgres.url
        postgres.lines((LEDGER / "schema.sql").read_text())
        site.keys("a", "b", "c")
        lease = f"{LEASE_S:.0f}s"
        self.a = site.node("a", "--bind", "tcp://127.0.0.1:0", "--port", "0", "--lease", lease, "--slots", "2").start()
        self.executors = [
            site.node(name, "--roles", "executor", "--bind", f"tcp://127.0.0.{i}:0", "--lease", lease, "--slots", "2",
                      "--coordinator", f"a={self.a.endpoint}").start() for i, name in enumerate("bc", 2)]
        self.nodes = [self.a, *self.executors]
        eventually(lambda: sum(one["state"] == "live" for one in self.a.get("/api/v1/nodes")["nodes"]) == 3,
                   "three nodes live", patience=30)
        self.ledger = ledger_check.Ledger(self.files.path)
        self.number = None

    def end(self):
        for node in self.nodes:
            node.end()
        self.files.end()
        self.disk.end()

    def ask(self, *words):
        return self.site.call(*words, "--address", self.a.gateway.split("//")[1], "--token-file", self.a.token_file)

    def start(self, *params):
        words = ["-p", f"out={self.files.path}"]
        for param in params:
            words += ["-p", param]
        self.number = self.ask("apply", LEDGER / "ledger.yaml", *words, "--run", "-o", "json").expect(0).json()["run"]

    def run(self):
        return self.a.get(f"/api/v1/runs/{self.number}")

    def epoch(self):
        """The last one that the files have."""
        log = self.files.path / "postings" / "_commits"
        return max((int(one.name) for one in log.glob("[0-9]*")), default=0)

    def tables_epoch(self):
        """The last one that both tables have; 0 where the database does not answer."""
        try:
            rows = self.postgres.rows("SELECT marker, epoch FROM troupe_commits")
        except RuntimeError:
            return 0
        return min((int(epoch) for _, epoch in rows), default=0)

    def goes_on(self, about):
        """Waits for an epoch that was begun after now: the second new one of each sink."""
        begin, epoch = time.monotonic(), self.epoch()
        end = begin + PATIENCE_S
        while min(self.epoch(), self.tables_epoch()) <= epoch + 1:
            if time.monotonic() > end:
                state = self.ask("show", self.number).out if self.a.alive() else "the coordinator is down"
                raise Failure(f"no new epoch within {PATIENCE_S:.0f} s after: {about}\n{state}")
            time.sleep(0.02)
        return time.monotonic() - begin

    def look(self, ended=False):
        ledger_check.look(self.ledger, self.postgres.url, ended)
        exact, line = self.ledger.verdict()
        check(exact, line)
        return line


MOMENT_KINDS = {}


def moment(function):
    MOMENT_KINDS[function.__name__] = function
    return function


@moment
def executor_killed(bank):
    victim = bank.dice.choice(bank.executors)
    victim.kill()
    time.sleep(bank.dice.uniform(0, 1))
    victim.start()


@moment
def coordinator_killed(bank):
    bank.a.kill()
    time.sleep(bank.dice.uniform(0, 1))
    bank.a.start()


@moment
def node_frozen_past_its_lease(bank):
    victim = bank.dice.choice(bank.nodes)
    victim.signal(signal.SIGSTOP)
    time.sleep(LEASE_S + bank.dice.uniform(0.5, 2))
    victim.signal(signal.SIGCONT)


@moment
def node_frozen_for_a_moment(bank):
    victim = bank.dice.choice(bank.nodes)
    victim.signal(signal.SIGSTOP)
    time.sleep(bank.dice.uniform(0.2, LEASE_S))
    victim.signal(signal.SIGCONT)


@moment
def database_frozen(bank):
    bank.postgres.freeze()
    time.sleep(bank.dice.uniform(0.5, 4))
    bank.postgres.thaw()


@moment
def database_killed(bank):
    bank.postgres.kill()
    time.sleep(bank.dice.uniform(0, 3))
    bank.postgres.start()


@moment
def database_restarted(bank):
    bank.postgres.stop()
    time.sleep(bank.dice.uniform(0, 3))
    bank.postgres.start()


@moment
def disk_full(bank):
    disk = bank.dice.choice([one for one in (bank.files, bank.disk) if one.small] or [None])
    if disk is None:
        return executor_killed(bank)
    disk.fill()
    time.sleep(bank.dice.uniform(0.5, 3))
    disk.free()


@moment
def all_killed(bank):
    for node in bank.nodes:
        node.kill()
    nodes = list(bank.nodes)
    bank.dice.shuffle(nodes)
    for node in nodes:
        node.launch()
        time.sleep(bank.dice.uniform(0, 0.5))
    for node in nodes:
        node.ready()


@moment
def executor_and_database_killed(bank):
    victim = bank.dice.choice(bank.executors)
    bank.postgres.kill()
    victim.kill()
    time.sleep(bank.dice.uniform(0, 1))
    victim.start()
    bank.postgres.start()


@contextlib.contextmanager
def bank_of(site, seed=SEED):
    with postgres_server() as postgres:
        bank = Bank(site, postgres, random.Random(seed))
        try:
            yield bank
        finally:
            bank.end()


def moments(dice, count):
    """Each kind about as often, in an order of the dice."""
    kinds = list(MOMENT_KINDS)
    drawn = []
    while len(drawn) < count:
        dice.shuffle(kinds)
        drawn += kinds
    return drawn[:count]


@test
def files_and_tables_are_exact_through_every_moment(site):
    """Nodes and the database are killed, frozen, cut off from their disks: after each moment the job goes on by
    itself, and what is committed is exact."""
    with bank_of(site) as bank:
        bank.start("rows=1000000000", f"rate={RATE}")
        bank.goes_on("the start")
        times = {}
        for number, kind in enumerate(moments(bank.dice, MOMENTS)):
            time.sleep(bank.dice.uniform(0, 1.5))
            begin = time.monotonic()
            MOMENT_KINDS[kind](bank)
            lasted = time.monotonic() - begin
            after = bank.goes_on(f"moment {number}, {kind}")
            times.setdefault(kind, []).append(after)
            line = bank.look()
            print(f"     {number:3} {kind:28} {lasted:5.2f} s, goes on after {after:5.2f} s: {line}", flush=True)
        bank.ask("cancel", bank.number).expect(0)
        eventually(lambda: bank.run()["state"] == "CANCELLED", "it is cancelled", patience=30)
        print(f"     at its end: {bank.look()}, {bank.ledger.next}")
        for kind, all_times in sorted(times.items()):
            print(f"     {kind:28} {len(all_times):3}: median {statistics.median(all_times):5.2f} s, "
                  f"at most {max(all_times):5.2f} s")


@test
def a_ledger_that_ends_has_every_transfer(site):
    """Bounded: all transfers, balances, and totals of all minutes, by the checker as users call it."""
    with bank_of(site) as bank:
        bank.start("rows=20000", "rate=10000")
        eventually(lambda: bank.run()["state"] == "SUCCEEDED", "it ends", patience=60 * SLOWNESS)
        done = subprocess.run([sys.executable, LEDGER / "check.py", bank.files.path, "--rows", "20000"], text=True,
                              capture_output=True, check=False, env={**os.environ, "LEDGER_URL": bank.postgres.url})
        equal(done.returncode, 0, f"check.py: {done.stdout}{done.stderr}")
        contains(done.stdout.splitlines()[-1], "exact: yes, missing 0, repeated 0, epochs ", "the last line")
        check_py_sees_what_is_wrong(bank)


def check_py_sees_what_is_wrong(bank):
    """A row that is doubled, lost or changed, in either place, is seen."""
    def says(sql, undo):
        bank.postgres.lines(sql)
        ledger = ledger_check.Ledger(bank.files.path)
        with contextlib.redirect_stderr(None):
            ledger_check.look(ledger, bank.postgres.url, ended=True)
        exact, line = ledger.verdict()
        check(not exact, f"{sql}: {line}")
        bank.postgres.lines(undo)

    says("UPDATE balances SET cents = cents + 1 WHERE account = 7", "UPDATE balances SET cents = cents - 1 WHERE account = 7")
    says("INSERT INTO totals SELECT * FROM totals LIMIT 1",
         "DELETE FROM totals WHERE ctid = (SELECT max(ctid) FROM totals)")


test.main()
