#!/usr/bin/env python3
"""Asks PostgreSQL what the expressions of the golden files are worth, and writes its answers.

usage: rewrite.py FILE.txt ...      (needs psql and a server: PGHOST, PGUSER, ...)

A line is `expression => type: value | value ...`, one value for each row of sample.sql, or one for
all of them; or `expression => error: message`. Lines that begin with # stay. differences.txt holds
what is not PostgreSQL's answer on purpose: it is written by hand and never passed here.
"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
ANSWER = """
CREATE FUNCTION pg_temp.answer(e text) RETURNS text AS $f$
DECLARE r text;
BEGIN
  EXECUTE format('SELECT min(pg_typeof(v)::text) || '': '' ||
    string_agg(coalesce(v::text, ''NULL''), '' | '' ORDER BY id)
    FROM (SELECT id, (%s) AS v FROM sample ORDER BY id) s', e) INTO r;
  RETURN r;
EXCEPTION WHEN OTHERS THEN RETURN 'error: ' || SQLERRM;
END $f$ LANGUAGE plpgsql;
"""


def answers(expressions):
    script = (HERE / "sample.sql").read_text() + ANSWER
    for expression in expressions:
        script += f"SELECT pg_temp.answer($q${expression}$q$);\n"
    out = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1"], input=script, text=True,
                         check=True, capture_output=True).stdout
    return out.splitlines()


def collapsed(answer):
    kind, _, values = answer.partition(": ")
    each = values.split(" | ")
    return f"{kind}: {each[0]}" if len(set(each)) == 1 and kind != "error" else answer


def main():
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        lines = path.read_text().splitlines()
        asked = [line.split(" => ")[0] for line in lines if line and line[0] != "#"]
        told = iter(answers(asked))
        path.write_text("".join(
            (line if not line or line[0] == "#" else f"{line.split(' => ')[0]} => {collapsed(next(told))}") + "\n"
            for line in lines))


main()
