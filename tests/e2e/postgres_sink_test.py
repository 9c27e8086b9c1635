#!/usr/bin/env python3
"""Jobs that write to a real PostgreSQL: it is away, it refuses, it lacks what the job needs, and its
password is nowhere. That rows are there once, whatever dies, is shown by ledger_test.py.

usage: postgres_sink_test.py TROUPE [PART-OF-A-NAME]"""
import contextlib
import pathlib
import time

from support import SLOWNESS, Tests, check, contains, equal, eventually, postgres_server

test = Tests()
PASSWORD = "correct-horse-battery-staple"
PUBLISHED_MAX = 8  # epochs that wait for their commit before sources pause

JOB = """apiVersion: troupe/v1
kind: Job
metadata: {{name: sums}}
mode: {mode}
{checkpoint}
secrets:
  url: {{env: LEDGER_URL}}
  password: {{file: {password}}}
connections:
  ledger: {{type: postgres, url: "${{{{ secrets.url }}}}", password: "${{{{ secrets.password }}}}"}}
dataflow:
  rows:
    op: datagen
    with:
      rows: {rows}
      {rate}
      columns:
        n: n
        account: n % 10
        amount: {amount}
        at: TIMESTAMP '2026-01-01' + n * INTERVAL '1 millisecond'
    event_time: {{value: at}}
  sums:
    op: aggregate
    from: rows
    with: {{group_by: [account], select: {{total: sum(amount), entries: count(*)}}}}
  balances:
    op: write.postgres
    from: sums
    with: {{connection: ledger, table: balances, mode: upsert, key: [account], epoch_column: epoch}}
  entries:
    op: write.postgres
    from: rows
    with: {{connection: ledger, table: entries, epoch_column: epoch}}
"""
TABLES = """
DROP TABLE IF EXISTS balances, entries;
CREATE TABLE balances (account bigint PRIMARY KEY, total numeric NOT NULL, entries bigint, epoch bigint);
CREATE TABLE entries (n bigint, account int, amount int, at timestamp, epoch bigint);
"""


class Bank:
    """One node, a database with a password, and a job between them."""

    def __init__(self, site, postgres):
        self.site, self.postgres = site, postgres
        self.secret = site.write("password", PASSWORD)
        site.environment["LEDGER_URL"] = postgres.admit("loader", PASSWORD)
        postgres.lines(TABLES)
        self.node = site.node("a", "--port", "0", "--slots", "2").start()

    def job(self, rows=20000, rate=None, amount="n % 100", mode="streaming", checkpoint="checkpoint: {every: 200ms}"):
        return self.site.write("job.yaml", JOB.format(
            mode=mode, checkpoint=checkpoint if mode == "streaming" else "", rows=rows, amount=amount,
            rate=f"rate: {rate}" if rate else "", password=self.secret))

    def ask(self, *words):
        return self.site.call(*words, "--address", self.node.gateway.split("//")[1], "--token-file",
                              self.node.token_file)

    def start(self, job):
        return self.ask("apply", job, "--run", "-o", "json").expect(0).json()["run"]

    def run(self, number):
        return self.node.get(f"/api/v1/runs/{number}")

    def end_of(self, number):
        ended = ("SUCCEEDED", "FAILED", "HALTED", "CANCELLED")
        return eventually(lambda: (now := self.run(number))["state"] in ended and now, "it ends", patience=60 * SLOWNESS)

    def entries(self):
        return int(self.postgres.rows("SELECT count(*) FROM entries")[0][0])

    def exact(self, rows):
        """Both tables are those of all rows."""
        found = self.postgres.rows("SELECT count(*), count(DISTINCT n), min(n), max(n) FROM entries")[0]
        equal([*map(int, found)], [rows, rows, 0, rows - 1], "entries")
        wrong = self.postgres.rows("SELECT * FROM (SELECT account, sum(amount) AS total, count(*) AS entries, max(epoch)"
                                   " AS epoch FROM entries GROUP BY account) AS e FULL JOIN balances b USING (account)"
                                   " WHERE (e.total, e.entries, e.epoch) IS DISTINCT FROM (b.total, b.entries, b.epoch)")
        equal(wrong, [], "balances that are not those of the entries, or of another epoch")


@contextlib.contextmanager
def bank_of(site):
    with postgres_server() as postgres:
        yield Bank(site, postgres)


@test
def appends_and_upserts_are_at_one_epoch(site):
    """Both tables grow while the job runs; in the end they are exact, and the number of its last change's epoch is
    the same in both. As a batch job likewise."""
    with bank_of(site) as bank:
        number = bank.start(bank.job(rate=10000))
        eventually(lambda: 0 < bank.entries() < 20000, "rows while it runs")
        equal(bank.end_of(number)["state"], "SUCCEEDED", "how it ended")
        bank.exact(20000)
        check(int(bank.postgres.rows("SELECT count(DISTINCT epoch) FROM entries")[0][0]) > 3, "epochs")
        bank.postgres.lines(TABLES)
        equal(bank.end_of(bank.start(bank.job(mode="batch")))["state"], "SUCCEEDED", "how the batch ended")
        bank.exact(20000)


@test
def a_database_that_is_away_is_waited_for(site):
    """The run says why it waits, takes eight epochs more and then no rows; when the database is back, it
    goes on, and is exact."""
    with bank_of(site) as bank:
        number = bank.start(bank.job(rows=60000, rate=5000))
        eventually(lambda: bank.entries() > 0, "rows are there")
        bank.postgres.stop()
        said = eventually(lambda: bank.run(number).get("reason"), "it says why it waits", patience=30)
        contains(said, "PostgreSQL", "why it waits")
        contains(bank.ask("show", number).expect(0).out, said.split(" has failed")[0], "what show says")
        taken = lambda: max(one["rows_out"] for one in bank.run(number)["vertices"] if one["id"] == "rows")
        before = eventually(lambda: (a := taken()) and not time.sleep(1.5) and taken() == a and a, "sources pause",
                            patience=30, every=0)
        check(before < 60000, "they pause before their end")
        equal(bank.run(number)["state"], "RUNNING", "how it is")
        bank.postgres.start()
        equal(bank.end_of(number)["state"], "SUCCEEDED", "how it ended")
        bank.exact(60000)


@test
def a_row_that_the_table_refuses_halts_the_run(site):
    """A constraint, NOT NULL, a number too large: the run is HALTED and names table and row; what was
    committed before is there, and nothing of that epoch."""
    bad = {"an overflow": ("CASE WHEN n = 15000 THEN 3000000000 ELSE n END", "", "3000000000"),
           "a constraint": ("CASE WHEN n = 15000 THEN -7 ELSE n END",
                            "ALTER TABLE entries ADD CONSTRAINT no_debts CHECK (amount >= 0);", "no_debts"),
           "NOT NULL": ("CASE WHEN n = 15000 THEN NULL ELSE n END",
                        "ALTER TABLE entries ALTER amount SET NOT NULL;", "15000")}
    with bank_of(site) as bank:
        for what, (amount, alter, named) in bad.items():
            bank.postgres.lines(TABLES + alter)
            number = bank.start(bank.job(rate=10000, amount=amount))
            run = bank.end_of(number)
            equal(run["state"], "HALTED", f"how {what} ended ({run})")
            shown = bank.ask("show", number).out
            for part in ("entries", named):
                contains(shown, part, f"{what}: what show says")
            check(0 < bank.entries() <= 15000, f"{what}: what was committed before is there: {bank.entries()}")


@test
def a_table_that_lacks_something_is_refused_before_anything_runs(site):
    """By validate, apply and run alike, with the place in the descriptor; offline nobody asks the database."""
    lacks = {"ALTER TABLE entries DROP amount;": ("the table 'entries' has no column 'amount'", "table: entries"),
             "ALTER TABLE balances DROP CONSTRAINT balances_pkey;":
                 ("the table 'balances' has no primary key or unique index of exactly (account)", "key: [account]"),
             "ALTER TABLE entries DROP epoch;": ("the table 'entries' has no column 'epoch'", "epoch_column: epoch"),
             "DROP TABLE entries;": ("there is no table 'entries' in ", "table: entries"),
             "ALTER TABLE entries ADD owner text NOT NULL;":
                 ("the table 'entries' wants a value for 'owner', and the rows have no such column", "table: entries")}
    with bank_of(site) as bank:
        job = bank.job()
        lines = job.read_text().splitlines()
        site.call("validate", job).expect(0)
        for change, (said, place) in lacks.items():
            bank.postgres.lines(TABLES + change)
            line = max(i for i, line in enumerate(lines) if place in line)
            at = f"job.yaml:{line + 1}:{lines[line].index(place) + (1 if '[' in place else place.index(' ') + 2)}"
            for words in (("validate", job), ("run", job), ("apply", job, "--run")):
                asked = bank.ask(*words) if words[0] == "apply" else site.call(*words)
                check(asked.code != 0, f"{words[0]} takes a job where {said}")
                contains(asked.err + asked.out, said, f"what {words[0]} says")
                contains(asked.err + asked.out, at, f"where {words[0]} points to")
            site.call("validate", "--offline", job).expect(0)
        bank.postgres.stop()
        site.call("validate", job).expect(0)
        bank.postgres.start()


@test
def a_password_is_nowhere(site):
    """Not in any file of the nodes, in no log, in nothing that anybody is told, also where it is wrong."""
    with bank_of(site) as bank:
        said = [site.call("explain", bank.job(rate=10000), "-o", "json")]
        number = bank.start(bank.job(rate=10000))
        eventually(lambda: bank.entries() > 0, "rows are there")
        bank.secret.write_text(PASSWORD + "!")
        bank.postgres.restart()
        why = lambda: "{reason}{error}".format_map({"reason": "", "error": "", **bank.run(number)})
        eventually(lambda: "password authentication failed" in why(), "it says so", patience=30)
        for words in (("show", number), ("show", number, "-o", "json"), ("logs", number), ("list", "--runs")):
            said.append(bank.ask(*words))
        said.append(bank.ask("validate", bank.job()))
        for one in said:
            check(PASSWORD not in one.out + one.err, f"`troupe {one.command}` shows the password")
        bank.node.end()
        for file in pathlib.Path(site.path).rglob("*"):
            if file.is_file() and file != bank.secret:
                check(PASSWORD.encode() not in file.read_bytes(), f"{file} holds the password")


test.main()
