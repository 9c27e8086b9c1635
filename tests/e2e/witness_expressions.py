"""Random expressions that Troupe and DuckDB define alike: no integer division, no zones but UTC."""
from witness_tables import KEY_TYPES, SQL_TYPE, WORDS, literal


class Expressions:
    """Random expressions over some columns, of a type, that both sides read alike."""

    def __init__(self, dice, columns):
        self.dice = dice
        self.columns = columns

    def of(self, kind, depth=2):
        leaf = self.leaf(kind)
        if depth == 0 or self.dice.random() < 0.2:
            return leaf
        forms = getattr(self, kind, lambda depth: [])(depth - 1) + self.any(kind, depth - 1)
        return self.dice.choice(forms)() if forms else leaf

    def leaf(self, kind):
        mine = [column.sql for column in self.columns if column.kind == kind]
        if mine and self.dice.random() < 0.85:
            return self.dice.choice(mine)
        number = self.dice.randint(-9, 40)
        return {"bigint": f"cast({number} as bigint)", "integer": f"cast({number} as integer)",
                "smallint": f"cast({number} as smallint)",
                "double": f"cast({number / 4} as double precision)",
                "decimal": f"cast({number / 4} as numeric(12,2))",
                "text": literal(self.dice.choice(WORDS)),
                "boolean": self.dice.choice(("true", "false")),
                "date": f"DATE '1970-01-{self.dice.randint(1, 28):02}'",
                "timestamp": f"TIMESTAMP '1970-01-{self.dice.randint(1, 28):02} 00:30:00'",
                "timestamptz": f"TIMESTAMPTZ '1970-01-{self.dice.randint(1, 28):02} 00:30:00+00'",
                }[kind]

    def any(self, kind, depth):
        go = lambda: self.of(kind, depth)
        yes = lambda: self.of("boolean", depth)
        return [lambda: f"coalesce({go()}, {go()})",
                lambda: f"CASE WHEN {yes()} THEN {go()} WHEN {yes()} THEN {go()} END",
                lambda: f"CASE WHEN {yes()} THEN {go()} ELSE {go()} END",
                lambda: f"nullif({go()}, {self.leaf(kind)})"]

    def boolean(self, depth):
        kind = self.dice.choice([column.kind for column in self.columns if column.kind in KEY_TYPES]
                                or ["bigint"])
        go = lambda: self.of(kind, depth)
        yes = lambda: self.of("boolean", depth)
        compare = self.dice.choice(("=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM",
                                    "IS NOT DISTINCT FROM"))
        forms = [lambda: f"({go()} {compare} {go()})"] * 4
        forms += [lambda: f"({go()} IS NULL)", lambda: f"({go()} IS NOT NULL)",
                  lambda: f"({yes()} AND {yes()})", lambda: f"({yes()} OR {yes()})",
                  lambda: f"(NOT {yes()})", lambda: f"({yes()} IS NOT TRUE)",
                  lambda: f"({go()} BETWEEN {go()} AND {go()})",
                  lambda: f"({go()} IN ({self.leaf(kind)}, {self.leaf(kind)}))",
                  lambda: f"({go()} NOT IN ({self.leaf(kind)}, {self.leaf(kind)}))"]
        if kind == "text":
            pattern = self.dice.choice(("%a%", "_", "A%", "%", "%\\%%", "a_", "%ü%"))
            forms += [lambda: f"({go()} LIKE {literal(pattern)})",
                      lambda: f"({go()} ILIKE 'A%')", lambda: f"(starts_with({go()}, 'a'))"]
        return forms

    def number(self, kind, depth):
        go = lambda: self.of(kind, depth)
        small = self.dice.randint(1, 5)
        cast = SQL_TYPE[kind]
        return [lambda: f"cast({go()} + {small} as {cast})",
                lambda: f"cast({go()} - {small} as {cast})",
                lambda: f"cast(abs({go()}) as {cast})", lambda: f"cast(-{go()} as {cast})",
                lambda: f"greatest({go()}, {go()})", lambda: f"least({go()}, {go()})"]

    def bigint(self, depth):
        forms = self.number("bigint", depth)
        go = lambda: self.of("bigint", depth)
        day = lambda: self.of("date", depth)
        part = self.dice.choice(("year", "month", "day", "quarter", "isodow", "dow", "doy", "week"))
        return forms + [lambda: f"({go()} % {self.dice.randint(2, 7)})",
                        lambda: f"({go()} * {self.dice.randint(2, 3)})",
                        lambda: f"cast(length({self.of('text', depth)}) as bigint)",
                        lambda: f"cast(extract({part} FROM {day()}) as bigint)",
                        lambda: f"cast({day()} - {day()} as bigint)",
                        lambda: f"cast(strpos({self.of('text', depth)}, 'a') as bigint)",
                        lambda: f"cast({self.of('integer', depth)} as bigint)",
                        lambda: f"cast(floor({self.of('decimal', depth)}) as bigint)"]

    def integer(self, depth):
        return self.number("integer", depth)

    def double(self, depth):
        return self.number("double", depth) + [
            lambda: f"({self.of('double', depth)} * 2)",
            lambda: f"({self.of('double', depth)} / 4)",
            lambda: f"cast({self.of('bigint', depth)} as double precision)",
            lambda: f"cast({self.of('decimal', depth)} as double precision)"]

    def decimal(self, depth):
        return self.number("decimal", depth) + [
            lambda: f"cast({self.of('integer', depth)} % 1000 as numeric(12,2))"]

    def text(self, depth):
        go = lambda: self.of("text", depth)
        count = self.dice.randint(1, 4)
        return [lambda: f"({go()} || {go()})", lambda: f"lower({go()})", lambda: f"upper({go()})",
                lambda: f"substr({go()}, {count}, 2)", lambda: f"left({go()}, {count})",
                lambda: f"right({go()}, {count})", lambda: f"replace({go()}, 'a', 'bb')",
                lambda: f"trim({go()})", lambda: f"lpad({go()}, {count}, '*')",
                lambda: f"concat({go()}, {go()})", lambda: f"split_part({go()}, ' ', 1)",
                lambda: f"cast({self.of('bigint', depth)} as text)",
                lambda: f"cast({self.of('date', depth)} as text)"]

    def date(self, depth):
        return [lambda: f"({self.of('date', depth)} + {self.dice.randint(-40, 40)})",
                lambda: f"cast(date_trunc('month', {self.of('timestamp', depth)}) as date)",
                lambda: f"cast({self.of('timestamp', depth)} as date)"]

    def timestamp(self, depth):
        go = lambda: self.of("timestamp", depth)
        unit = self.dice.choice(("minute", "hour", "day", "week", "month", "quarter", "year"))
        step = self.dice.choice(("1 day", "3 hours", "1 month", "-7 minutes", "1 year 2 days"))
        return [lambda: f"({go()} + INTERVAL '{step}')", lambda: f"date_trunc('{unit}', {go()})",
                lambda: f"cast({self.of('date', depth)} as timestamp)"]
