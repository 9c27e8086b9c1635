#!/usr/bin/env python3
"""Random expressions over the sample rows, against PostgreSQL 15 beside us.

usage: postgres_test.py EXPR-ANSWERS [PART-OF-A-NAME]
For each expression and row: the same type and value, or both refuse, or one of DIFFERENCES, each of
which is a sentence of docs/reference/expressions.md. A failure prints the expression, both answers
and its seed. TROUPE_EXPRESSIONS is how many there are to a seed (2000), TROUPE_SEEDS how many seeds
(1), TROUPE_SEED the first (1)."""
import decimal
import math
import os
import re
import struct
import subprocess
import sys

from postgres_expressions import Generator
from support import ROOT, Tests, check, postgres_server

test = Tests()
SEED = int(os.environ.get("TROUPE_SEED", "1"))
SEEDS = int(os.environ.get("TROUPE_SEEDS", "1"))
COUNT = int(os.environ.get("TROUPE_EXPRESSIONS", "2000"))
UNIT = "\x1f"  # between values
SHOWN = 20  # wrong expressions that are printed
DIGITS = 38

ANSWER = r"""
CREATE FUNCTION pg_temp.one_line(t text) RETURNS text LANGUAGE sql AS
  $f$ SELECT replace(t, chr(10), ' ') $f$;
CREATE FUNCTION pg_temp.answer(e text) RETURNS text AS $f$
DECLARE r text; v text; kind text; reason text;
BEGIN
  BEGIN
    EXECUTE format('SELECT min(pg_typeof(v)::text) || string_agg(chr(31) ||
      pg_temp.one_line(coalesce(v::text, ''NULL'')), '''' ORDER BY id)
      FROM (SELECT id, (%s) AS v FROM sample ORDER BY id) s', e) INTO r;
    RETURN r;
  EXCEPTION WHEN OTHERS THEN reason := '!' || pg_temp.one_line(SQLERRM);
  END;
  kind := NULL;
  r := '';
  FOR i IN 1..6 LOOP
    BEGIN
      EXECUTE format('SELECT pg_typeof(v)::text, pg_temp.one_line(coalesce(v::text, ''NULL''))
        FROM (SELECT (%s) AS v FROM sample WHERE id = %s) s', e, i) INTO kind, v;
      r := r || chr(31) || v;
    EXCEPTION WHEN OTHERS THEN r := r || chr(31) || '!' || pg_temp.one_line(SQLERRM);
    END;
  END LOOP;
  IF kind IS NULL THEN RETURN reason; END IF;
  RETURN kind || r;
END $f$ LANGUAGE plpgsql;
"""


# What is not PostgreSQL's answer on purpose: what the reference says, and when that is what is seen.
class Seen:
    """One value of one row: what was asked, of what type, and the two answers."""

    def __init__(self, expression, kinds, theirs, ours):
        self.expression, self.theirs, self.ours = expression, theirs, ours
        self.their_kind, self.our_kind = kinds

    def our_error(self, *parts):
        return self.ours.startswith("!") and any(part in self.ours for part in parts)


def number(text):
    try:
        return decimal.Decimal(text)
    except decimal.InvalidOperation:
        return None


def near(a, b, relative):
    a, b = number(a), number(b)
    if a is None or b is None or not (a.is_finite() and b.is_finite()):
        return a is not None and b is not None and a.is_nan() == b.is_nan() and (a.is_nan() or a == b)
    return abs(a - b) <= decimal.Decimal(relative) * max(abs(a), abs(b))


def without_zeros(text):
    return re.sub(r"(\.\d*?)0+(?!\d)", lambda found: found[1].rstrip("."), text)


def at_one_scale(seen):
    """Digits behind the point that only one of the two shows: zeros, or rounded off."""
    if seen.their_kind == seen.our_kind == "text":
        return without_zeros(seen.theirs) == without_zeros(seen.ours)
    if seen.their_kind == seen.our_kind == "double precision":  # of a quotient of numerics
        return "/" in seen.expression and near(seen.theirs, seen.ours, "1e-9")
    a, b = number(seen.theirs), number(seen.ours)
    if seen.their_kind != "numeric" or a is None or b is None or not (a.is_finite() and b.is_finite()):
        return False
    scale = min(max(-a.as_tuple().exponent, 0), max(-b.as_tuple().exponent, 0))
    if "/" in seen.expression:
        return abs(a - b) <= decimal.Decimal(1).scaleb(-scale) or near(seen.theirs, seen.ours, "1e-9")
    return a == b or round(a, scale) == round(b, scale)


def same_float(seen):
    """Other digits for the very same value."""
    if seen.their_kind != seen.our_kind or seen.our_kind not in ("real", "double precision"):
        return False
    a, b = number(seen.theirs), number(seen.ours)
    if a is None or b is None:
        return False
    kind = "<f" if seen.our_kind == "real" else "<d"
    return struct.pack(kind, float(a)) == struct.pack(kind, float(b))


def many_hours(seen):
    """Where PostgreSQL has an interval of so many hours, in its answer or on the way to it."""
    # The columns of numbers hold some of that size.
    numbers = [abs(float(text)) for text in re.findall(r"\d+(?:\.\d+)?", seen.expression)]
    product = math.prod(max(one, 1) for one in numbers)
    return (any(int(hours) >= 2562047 for hours in re.findall(r"\d{7,}", seen.theirs + seen.expression)) or
            "*" in seen.expression and
            (product >= 2562047 or re.search(r"\b(n|i4|i8|f4|f8)\b", seen.expression) is not None))


def beside_null(seen):
    """PostgreSQL has found before it begins that a part of constants is NULL, and so is what has it as
    an operand: a NULL that is written, a CASE of constants without an ELSE, a nullif of constants."""
    return seen.ours.startswith("!") and (
        "NULL::" in seen.expression or
        seen.theirs == "NULL" and re.search("CASE|nullif", seen.expression) is not None)


TRANSCENDENTAL = re.compile(r"\b(sqrt|exp|ln|log|log10|cbrt|a?sin|a?cos|a?tan|atan2|degrees|radians|power|date_part)\(|\^")
DIFFERENCES = [
    ("**numeric has one scale for each expression**", at_one_scale),
    ("`varchar(n)` cuts a text but is `text` as a type",
     lambda s: (s.their_kind, s.our_kind) == ("character varying", "text") and s.theirs == s.ours),
    ("at most 38 digits; more is an", lambda s: s.our_error("more than 38 digits", "does not fit numeric(",
                                                            "has no numeric value")),
    ("have a double's digits: the last of them may differ",
     lambda s: s.our_kind == s.their_kind == "double precision" and TRANSCENDENTAL.search(s.expression) and
     near(s.theirs, s.ours, "1e-14")),
    ("in the fewest digits that are read as the same value", same_float),
    ("are computed as double precision", lambda s: s.their_kind == "numeric" and s.our_kind == "double precision" and
     (s.theirs == s.ours or near(s.theirs, s.ours, "1e-12"))),
    ("A unit that a type does not have is refused when the expression is read",
     lambda s: s.our_error("not supported for type") and (s.theirs == "NULL" or re.search("coalesce|CASE|greatest|least",
                                                                                s.expression))),
    ("Functions and overloads that are not listed here are refused", lambda s: s.our_error("does not exist")),
    ("read numbers of digits alone", lambda s: s.our_error('invalid value "-')),
    ("years to 294246", lambda s: "to_date" in s.expression and s.our_error("date/time field value out of range")),
    ("`infinity`, `now`, `today`", lambda s: "infinity" in s.theirs and s.our_error("timestamp out of range")),
    ("and so is such a date beside a NULL", lambda s: s.theirs == "NULL" and
     s.our_error("date out of range for timestamp")),
    ("Only rows that need a value compute it", lambda s: s.theirs.startswith("!") and not s.ours.startswith("!") and
     re.search(r"CASE|coalesce|\b(AND|OR|IN)\b", s.expression)),
    ("Moments end at 294247-01-10", lambda s: s.our_error("timestamp out of range", "interval out of range",
                                                                    "date out of range for timestamp") and
     re.search(r"\b2942[4-7]\d-", s.theirs + s.expression)),
    ("hours of an interval end at 2562047", lambda s: s.our_error("interval out of range", "interval field value") and
     many_hours(s)),
    ("beside a constant NULL all other operands are computed", beside_null),
]


def postgres_answers(postgres, expressions):
    sample = ROOT / "tests" / "golden" / "expr" / "sample.sql"
    script = sample.read_text() + "SET check_function_bodies = off;\n" + ANSWER
    script += "".join(f"SELECT pg_temp.answer($q${one}$q$);\n" for one in expressions)
    return postgres.lines(script)


def troupe_answers(expressions):
    asked = subprocess.run([sys.argv[1]], input="".join(f"{one}\n" for one in expressions), text=True,
                           capture_output=True, check=False)
    check(asked.returncode == 0, f"{sys.argv[1]} ended with {asked.returncode}: {asked.stderr[-500:]}")
    return asked.stdout.splitlines()


def rows_of(answer, count):
    """The type, and a value or a refusal for each row."""
    kind, *values = answer.split(UNIT)
    return (None, [kind] * count) if kind.startswith("!") else (kind, values)


def compare(expression, theirs, ours, seen_differences):
    """Nothing, or what is wrong."""
    count = max(theirs.count(UNIT), ours.count(UNIT), 1)
    (their_kind, their_values), (our_kind, our_values) = rows_of(theirs, count), rows_of(ours, count)
    for their, our in zip(their_values, our_values, strict=True):
        if their.startswith("!") and our.startswith("!"):
            continue
        if their == our and their_kind == our_kind:
            continue
        seen = Seen(expression, (their_kind, our_kind), their, our)
        named = next((said for said, holds in DIFFERENCES if holds(seen)), None)
        if not named:
            return f"{their_kind}: {their}\n   troupe: {our_kind}: {our}"
        seen_differences[named] = seen_differences.get(named, 0) + 1
    return None


def extra(generator):
    """Functions of numerics, alone: what they are inside of has other digits, too."""
    call = generator.one(["sqrt", "exp", "ln", "log", "power", "^"])
    x = generator.one(["2.0", "n", "0.5", "10.25", "3.0", "1.0", "0.0", "-1.0"])
    if call == "^":
        return f"({x} ^ 2.0)"
    return f"power({x}, 1.5)" if call == "power" else f"{call}({x})"


def check_seed(postgres, seed):
    generator = Generator(seed)
    expressions = [generator.make() if i % 100 else extra(generator) for i in range(COUNT)]
    theirs, ours = postgres_answers(postgres, expressions), troupe_answers(expressions)
    check(len(theirs) == len(ours) == COUNT, f"{len(theirs)} and {len(ours)} answers to {COUNT} expressions")
    wrong, differences = [], {}
    for expression, their, our in zip(expressions, theirs, ours, strict=True):
        if said := compare(expression, their, our, differences):
            wrong.append(f"{expression}\n   PostgreSQL: {said}")
    refused = sum(our.startswith("!") for our in ours)
    print(f"     seed {seed}: {COUNT} expressions, {refused} of them refused; "
          f"{', '.join(f'{said}: {count}' for said, count in differences.items())}", flush=True)
    check(not wrong, f"seed {seed}: {len(wrong)} of {COUNT} differ:\n" + "\n".join(wrong[:SHOWN]))


@test
def random_expressions_answer_as_postgresql(_):
    """Equal, both refuse, or named in the reference as different; none else."""
    with postgres_server(sync=False) as postgres:
        for seed in range(SEED, SEED + SEEDS):
            check_seed(postgres, seed)


@test
def what_differs_is_in_the_reference(_):
    """Each difference that is let pass is a sentence of the reference page."""
    page = (ROOT / "docs" / "reference" / "expressions.md").read_text()
    flowing = re.sub(r"\s+", " ", page)
    for said, _ in DIFFERENCES:
        check(said in flowing, f"docs/reference/expressions.md does not say {said!r}")


if __name__ == "__main__":
    test.main()
