#!/usr/bin/env python3
"""Compares what the flights job wrote with what DuckDB makes of the same files.

usage: check.py DATA OUT [OUTPUT...]      without OUTPUT: all of delays, top-routes, makers
Rows are compared as a multiset by their keys: integers and texts exactly, doubles to 1e-9 relative.
Prints `rows N, missing M, repeated R`, and exits with 1 where anything differs."""
import math
import sys

import duckdb

data, out, *outputs = sys.argv[1:]
db = duckdb.connect()
db.execute("SET TimeZone = 'UTC'")
for name in ("flights", "weather", "airlines", "airports", "planes"):
    db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{data}/{name}.csv', nullstr=['', 'NA'],"
               " sample_size=-1)")

ANSWERS = {
    "delays/*.parquet": (3, """
        SELECT f.carrier, a.name, f.hour, count(*) AS flights,
               count(*) FILTER (WHERE dep_time IS NULL) AS cancelled,
               count(*) FILTER (WHERE dep_delay > 30) AS late,
               avg(dep_delay) AS dep_delay, avg(arr_delay) AS arr_delay,
               stddev(arr_delay) AS arr_delay_sd, avg(wind_speed) AS wind,
               count(*) FILTER (WHERE precip > 0) AS wet
        FROM flights f LEFT JOIN weather w USING (origin, time_hour) JOIN airlines a USING (carrier)
        GROUP BY ALL"""),
    "top-routes.parquet": (2, """
        SELECT origin, dest, flights, carriers, arr_delay, worst, miles, name AS destination
        FROM (SELECT origin, dest, count(*) AS flights, count(DISTINCT carrier) AS carriers,
                     avg(arr_delay) AS arr_delay, max(arr_delay) AS worst, sum(distance) AS miles
              FROM flights GROUP BY ALL) r LEFT JOIN airports p ON p.faa = r.dest
        ORDER BY flights DESC, origin, dest LIMIT 20"""),
    "makers/*.parquet": (1, """
        SELECT manufacturer, count(*) AS flights, sum(seats) AS seats, avg(arr_delay) AS arr_delay
        FROM flights f JOIN planes p USING (tailnum) GROUP BY ALL"""),
}


def same(a, b):
    if isinstance(a, float) or isinstance(b, float):
        return a is not None and b is not None and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)
    return a == b


def compare(files, keys, query):
    want = db.execute(query)
    names = [column[0] for column in want.description]
    wanted = {row[:keys]: row for row in want.fetchall()}
    listed = ", ".join(f'"{name}"' for name in names)
    got = db.execute(f"SELECT {listed} FROM read_parquet('{out}/{files}')").fetchall()
    seen, repeated, wrong = set(), 0, []
    for row in got:
        key = row[:keys]
        if key in seen:
            repeated += 1
        seen.add(key)
        if key not in wanted or not all(map(same, row, wanted[key])):
            wrong.append((row, wanted.get(key)))
    missing = len(wanted.keys() - seen)
    for row, expected in wrong[:5]:
        print(f"  {files}: got {row}\n  {' ' * len(files)}  not {expected}", file=sys.stderr)
    return len(got), missing, repeated, len(wrong)


asked = {files: answer for files, answer in ANSWERS.items()
         if not outputs or files.removesuffix("/*.parquet").removesuffix(".parquet") in outputs}
totals = [compare(files, *answer) for files, answer in asked.items()]
rows, missing, repeated, wrong = map(sum, zip(*totals))
print(f"rows {rows}, missing {missing}, repeated {repeated}, wrong {wrong}")
sys.exit(0 if rows and not missing and not repeated and not wrong else 1)
