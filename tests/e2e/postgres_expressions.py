"""Random expressions of PostgreSQL's grammar over the types that Troupe has: columns of the sample
rows, literals at the edges of their ranges, operators, functions, casts and choices. Most are well
typed; some are not, so that what is refused is compared too."""
import random

INTEGERS = ["int2", "int4", "int8"]
NUMBERS = INTEGERS + ["numeric", "float4", "float8"]
MOMENTS = ["date", "timestamp", "timestamptz"]
TYPES = NUMBERS + MOMENTS + ["interval", "text", "bool"]
NAMES = {"int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
         "bool": "boolean"}
COLUMNS = {"int2": "i2", "int4": "i4", "int8": "i8", "numeric": "n", "float4": "f4", "float8": "f8",
           "bool": "b", "text": "t", "date": "d", "timestamp": "ts", "interval": "iv"}

EDGES = {
    "int2": ["0::smallint", "32767::smallint", "(-32768)::smallint", "'-7'::int2", "12::int2"],
    "int4": ["0", "1", "-1", "7", "2147483647", "(-2147483648)", "42", "10000", "'12'::integer"],
    "int8": ["0::bigint", "9223372036854775807", "(-9223372036854775808)", "5000000000", "'-3'::bigint"],
    "numeric": ["0.0", "1.5", "-0.05", "12345678.91", "0.001", "99999.995", "-2.5", "'7.25'::numeric(6,2)", "1e5"],
    "float4": ["0::real", "1.5::real", "'-0.1'::real", "3e38::real", "'NaN'::real", "'-Infinity'::real"],
    "float8": ["0::float8", "0.1::float8", "-2.5::float8", "1e308::float8", "1e-308::float8", "'NaN'::float8",
               "'Infinity'::float8", "3.5::float8", "'-0'::float8", "123456.789::float8"],
    "bool": ["true", "false", "NULL::boolean", "'yes'::boolean"],
    "text": ["''", "'abc'", "'Hello World'", "'naïve é日本'", "' x '", "'a,b,c'", "'%_'", "'100'", "'-1.5'",
             "'2024-02-29'", "'1 day'", "'true'"],
}
UNITS = ["microsecond", "milliseconds", "ms", "second", "sec", "s", "minute", "min", "hour", "hours", "h", "day",
         "days", "d", "week", "weeks", "w", "month", "mon", "mons", "year", "years", "y", "decade", "century",
         "millennium", "usec"]
FIELDS = ["microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year",
          "decade", "century", "millennium", "dow", "isodow", "doy", "isoyear", "epoch"]
QUALIFIERS = ["", "", "", "", "", "", "", "", " year", " month", " day", " hour", " minute", " second",
              " year to month", " day to hour", " day to minute", " day to second", " hour to minute",
              " hour to second", " minute to second", " second(2)", " day to second(3)", " minute to second(0)"]


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, items):
        return self.random.choice(items)

    def chance(self, share):
        return self.random.random() < share

    # --- literals -----------------------------------------------------------------------------

    def number_text(self):
        r = self.random
        return self.one([str(r.randint(0, 70)), str(r.randint(0, 9)), f"{r.randint(0, 40)}.{r.randint(0, 999999)}",
                         f".{r.randint(1, 99)}", str(r.randint(0, 3000000)), "2147483647", "178956970"])

    def interval_text(self):
        r = self.random
        if self.chance(0.08):
            return self.one(["P1Y2M3DT4H5M6.7S", "P0001-02-03T04:05:06", "PT1.5H", "P-1Y", "P2W", "P1M1M", "PT", "P",
                             "P1DT-2M", f"P{r.randint(0, 99)}D", "PT2147483648S", "P1.5M"])
        parts = []
        for _ in range(r.randint(1, 3)):
            sign = self.one(["", "", "", "", "-", "+", "- "])
            clock = f"{r.randint(0, 30)}:{r.randint(0, 62)}"
            parts.append(self.one([
                f"{sign}{self.number_text()} {self.one(UNITS)}",
                f"{sign}{self.number_text()} {self.one(UNITS)}",
                f"{sign}{self.number_text()}{self.one(UNITS)}",
                f"{sign}{self.number_text()}",
                f"{sign}{clock}",
                f"{sign}{clock}:{r.randint(0, 60)}",
                f"{sign}{clock}:{r.randint(0, 60)}.{r.randint(0, 9999999)}",
                f"{sign}{clock}.{r.randint(0, 99)}",
                f"{sign}{r.randint(0, 12)}-{r.randint(0, 13)}",
            ]))
        text = " ".join(parts)
        if self.chance(0.06):
            text += " ago"
        return "@ " + text if self.chance(0.04) else text

    def interval(self):
        if self.chance(0.1):
            precision = self.one(["(0)", "(2)", "(4)", "(6)"])
            return f"interval{precision} '{self.interval_text()}'"
        if self.chance(0.15):
            return self.one(["interval '2147483647 days'", "interval '-2147483648 days'", "interval '178956970 years'",
                             "interval '2562047 hours'", "interval '-2147483648 months'", "interval '0'",
                             "interval '1 month -30 days 24:00:00'", "interval '1000000000 days'"])
        if self.chance(0.1):
            return f"'{self.interval_text()}'::interval"
        return f"interval '{self.interval_text()}'{self.one(QUALIFIERS)}"

    def date_text(self):
        r = self.random
        year = self.one([1970, 1969, 2000, 2024, 2023, 1900, 1, 9999, 10000, 100, 294247, 294246, 4713, 4712,
                         r.randint(1, 3000), r.randint(1, 3000), r.randint(1970, 2030)])
        month, day = r.randint(1, 12), r.randint(1, 28)
        if self.chance(0.2):
            month, day = self.one([(2, 29), (12, 31), (1, 1), (2, 30), (11, 24), (11, 23), (13, 1), (4, 31), (1, 10)])
        era = " BC" if self.chance(0.12) or (year in (4713, 4712) and self.chance(0.7)) else ""
        return f"{year:04}-{month:02}-{day:02}", era

    def date(self):
        day, era = self.date_text()
        if self.chance(0.06):
            return self.one(["date '5874897-12-31'", "date '4713-11-24 BC'", "date '4713-11-23 BC'",
                             "date '5874898-01-01'", "date '20240229'"])
        return self.one([f"date '{day}{era}'", f"'{day}{era}'::date"])

    def moment_text(self):
        r = self.random
        day, era = self.date_text()
        if self.chance(0.05):
            return self.one(["294247-01-10 04:00:54.775807", "4713-11-24 00:00:00 BC",
                             "4713-11-23 23:59:59.999999 BC", "294276-12-31 23:59:59", "294277-01-01"])
        time = self.one(["", " 00:00", " 23:59:59.999999", " 24:00:00", " 24:00:01", " 23:59:60", " 12:00",
                         f" {r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}",
                         f" {r.randint(0, 23):02}:{r.randint(0, 59):02}:{r.randint(0, 59):02}.{r.randint(0, 9999999)}",
                         f"T{r.randint(0, 25):02}:{r.randint(0, 61):02}"])
        zone = self.one(["", "", "", "+02", "-05:30", "Z", "+15:59", "+0130"]) if time else ""
        return f"{day}{time}{zone}{era}"

    def literal(self, kind):
        if kind == "interval":
            return self.interval()
        if kind == "date":
            return self.date()
        if kind in ("timestamp", "timestamptz"):
            text = self.moment_text()
            return self.one([f"{kind} '{text}'", f"'{text}'::{kind}"])
        if self.chance(0.05):
            return f"NULL::{kind}"
        return self.one(EDGES[kind])

    def leaf(self, kind):
        if kind in COLUMNS and self.chance(0.35):
            return COLUMNS[kind]
        if kind == "timestamptz" and self.chance(0.2):
            return "ts::timestamptz"
        return self.literal(kind)

    # --- expressions --------------------------------------------------------------------------

    def make(self, kind=None, depth=None):
        kind = kind or self.one(TYPES + ["interval", "timestamp", "date", "timestamptz"])
        depth = self.random.choice([1, 1, 2, 2, 3]) if depth is None else depth
        if depth <= 0 or self.chance(0.08):
            return self.leaf(kind)
        if self.chance(0.02):
            kind = self.one(TYPES)  # most likely no value of the type that is wanted
        if self.chance(0.1):
            return self.choice(kind, depth - 1)
        return getattr(self, "make_" + kind)(depth - 1)

    def choice(self, kind, depth):
        a, b = self.make(kind, depth), self.make(kind, depth)
        return self.one([
            f"CASE WHEN {self.make('bool', depth)} THEN {a} ELSE {b} END", f"coalesce({a}, {b})", f"nullif({a}, {b})",
            f"greatest({a}, {b})", f"least({a}, {b})",
            f"CASE {self.make('int4', depth)} WHEN 1 THEN {a} WHEN 42 THEN {b} END"])

    def arithmetic(self, kind, depth, operators):
        return f"({self.make(kind, depth)} {self.one(operators)} {self.make(kind, depth)})"

    def make_int2(self, depth):
        return self.one([lambda: self.arithmetic("int2", depth, "+-*/%"),
                         lambda: f"({self.make(self.one(NUMBERS), depth)})::smallint",
                         lambda: f"abs({self.make('int2', depth)})", lambda: f"(- {self.make('int2', depth)})"])()

    def make_int4(self, depth):
        m = self.make
        return self.one([
            lambda: self.arithmetic("int4", depth, "+-*/%"), lambda: self.arithmetic("int4", depth, "+-*/%"),
            lambda: f"({m('int4', depth)} + {m('int2', depth)})",
            lambda: f"({m(self.one(NUMBERS), depth)})::integer", lambda: f"({m('bool', depth)})::integer",
            lambda: f"({m('date', depth)} - {m('date', depth)})", lambda: f"length({m('text', depth)})",
            lambda: f"strpos({m('text', depth)}, {m('text', 0)})", lambda: f"mod({m('int4', depth)}, {m('int4', 0)})",
            lambda: f"ascii({m('text', depth)})", lambda: f"({m('text', depth)})::integer",
            lambda: f"octet_length({m('text', depth)})", lambda: f"(- {m('int4', depth)})"])()

    def make_int8(self, depth):
        m = self.make
        return self.one([
            lambda: self.arithmetic("int8", depth, "+-*/%"),
            lambda: f"({m('int8', depth)} {self.one('+-*/%')} {m('int4', depth)})",
            lambda: f"({m(self.one(NUMBERS), depth)})::bigint", lambda: f"abs({m('int8', depth)})",
            lambda: f"({m('text', 0)})::bigint"])()

    def make_numeric(self, depth):
        m = self.make
        field = self.one(FIELDS)
        return self.one([
            lambda: self.arithmetic("numeric", depth, "+-*"), lambda: self.arithmetic("numeric", 0, "/%"),
            lambda: f"({m('numeric', depth)} + {m(self.one(INTEGERS), depth)})",
            lambda: f"round({m('numeric', depth)}, {self.random.randint(-3, 4)})",
            lambda: f"{self.one(['trunc', 'floor', 'ceil', 'abs', 'sign', 'round'])}({m('numeric', depth)})",
            lambda: f"({m(self.one(INTEGERS), depth)})::numeric(12,2)", lambda: f"({m('text', 0)})::numeric(9,3)",
            lambda: f"extract({field} FROM {m(self.one(MOMENTS + ['interval']), depth)})",
            lambda: f"extract({field} FROM {m(self.one(MOMENTS + ['interval']), depth)})",
            lambda: f"extract({self.one(UNITS)} FROM {m(self.one(MOMENTS + ['interval']), depth)})",
            lambda: f"mod({m('numeric', depth)}, {m('numeric', 0)})"])()

    def make_float4(self, depth):
        m = self.make
        return self.one([lambda: self.arithmetic("float4", depth, "+-*/"),
                         lambda: f"({m(self.one(NUMBERS), depth)})::real", lambda: f"abs({m('float4', depth)})"])()

    def make_float8(self, depth):
        m = self.make
        one_argument = ["sqrt", "exp", "ln", "log", "log10", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan",
                        "degrees", "radians", "floor", "ceil", "round", "trunc", "sign", "abs"]
        return self.one([
            lambda: self.arithmetic("float8", depth, "+-*/"),
            lambda: f"({m('float8', depth)} {self.one('+-*/')} {m(self.one(NUMBERS), depth)})",
            lambda: f"{self.one(one_argument)}({m('float8', depth)})",
            lambda: f"({m('float8', depth)} ^ {m('float8', 0)})", lambda: f"power({m('float8', depth)}, {m('float8', 0)})",
            lambda: f"atan2({m('float8', depth)}, {m('float8', 0)})",
            lambda: f"({m(self.one(NUMBERS), depth)})::float8", lambda: f"({m('text', 0)})::float8",
            lambda: f"date_part('{self.one(FIELDS)}', {m(self.one(MOMENTS + ['interval']), depth)})"])()

    def make_bool(self, depth):
        m = self.make
        kind = self.one(TYPES)
        other = self.one(NUMBERS) if kind in NUMBERS else self.one(MOMENTS) if kind in MOMENTS else kind
        comparison = self.one(["=", "<>", "<", "<=", ">", ">="])
        return self.one([
            lambda: f"({m(kind, depth)} {comparison} {m(other, depth)})",
            lambda: f"({m(kind, depth)} {comparison} {m(other, depth)})",
            lambda: f"({m('bool', depth)} {self.one(['AND', 'OR'])} {m('bool', depth)})",
            lambda: f"(NOT {m('bool', depth)})", lambda: f"({m(kind, depth)} IS {self.one(['', 'NOT '])}NULL)",
            lambda: f"({m('bool', depth)} IS {self.one(['', 'NOT '])}{self.one(['TRUE', 'FALSE', 'UNKNOWN'])})",
            lambda: f"({m(kind, depth)} IS {self.one(['', 'NOT '])}DISTINCT FROM {m(kind, depth)})",
            lambda: f"({m(kind, depth)} BETWEEN {m(kind, 0)} AND {m(kind, 0)})",
            lambda: f"({m(kind, depth)} IN ({m(kind, 0)}, {m(kind, 0)}))",
            lambda: f"({m('text', depth)} LIKE '{self.one(['%', 'a%', '%l%', '_e%', 'abc'])}')",
            lambda: f"({m('int4', depth)})::boolean", lambda: f"starts_with({m('text', depth)}, {m('text', 0)})"])()

    def make_text(self, depth):
        m = self.make
        kind = self.one(TYPES)
        digits = str(self.random.randint(-3, 8))
        if kind == "numeric":
            depth = 0  # how many zeros it shows is a matter of its scale
        return self.one([
            lambda: f"({m('text', depth)} || {m('text', depth)})", lambda: f"({m('text', depth)} || {m(kind, depth)})",
            lambda: f"({m(kind, depth)})::text", lambda: f"concat({m(kind, depth)}, {m('bool', depth)})",
            lambda: f"concat_ws('-', {m(kind, depth)}, {m(kind, 0)})",
            lambda: f"{self.one(['lower', 'upper', 'initcap', 'btrim', 'ltrim', 'rtrim', 'reverse'])}({m('text', depth)})",
            lambda: f"substr({m('text', depth)}, {digits})", lambda: f"left({m('text', depth)}, {digits})",
            lambda: f"right({m('text', depth)}, {digits})", lambda: f"replace({m('text', depth)}, 'a', {m('text', 0)})",
            lambda: f"lpad({m('text', depth)}, {digits}, 'xy')", lambda: f"repeat({m('text', depth)}, {digits})",
            lambda: f"split_part({m('text', depth)}, ',', {digits})", lambda: f"({m('text', depth)})::varchar(3)",
            lambda: f"to_char({m(self.one(['timestamp', 'timestamptz']), depth)}, 'YYYY-MM-DD HH24:MI:SS.US')",
            lambda: f"to_hex({m('int4', depth)})"])()

    def make_date(self, depth):
        m = self.make
        r = self.random
        return self.one([
            lambda: f"({m('date', depth)} {self.one('+-')} {m('int4', depth)})",
            lambda: f"({m('int4', depth)} + {m('date', depth)})",
            lambda: f"({m(self.one(['timestamp', 'timestamptz']), depth)})::date", lambda: f"({m('text', 0)})::date",
            lambda: f"make_date({r.randint(-4714, 3000)}, {r.randint(0, 13)}, {r.randint(1, 31)})",
            lambda: self.one(["to_date('2024-05-06', 'YYYY-MM-DD')", "to_date('20240506', 'YYYYMMDD')",
                              "to_date('2024056', 'YYYYMMDD')", "to_date('1-2-3', 'YYYY-MM-DD')",
                              "to_date('2024-13-01', 'YYYY-MM-DD')"])])()

    def moment(self, kind, depth):
        m = self.make
        unit = self.one(FIELDS[:13] + UNITS)
        return self.one([
            lambda: f"({m(kind, depth)} {self.one('+-')} {m('interval', depth)})",
            lambda: f"({m(kind, depth)} {self.one('+-')} {m('interval', depth)})",
            lambda: f"({m('interval', depth)} + {m(kind, depth)})",
            lambda: f"date_trunc('{unit}', {m(kind, depth)})",
            lambda: f"date_bin({m('interval', depth)}, {m(kind, depth)}, {m(kind, 0)})",
            lambda: f"({m(self.one(MOMENTS), depth)})::{kind}", lambda: f"({m('text', 0)})::{kind}"])()

    def make_timestamp(self, depth):
        m = self.make
        r = self.random
        return self.one([
            lambda: self.moment("timestamp", depth), lambda: self.moment("timestamp", depth),
            lambda: f"({m('date', depth)} {self.one('+-')} {m('interval', depth)})",
            lambda: f"({m('timestamptz', depth)} AT TIME ZONE 'UTC')",
            lambda: f"make_timestamp({r.randint(-10, 3000)}, {r.randint(1, 13)}, {r.randint(1, 29)}, {r.randint(0, 24)}, "
                    f"{r.randint(0, 60)}, {self.one(['0', '59.9999999', '60', '1.5', '-1'])})"])()

    def make_timestamptz(self, depth):
        m = self.make
        text, form = self.one([("19971", "YYYYMMDD"), ("1997-12-01 05", "YYYY-MM-DD HH24"),
                               ("20240131", "YYYYMMDD"), ("2024 Jan 3", "YYYY Mon DD"), ("2024-02-30", "YYYY-MM-DD"),
                               ("199712", "YYYYMM"), ("2024010203", "YYYYMMDDHH24"), ("202401", "YYYYMMDD")])
        return self.one([
            lambda: self.moment("timestamptz", depth), lambda: self.moment("timestamptz", depth),
            lambda: f"date_trunc('{self.one(FIELDS[:13])}', {m('date', depth)})",
            lambda: f"({m('timestamp', depth)} AT TIME ZONE 'UTC')", lambda: f"to_timestamp({m(self.one(INTEGERS), depth)})",
            lambda: f"to_timestamp('{text}', '{form}')"])()

    def make_interval(self, depth):
        m = self.make
        kind = self.one(["timestamp", "timestamptz"])
        return self.one([
            lambda: f"({m('interval', depth)} {self.one('+-')} {m('interval', depth)})",
            lambda: f"({m('interval', depth)} {self.one('*/')} {m(self.one(NUMBERS), 0)})",
            lambda: f"({m(self.one(NUMBERS), 0)} * {m('interval', depth)})",
            lambda: f"({m('interval', depth)} * {self.one(['1000.5002', '0.5', '-3', '1e10', '1.0000001', '0.1'])})",
            lambda: f"({m(kind, depth)} - {m(kind, depth)})", lambda: f"(- {m('interval', depth)})",
            lambda: f"age({m(kind, depth)}, {m(kind, depth)})",
            lambda: f"{self.one(['justify_days', 'justify_hours', 'justify_interval'])}({m('interval', depth)})",
            lambda: f"({m('interval', depth)})::interval{self.one(QUALIFIERS)}", lambda: self.interval(),
            lambda: self.interval()])()
