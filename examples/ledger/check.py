#!/usr/bin/env python3
"""Compares what the ledger job has committed, to files and to PostgreSQL, with a fold of its source.

usage: check.py [OUT] [--rows N] [--accounts N]
OUT is the job's `out` (ledger-out); the database is the one that LEDGER_URL names. It may be called while the job runs,
after it was killed, stopped or cancelled, and at its end: with --rows all N transfers of each branch
must be there.

Each transfer is computed here from its branch and number, one after the other, and nothing is taken from
Troupe but the committed files and tables. For each committed epoch: its postings are the next transfers of
each branch, without a gap, each with one debit and one credit, in order for each account, and their money
comes to nothing. For the epoch that the database has: the balances, and for each of them in which epoch
it changed last, are those of all postings up to there; totals are those of minutes that were over.

The last line is `exact: yes, missing 0, repeated 0, epochs N`; or `exact: no, ...`, and it exits with 1."""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import time

import duckdb

BRANCHES = ("north", "south")
MODULUS = 2147483647
MINUTE_MS = 60_000
STEP_MS = 20      # between two transfers of a branch
DISORDER_MS = 1000
BEGIN_MS = 1_767_225_600_000  # 2026-01-01
SHOWN = 10        # differences that are told
PATIENCE_S = 10   # for a sink that is behind the other one
SLACK = 3         # epochs after which a minute that is over must be in the table


def transfer(branch, number, accounts):
    """(payer, payee, cents, milliseconds) of one transfer."""
    n = number % MODULUS
    draw = n * 1103515245 + 12345 if branch == "north" else n * 22695477 + 1
    payer = draw % 2147483648 // 65536 % accounts
    step = 1 + (n * 214013 + 2531011) % 2147483648 // 65536 % (accounts - 1)
    cents = 1 + n * (7919 if branch == "north" else 7907) % 100000
    return payer, (payer + step) % accounts, cents, BEGIN_MS + number * STEP_MS - n * 6007 % DISORDER_MS


class Ledger:
    """The fold of all committed epochs so far, and what was wrong with them. Epochs come in order."""

    def __init__(self, out, accounts=1000):
        self.directory = pathlib.Path(out) / "postings"
        self.accounts = accounts
        self.db = duckdb.connect()
        self.marker = None
        self.epochs = []           # [(epoch, transfers of north, transfers of south)]
        self.next = dict.fromkeys(BRANCHES, 0)
        self.balances = {}         # account -> (cents, postings, epoch)
        self.minutes = collections.defaultdict(lambda: [0, 0])  # (branch, minute) -> transfers, cents
        self.missing = self.repeated = self.wrong = 0

    def tell(self, text):
        self.wrong += 1
        if self.wrong <= SHOWN:
            print(f"  {text}", file=sys.stderr)

    def entries(self):
        """The log of commits beyond those that are folded already, in order."""
        first = self.directory / "_commit"
        if not first.exists():
            return []
        self.marker = json.loads(first.read_text())["marker"]
        known = {one for one, *_ in self.epochs}
        read = {}
        for path in [first, *(self.directory / "_commits").glob("[0-9]*")]:
            if path == first or int(path.name) not in known:
                entry = json.loads(path.read_text())
                read[entry["epoch"]] = entry
        return [read[epoch] for epoch in sorted(read)
                if epoch > self.last() and read[epoch]["marker"] == self.marker]

    def last(self):
        return self.epochs[-1][0] if self.epochs else 0

    def take(self, entry):
        """Folds one committed epoch."""
        before = self.epochs[-1][0] if self.epochs else entry["previous"]
        if entry["previous"] != before:
            self.tell(f"epoch {entry['epoch']} follows {entry['previous']}, and {before} was the last one")
        rows = collections.defaultdict(list)
        for file in entry["files"]:
            last = {}
            for branch, number, account, side, cents, at in self.read(self.directory / file["name"]):
                rows[branch, number].append((side, account, cents, at))
                key = (branch, account, side)
                if last.get(key, -1) >= number:
                    self.tell(f"{file['name']}: transfer {branch}/{number} is behind {last[key]}, account {account}")
                last[key] = number
        money = sum(cents for postings in rows.values() for _, _, cents, _ in postings)
        if money != 0:
            self.tell(f"epoch {entry['epoch']}: {money} cents come from nowhere")
        for branch in BRANCHES:
            self.take_transfers(branch, entry["epoch"], rows)
        self.epochs.append((entry["epoch"], *(self.next[branch] for branch in BRANCHES)))

    def read(self, path):
        return self.db.execute("SELECT branch, transfer, account, side, cents, epoch_ms(\"at\") FROM read_parquet(?)",
                               [str(path)]).fetchall()

    def take_transfers(self, branch, epoch, rows):
        numbers = sorted(number for one, number in rows if one == branch)
        for number in numbers:
            if number > self.next[branch]:
                self.missing += number - self.next[branch]
                self.tell(f"epoch {epoch}: {branch}/{self.next[branch]} to {number - 1} are missing")
            if number < self.next[branch]:
                self.repeated += 1
                self.tell(f"epoch {epoch}: {branch}/{number} was there before")
                continue
            self.next[branch] = number + 1
            payer, payee, cents, at = transfer(branch, number, self.accounts)
            want = [("credit", payee, cents, at), ("debit", payer, -cents, at)]
            got = sorted(rows[branch, number])
            if got != want:
                self.missing += sum(one not in got for one in want)
                self.repeated += max(0, len(got) - len(want))
                self.tell(f"epoch {epoch}: {branch}/{number}: got {got}, not {want}")
            for account, change in ((payer, -cents), (payee, cents)):
                old = self.balances.get(account, (0, 0, 0))
                self.balances[account] = (old[0] + change, old[1] + 1, epoch)
            minute = self.minutes[branch, at // MINUTE_MS]
            minute[0] += 1
            minute[1] += cents

    def taken_by(self, epoch):
        """The transfers of each branch that were in by an epoch; nothing of one that was not folded."""
        for one, *counts in reversed(self.epochs):
            if one <= epoch:
                return dict(zip(BRANCHES, counts))
        return dict.fromkeys(BRANCHES, 0)

    def check_balances(self, epoch, rows):
        """The table at that epoch, which must be the last one that was folded."""
        seen = {}
        for account, cents, postings, changed in rows:
            if account in seen:
                self.repeated += 1
                self.tell(f"account {account} has two balances")
            seen[account] = (cents, postings, changed)
        for account in sorted(self.balances.keys() | seen.keys()):
            want, got = self.balances.get(account), seen.get(account)
            if want != got:
                self.missing += got is None
                self.tell(f"epoch {epoch}: account {account}: (cents, postings, epoch) are {got}, not {want}")

    def check_totals(self, epoch, rows, ended):
        """Each minute once, in an epoch by which it was over; and those that were over some epochs ago."""
        seen = set()
        for branch, minute, transfers, cents, put in rows:
            if (branch, minute) in seen:
                self.repeated += 1
                self.tell(f"{branch} has two totals of minute {minute}")
                continue
            seen.add((branch, minute))
            if [transfers, cents] != self.minutes.get((branch, minute)):
                self.tell(f"{branch}, minute {minute}: {transfers} transfers, {cents} cents, not "
                          f"{self.minutes.get((branch, minute))}")
            if not ended and not self.over(minute, self.taken_by(put)):
                self.tell(f"{branch}, minute {minute} was put out in epoch {put}, before its end")
        known = [one for one, *_ in self.epochs if one <= epoch]
        taken = self.taken_by(known[-1 - SLACK]) if len(known) > SLACK else dict.fromkeys(BRANCHES, 0)
        for branch, minute in self.minutes:
            if (branch, minute) not in seen and (ended or self.over(minute, taken)):
                self.missing += 1
                self.tell(f"{branch}: no total of minute {minute}, which is over")

    @staticmethod
    def over(minute, taken):
        """Whether both branches have come to a transfer that is later than all of that minute."""
        end = (minute + 1) * MINUTE_MS + DISORDER_MS
        return all(BEGIN_MS + count * STEP_MS >= end for count in taken.values())

    def verdict(self):
        yes = self.epochs and not self.wrong and not self.missing and not self.repeated
        return bool(yes), (f"exact: {'yes' if yes else 'no'}, missing {self.missing}, repeated {self.repeated}, "
                           f"epochs {len(self.epochs)}")


class Tables:
    """What PostgreSQL shows at one moment."""

    def __init__(self, url, marker):
        run = marker.rsplit("/", 1)[0]
        asked = subprocess.run(
            ["psql", "-XqAt", "-F", "\t", "-v", "ON_ERROR_STOP=1", url], text=True, capture_output=True, check=False,
            input="BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n"
                  "SELECT 'commit', marker, epoch FROM troupe_commits;\n"
                  "SELECT 'balance', account, cents, postings, epoch FROM balances;\n"
                  "SELECT 'total', branch, extract(epoch FROM window_start)::bigint / 60, transfers, cents, epoch "
                  "FROM totals;\nCOMMIT;\n")
        if asked.returncode != 0:
            raise RuntimeError(asked.stderr.strip())
        self.balances, self.totals, self.commits = [], [], {}
        for kind, *values in (line.split("\t") for line in asked.stdout.splitlines()):
            if kind == "balance":
                self.balances.append(tuple(map(int, values)))
            elif kind == "total":
                self.totals.append((values[0], *map(int, values[1:])))
            elif values[0].rsplit("/", 1)[0] == run:
                self.commits[values[0].rsplit("/", 1)[1]] = int(values[1])

    def epochs(self):
        return {self.commits.get(sink, 0) for sink in ("save-balances", "save-totals")}


def look(ledger, url, ended=False):
    """Folds what is new, and compares the tables as they are now. All sinks are at one epoch, or come to be
    so soon: else that is wrong."""
    end = time.monotonic() + PATIENCE_S
    while True:
        ledger.entries()  # says whose commits they are
        tables = Tables(url, ledger.marker) if ledger.marker else None
        entries = ledger.entries()
        latest = entries[-1]["epoch"] if entries else ledger.last()
        if tables and tables.epochs() == {latest}:
            break
        if time.monotonic() > end:
            ledger.tell(f"the files are at epoch {latest}, the tables at {tables.commits if tables else None}")
            return
        time.sleep(0.05)
    for entry in entries:
        ledger.take(entry)
    ledger.check_balances(latest, tables.balances)
    ledger.check_totals(latest, tables.totals, ended)


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("out", nargs="?", default="ledger-out")
    words.add_argument("--rows", type=int)
    words.add_argument("--accounts", type=int, default=1000)
    given = words.parse_args()
    if "LEDGER_URL" not in os.environ:
        sys.exit("LEDGER_URL is not set: it names the database that the job writes to")
    ledger = Ledger(given.out, given.accounts)
    look(ledger, os.environ["LEDGER_URL"], ended=given.rows is not None)
    for branch in BRANCHES if given.rows is not None else ():
        if ledger.next[branch] != given.rows:
            ledger.missing += given.rows - ledger.next[branch]
            ledger.tell(f"{branch}: {ledger.next[branch]} transfers of {given.rows}")
    print(f"transfers {sum(ledger.next.values())}, accounts {len(ledger.balances)}")
    exact, line = ledger.verdict()
    print(line)
    sys.exit(0 if exact else 1)


if __name__ == "__main__":
    main()
