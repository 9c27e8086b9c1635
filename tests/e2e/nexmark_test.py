#!/usr/bin/env python3
"""The queries of examples/nexmark over events that come in disorder, with gaps, hot keys and ties, beside
DuckDB's answer to the same questions in SQL.

usage: nexmark_test.py TROUPE [PART-OF-A-NAME]"""
import os
import random
import sys

from support import ROOT, Tests, check, need

try:
    import duckdb
    import pyarrow
except ImportError:
    PYTHON = need("TROUPE_TOOL_PYTHON", "a Python that has DuckDB and pyarrow")
    os.execv(PYTHON, [PYTHON, *sys.argv])

import pyarrow.parquet

test = Tests()
QUERIES = ROOT / "examples" / "nexmark"
EVENTS = 60_000
DISORDER_MS = 3_000

WINDOW = "evtime // 10000 * 10000"
IN_TIME = "A.id = B.auction AND B.evtime BETWEEN A.evtime AND A.expires"
SQL = {
    "q0": "SELECT auction, bidder, price, evtime, extra FROM bid",
    "q1": "SELECT auction, bidder, price * 0.908, evtime, extra FROM bid",
    "q2": "SELECT auction, price FROM bid WHERE auction % 123 = 0",
    "q3": """SELECT name, city, state, A.id FROM auction A JOIN person P ON seller = P.id
             WHERE category = 10 AND state IN ('or', 'id', 'ca')""",
    "q4": f"""SELECT category, (sum(top) // count(*))::BIGINT FROM (
                SELECT A.id, category, max(price) AS top FROM auction A JOIN bid B ON {IN_TIME}
                GROUP BY ALL) GROUP BY category""",
    "q5": """WITH counted AS (
               SELECT auction, ends, count(*) AS num
               FROM (SELECT auction, evtime // 2000 * 2000 + unnest([2000, 4000, 6000, 8000, 10000])
                     AS ends FROM bid) GROUP BY ALL)
             SELECT ends, auction, num FROM counted
             QUALIFY num = max(num) OVER (PARTITION BY ends)""",
    "q7": f"""SELECT auction, price, bidder, evtime, extra FROM bid
              JOIN (SELECT max(price) AS top, {WINDOW} AS w FROM bid GROUP BY w)
              ON price = top AND evtime BETWEEN w AND w + 10000""",
    "q8": f"""SELECT id, name, w FROM (SELECT DISTINCT id, name, {WINDOW} AS w FROM person)
              JOIN (SELECT DISTINCT seller, {WINDOW} AS v FROM auction) ON id = seller AND w = v""",
    "q9": f"""SELECT A.*, B.auction, bidder, price, B.evtime, B.extra
              FROM auction A JOIN bid B ON {IN_TIME}
              QUALIFY row_number() OVER (PARTITION BY A.id ORDER BY price DESC, B.evtime) = 1""",
    "q11": """WITH gaps AS (
                SELECT *, evtime - lag(evtime) OVER (PARTITION BY bidder ORDER BY evtime) AS gap FROM bid),
              numbered AS (
                SELECT *, count(*) FILTER (gap IS NULL OR gap >= 10000)
                OVER (PARTITION BY bidder ORDER BY evtime) AS session FROM gaps)
              SELECT bidder, count(*), min(evtime), max(evtime) + 10000 FROM numbered
              GROUP BY bidder, session""",
    "q12": f"""SELECT bidder, count(*), {WINDOW} AS w, w + 10000 FROM bid GROUP BY bidder, w""",
    "q18": """SELECT * FROM bid QUALIFY row_number() OVER (
              PARTITION BY bidder, auction ORDER BY evtime DESC) = 1""",
    "q19": """SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC) AS place
              FROM bid QUALIFY place <= 10""",
    "q20": """SELECT B.*, itemName, description, initialBid, reserve, A.evtime, expires, seller, category,
              A.extra FROM bid B JOIN auction A ON auction = A.id WHERE category = 10""",
}


def events(seed):
    """Three tables: one event in fifty is a person, three are auctions; now and then nobody does
    anything for a while. Nobody bids twice on one auction in a millisecond, and no two prices are equal:
    then each question has one answer."""
    choice = random.Random(seed)
    now, bids = 1_436_918_400_000, set()
    people, auctions = [], []
    tables = {"person": [], "auction": [], "bid": []}
    for n in range(EVENTS):
        now += choice.randrange(3) if choice.randrange(2000) else choice.randrange(60_000)
        at = now - choice.randrange(DISORDER_MS)
        kind = n % 50
        some = lambda known: choice.choice(known[-3:] if choice.randrange(3) else known[-200:])
        if kind == 0 or not people:
            people.append(1000 + len(people))
            tables["person"].append((people[-1], f"name {people[-1] % 90}", "e@x", "1 2 3", f"city {n % 7}",
                                     choice.choice(["or", "id", "ca", "wa", "ny"]), at, "x" * (n % 40)))
        elif kind < 4 or not auctions:
            auctions.append(1000 + len(auctions))
            tables["auction"].append((auctions[-1], f"item {n}", "d" * (n % 30), n, 2 * n, at,
                                      at + choice.randrange(20_000), some(people),
                                      10 + choice.randrange(5), "y" * (n % 50)))
        else:
            bid = (some(auctions), some(people), at)
            if bid in bids:
                continue
            bids.add(bid)
            tables["bid"].append((bid[0], bid[1], choice.randrange(10_000) * 100_000 + n,
                                  choice.choice(["apple", "google", "\u00e9t\u00e9", ""]), f"https://x/{n % 99}",
                                  at, "z" * (n % 60)))
    return tables


COLUMNS = {
    "bid": "auction bidder price channel url evtime extra",
    "auction": "id itemName description initialBid reserve evtime expires seller category extra",
    "person": "id name emailAddress creditCard city state evtime extra",
}


class Nexmark:
    """Events as Parquet files, and what DuckDB says of them."""

    def __init__(self, directory, seed):
        self.directory = directory
        self.duck = duckdb.connect()
        for table, rows in events(seed).items():
            names = COLUMNS[table].split()
            columns = [pyarrow.array(values) for values in zip(*rows)]
            data = pyarrow.table(columns, names=names)
            path = str(directory / f"{table}.parquet")
            pyarrow.parquet.write_table(data, path, row_group_size=2_000)
            self.ask(f"CREATE TABLE {table} AS FROM '{path}'")

    def ask(self, sql):
        return self.duck.execute(sql).fetchall()

    def differences(self, query, out):
        """How many rows only the answer has, and how many only DuckDB."""
        files = f"read_parquet('{out}/*.parquet')"
        fields = [f'epoch_ms("{name}")' if kind.startswith("TIMESTAMP") else f'"{name}"'
                  for name, kind, *_ in self.ask(f"DESCRIBE FROM {files}")]
        self.ask(f"CREATE OR REPLACE TABLE answer AS SELECT {', '.join(fields)} FROM {files}")
        self.ask(f"CREATE OR REPLACE TABLE wanted AS {SQL[query]}")
        count = lambda one, other: self.ask(
            f"SELECT count(*) FROM (FROM {one} EXCEPT ALL FROM {other})")[0][0]
        rows = self.ask("SELECT count(*) FROM wanted")[0][0]
        return rows, count("answer", "wanted"), count("wanted", "answer")


@test
def every_query_says_what_sql_says(site):
    for seed in (1, 2):
        data = site.path / f"events-{seed}"
        data.mkdir()
        nexmark = Nexmark(data, seed)
        for file in sorted(QUERIES.glob("q*.yaml")):
            query = file.stem
            check(query in SQL, f"{query} has no answer to compare with")
            out = site.path / f"{query}-{seed}"
            site.call("run", file, "-p", f"input={data}", "-p", f"output={out}",
                      "-p", f"out_of_order={DISORDER_MS}", "--parallelism", seed).expect(0)
            rows, more, less = nexmark.differences(query, out)
            check(rows > 0, f"{query}: nothing to compare")
            check(more == 0 and less == 0,
                  f"{query}, seed {seed}: of {rows} rows, {less} are missing and {more} are wrong")


test.main()
