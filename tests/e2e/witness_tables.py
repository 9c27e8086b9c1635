"""Random tables in files of several formats, with nulls, duplicates and skew."""
KEY_TYPES = ("bigint", "integer", "smallint", "double", "decimal", "text", "date", "timestamp",
             "timestamptz")
SQL_TYPE = {"bigint": "bigint", "integer": "integer", "smallint": "smallint",
            "double": "double precision", "approximate": "double precision",
            "decimal": "numeric(12,2)", "text": "text", "boolean": "boolean", "date": "date",
            "timestamp": "timestamp", "timestamptz": "timestamptz"}
WORDS = ("", "a", "A", "aa", "b c", "Zebra", "grün", "Ärger", "x,y", 'say "hi"', "two\nlines",
         " pad ", "0", "NULL", "%_", "日本")
NAMES = ("amount", "shop", "Item", "a b", "x.y", "select", "größe", "n", 'q"t', "_v")
ROWS = {"small": (0, 1, 2, 7, 40, 300), "large": (3000, 40000, 120000)}
PADDING = 40  # characters that make rows large enough to need the disk


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


class Column:
    def __init__(self, name, kind):
        self.name = name
        self.kind = kind
        self.sql = quoted(name)


class Table:
    """One or more files of one format, made by DuckDB."""

    def __init__(self, con, folder, number, size, dice):
        self.rows = dice.choice(ROWS[size])
        self.format = "parquet" if self.rows > 100_000 else dice.choice(
            ("parquet", "parquet", "csv", "jsonl"))
        self.domain = dice.choice((1000, 100000)) if size == "large" else dice.choice((2, 6, 50))
        names = dice.sample(NAMES, dice.randint(2, 6))
        kinds = [dice.choice(KEY_TYPES[:2])]
        kinds += [dice.choice((*KEY_TYPES, "boolean")) for _ in names[1:]]
        self.columns = [Column(*pair) for pair in zip(names, kinds)]
        self.path = folder / f"t{number}"
        self.path.mkdir(parents=True)
        self.write(con, dice)

    def write(self, con, dice):
        values = [f"{self.values(column.kind, dice)} AS {column.sql}" for column in self.columns]
        con.execute(f"CREATE OR REPLACE TEMP TABLE made AS SELECT {', '.join(values)} "
                    f"FROM range({self.rows}) r(i)")
        parts = dice.choice((1, 1, 3))
        compression = dice.choice({"parquet": ("zstd", "snappy", "gzip", "uncompressed")}.get(
            self.format, ("none", "gzip")))
        ending = {"csv": "csv", "jsonl": "jsonl"}.get(self.format, "parquet")
        ending += ".gz" if compression == "gzip" and self.format != "parquet" else ""
        options = {"csv": "FORMAT csv, HEADER", "jsonl": "FORMAT json"}.get(
            self.format, f"FORMAT parquet, ROW_GROUP_SIZE {dice.choice((2048, 100000))}")
        for part in range(parts):
            con.execute(f"COPY (SELECT * FROM made WHERE rowid % {parts} = {part}) TO "
                        f"'{self.path}/{part}.{ending}' ({options}, COMPRESSION {compression})")
        con.execute(f"CREATE TABLE {self.path.name} AS FROM made")

    def values(self, kind, dice):
        """An expression over `i`: nulls, duplicates, skew, and what is special of a type."""
        salt = dice.randint(0, 1 << 30)
        nulls = dice.choice((0, 0, 5, 40))
        skew = dice.choice((0, 0, 60))
        h = (f"CASE WHEN hash(i, {salt + 1}) % 100 < {skew} THEN 0 "
             f"ELSE (hash(i, {salt}) % {self.domain})::bigint END")
        half = self.domain // 2
        made = {
            "bigint": f"({h}) - {half}", "integer": f"(({h}) - {half})::integer",
            "smallint": f"(({h}) % 1000 - {min(half, 500)})::smallint",
            "double": f"CASE hash(i, {salt + 2}) % 30 WHEN 0 THEN 'nan' WHEN 1 THEN 'inf' "
                      f"WHEN 2 THEN '-inf' WHEN 3 THEN '-0' ELSE (({h}) - {half}) / 4 END::double",
            "decimal": f"((({h}) - {half}) * 0.25)::decimal(12,2)",
            "text": f"([{', '.join(map(literal, WORDS))}])[1 + ({h}) % {len(WORDS)}]"
                    + (f" || ({h}) || repeat('-', {PADDING})" if self.domain > 100 else ""),
            "boolean": f"({h}) % 2 = 0",
            "date": f"DATE '1969-12-20' + (({h}) % 3000)::integer",
            "timestamp": f"TIMESTAMP '1969-12-31 22:00:00.5' + to_minutes(({h}) * 7)",
            "timestamptz": f"TIMESTAMPTZ '1969-12-31 22:00:00.25+00' + to_minutes(({h}) * 7)",
        }[kind]
        return f"CASE WHEN hash(i, {salt + 3}) % 100 < {nulls} THEN NULL ELSE {made} END"

    def reader(self):
        given = {"path": str(self.path)}
        if self.format != "parquet":
            given["columns"] = [column.name for column in self.columns]
            given["types"] = {column.name: SQL_TYPE[column.kind] for column in self.columns}
        return {"op": f"read.{self.format}", "with": given}


class Tables:
    def __init__(self, con, folder, size, dice):
        self.all = [Table(con, folder, number, size, dice) for number in range(5)]
