"""Random dataflows, each with the SQL that means the same.

Only what both sides define alike is made: sums of doubles that are exact in any order, orders that
tell all rows apart, and of a limit without order only how many rows pass."""
import json
import random

from witness_expressions import Expressions
from witness_tables import KEY_TYPES, SQL_TYPE, Column, literal, quoted

TOGETHER = 8  # seeds of a round, one run: starting a process takes longer than most of them
STEPS = ("filter", "filter", "select", "select", "join", "join", "join", "aggregate", "aggregate",
         "distinct", "union", "top", "counted")


class Node:
    """An operator: its descriptor, its columns, and SQL over the operators it reads."""

    def __init__(self, id, op, columns, sql, rows):
        self.id = id
        self.op = op
        self.columns = columns
        self.sql = sql
        self.rows = rows  # at most, so that joins do not explode
        self.readers = 0

    def of(self, *kinds):
        return [column for column in self.columns if column.kind in kinds]


def selected(kept, made):
    return [column.sql for column in kept] + [f"{text} AS {column.sql}" for column, text in made]


class Sink:
    def __init__(self, id, number, node, format, ordered):
        self.id = id
        self.node = node
        self.format = format
        self.ordered = ordered
        self.place = f"{number}.{format}s"  # of a later dataflow, too

    def read_back(self, folder):
        path = f"'{folder}/*.{self.format}'"
        if self.format == "parquet":
            return f"SELECT * FROM read_parquet({path})"
        types = ", ".join(f"{literal(column.name)}: {literal(SQL_TYPE[column.kind])}"
                          for column in self.node.columns)
        if self.format == "csv":
            return (f"SELECT * FROM read_csv({path}, header = true, delim = ',', quote = '\"', "
                    f"escape = '\"', allow_quoted_nulls = false, columns = {{{types}}})")
        return (f"SELECT * FROM read_json({path}, format = 'newline_delimited', "
                f"columns = {{{types}}})")


class Flow:
    """A random dataflow: at first some sources, then operators over what there is, then sinks."""

    def __init__(self, seed, con, tables):
        self.seed = seed
        self.con = con
        self.dice = random.Random(seed)
        self.tables = tables.all
        self.nodes = []
        self.sinks = []
        self.place = seed % TOGETHER  # among the outputs: dataflows write where others wrote before
        for _ in range(self.dice.randint(1, 3)):
            self.source()
        for _ in range(self.dice.randint(2, 7)):
            self.step(self.dice.choice(self.exact()[-3:]))
        for node in self.exact():
            if node.readers == 0 or self.dice.random() < 0.1:
                self.sink(node)

    def add(self, op, columns, sql, rows, inputs=()):
        for node in inputs:
            node.readers += 1
        if inputs:
            op = {**op, "from": inputs[0].id if len(inputs) == 1 else [node.id for node in inputs]}
        node = Node(f"s{self.seed}-{len(self.nodes)}", op, columns, sql, rows)
        self.nodes.append(node)
        return node

    def source(self):
        table = self.dice.choice(self.tables)
        self.add(table.reader(), table.columns, f"SELECT * FROM {table.path.name}", table.rows)

    def step(self, node):
        getattr(self, self.dice.choice(STEPS))(node)

    def exact(self):
        """All but those whose rows are any so many."""
        return [node for node in self.nodes if node.op["op"] != "limit"]

    def reads(self, node):
        return f'FROM {quoted(node.id)}'

    def filter(self, node):
        where = Expressions(self.dice, node.columns).of("boolean", 3)
        self.add({"op": "filter", "with": {"where": where}}, node.columns,
                 f"SELECT * {self.reads(node)} WHERE {where}", node.rows, [node])

    def select(self, node):
        make = Expressions(self.dice, node.columns)
        keep = self.dice.sample(node.columns, self.dice.randint(0, len(node.columns)))
        made = []
        for name in self.dice.sample(("m1", "M 2", "m.3"), self.dice.randint(1, 3)):
            kind = self.dice.choice((*KEY_TYPES, "boolean"))
            if name not in [column.name for column in keep]:
                made.append((Column(name, kind), make.of(kind, 3)))
        # A constant is of a type as narrow as can be: here both sides have the one that is said.
        made = [(column, f"cast({text} as {SQL_TYPE[column.kind]})") for column, text in made]
        parts = selected(keep, made)
        if not parts:
            return
        op = {"columns": {column.name: text for column, text in made}}
        if keep:
            op["keep"] = [column.name for column in keep]
        if not made:
            op.pop("columns")
        self.add({"op": "select", "with": op}, keep + [column for column, _ in made],
                 f"SELECT {', '.join(parts)} {self.reads(node)}", node.rows, [node])

    def join(self, left):
        others = [node for node in self.exact() if node is not left]
        if not others:
            return self.filter(left)
        right = self.dice.choice(others)
        pairs = [(one, other) for one in left.columns for other in right.columns
                 if one.kind == other.kind and one.kind in KEY_TYPES]
        if not pairs:
            return self.distinct(left)
        keys = self.dice.sample(pairs, min(len(pairs), self.dice.choice((1, 1, 2))))
        if len({one.name for one, _ in keys}) < len(keys):
            keys = keys[:1]
        kind = self.dice.choice(("inner", "left", "right", "full", "semi", "anti"))
        if kind not in ("semi", "anti") and left.rows * right.rows > 100_000 and min(
                left.rows, right.rows) > 50:
            kind = self.dice.choice(("semi", "anti"))
        using = all(one.name == other.name for one, other in keys) and self.dice.random() < 0.8
        self.joined(left, right, keys, kind, using)

    def joined(self, left, right, keys, kind, using):
        given = {"type": kind, "strategy": self.dice.choice(("auto", "hash", "broadcast"))}
        if given["strategy"] == "broadcast" and kind in ("right", "full"):
            given["strategy"] = "auto"
        if using:
            given["using"] = [one.name for one, _ in keys]
        else:
            given["keys"] = {one.name: other.sql for one, other in keys}
        on = " AND ".join(f"l.{one.sql} = r.{other.sql}" for one, other in keys)
        tables = f"FROM {quoted(left.id)} l"
        if kind in ("semi", "anti"):
            sql = (f"SELECT * {tables} WHERE {'NOT ' if kind == 'anti' else ''}EXISTS "
                   f"(SELECT 1 FROM {quoted(right.id)} r WHERE {on})")
            self.add({"op": "join", "with": given}, left.columns, sql, left.rows, [left, right])
            return
        names = {column.name for column in left.columns}
        keyed = {one.name for one, _ in keys} if using else set()
        columns, parts = list(left.columns), []
        for column in left.columns:
            text = f"l.{column.sql}"
            parts.append(f"coalesce(l.{column.sql}, r.{column.sql}) AS {column.sql}"
                         if column.name in keyed else text)
        suffix = f"_{len(self.nodes)}"
        for column in right.columns:
            if column.name in keyed:
                continue
            name = column.name + suffix if column.name in names else column.name
            renamed = Column(name, column.kind)
            columns.append(renamed)
            parts.append(f"r.{column.sql} AS {renamed.sql}")
        if len(columns) > 12 or len({column.name for column in columns}) < len(columns):
            return self.joined(left, right, keys, "semi", using)
        if any(column.name in names for column in right.columns if column.name not in keyed):
            given["suffix"] = suffix
        sql = f"SELECT {', '.join(parts)} {tables} {kind} JOIN {quoted(right.id)} r ON {on}"
        self.add({"op": "join", "with": given}, columns, sql, left.rows * max(1, right.rows),
                 [left, right])

    def aggregate(self, node):
        make = Expressions(self.dice, node.columns)
        able = node.of(*KEY_TYPES, "boolean")
        keys = self.dice.sample(able, min(self.dice.choice((0, 1, 1, 2)), len(able)))
        aggregates = [("bigint", "count(*)")]
        for column in node.columns:
            aggregates += [("bigint", f"count({column.sql})"),
                           ("bigint", f"count(DISTINCT {column.sql})")]
            if column.kind in KEY_TYPES:
                aggregates += [(column.kind, f"min({column.sql})"),
                               (column.kind, f"max({column.sql})")]
        for column in node.of("bigint", "integer", "smallint", "decimal"):
            aggregates += [("bigint", f"cast(sum({column.sql}) as bigint)"),
                           ("approximate", f"avg(cast({column.sql} as double precision))"),
                           ("approximate", f"stddev(cast({column.sql} as double precision))")]
        for column in node.of("double"):
            aggregates += [("double", f"sum({column.sql})"), ("approximate", f"avg({column.sql})")]
        chosen = self.dice.sample(aggregates, min(len(aggregates), self.dice.randint(1, 4)))
        made = []
        for number, (kind, text) in enumerate(chosen):
            if text[-1] == ")" and not text.startswith("cast") and self.dice.random() < 0.25:
                text += f" FILTER (WHERE {make.of('boolean', 1)})"
            made.append((Column(f"g{len(self.nodes)}_{number}", kind), text))
        given = {"select": {column.name: text for column, text in made}}
        if keys:
            given["group_by"] = [column.name for column in keys]
        parts = selected(keys, made)
        sql = f"SELECT {', '.join(parts)} {self.reads(node)}"
        sql += " GROUP BY " + ", ".join(column.sql for column in keys) if keys else ""
        self.add({"op": "aggregate", "with": given}, keys + [column for column, _ in made], sql,
                 node.rows if keys else 1, [node])

    def distinct(self, node):
        columns = [column for column in node.columns if column.kind != "approximate"]
        if not columns:
            return
        columns = self.dice.sample(columns, self.dice.randint(1, len(columns)))
        given = {"columns": [column.name for column in columns]}
        listed = ", ".join(column.sql for column in columns)
        self.add({"op": "distinct", "with": given}, columns,
                 f"SELECT DISTINCT {listed} {self.reads(node)}", node.rows, [node])

    def union(self, node):
        self.filter(node)
        other = self.nodes[-1]
        self.add({"op": "union"}, node.columns, f"SELECT * {self.reads(node)} UNION ALL BY NAME "
                 f"SELECT * {self.reads(other)}", node.rows * 2, [node, other])

    def order(self, node):
        """Terms that tell all rows apart that differ; None where a column has no exact order."""
        if any(column.kind == "approximate" for column in node.columns):
            return None, None
        terms, sql = [], []
        for column in self.dice.sample(node.columns, len(node.columns)):
            way = self.dice.choice(("", " desc"))
            nulls = self.dice.choice(("", " nulls first", " nulls last"))
            terms.append(column.sql + way + nulls)
            default = " nulls first" if way else " nulls last"
            sql.append(column.sql + way + (nulls or default))
        return terms, ", ".join(sql)

    def top(self, node):
        terms, sql = self.order(node)
        if not terms:
            return
        count = self.dice.choice((1, 3, 20, 5000))
        self.add({"op": "sort", "with": {"by": terms, "limit": count}}, node.columns,
                 f"SELECT * {self.reads(node)} ORDER BY {sql} LIMIT {count}", min(count, node.rows),
                 [node])

    def counted(self, node):
        """Which rows pass a limit is not defined, but how many."""
        count, offset = self.dice.choice((0, 1, 10, 1000)), self.dice.choice((0, 0, 3))
        self.add({"op": "limit", "with": {"rows": count, "offset": offset}}, node.columns,
                 f"SELECT * {self.reads(node)} LIMIT {count} OFFSET {offset}", count, [node])
        limited = self.nodes[-1]
        self.add({"op": "aggregate", "with": {"select": {"rows": "count(*)"}}},
                 [Column("rows", "bigint")], f'SELECT count(*) AS "rows" {self.reads(limited)}', 1,
                 [limited])

    def sink(self, node):
        ordered = False
        terms, sql = self.order(node)
        if terms and self.dice.random() < 0.4:
            sorted_sql = f"SELECT * {self.reads(node)} ORDER BY {sql}"
            node = self.add({"op": "sort", "with": {"by": terms}}, node.columns, sorted_sql,
                            node.rows, [node])
            ordered = True
            if self.dice.random() < 0.4:
                count, offset = self.dice.choice((0, 5, 100)), self.dice.choice((0, 2, 50))
                node = self.add({"op": "limit", "with": {"rows": count, "offset": offset}},
                                node.columns, f"{sorted_sql} LIMIT {count} OFFSET {offset}", count,
                                [node])
        node.readers += 1
        format = self.dice.choice(("parquet", "parquet", "parquet", "csv", "jsonl"))
        self.sinks.append(Sink(f"s{self.seed}-out-{len(self.sinks)}", len(self.sinks), node, format, ordered))

    def yaml(self):
        lines = [(node.id, node.op) for node in self.nodes]
        lines += [(sink.id, {"op": f"write.{sink.format}", "from": sink.node.id,
                             "with": {"path": f"out/{self.place}-{sink.place}"}}) for sink in self.sinks]
        return "".join(f"  {id}: {json.dumps(op, ensure_ascii=False)}\n" for id, op in lines)

    def sql(self, sink):
        """All nodes up to the sink's, as they were made: each reads only those before it."""
        end = self.nodes.index(sink.node)
        with_all = ",\n".join(f"{quoted(node.id)} AS MATERIALIZED ({node.sql})"
                              for node in self.nodes[:end])
        return (f"WITH {with_all}\n" if with_all else "") + sink.node.sql
