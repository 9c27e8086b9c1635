#!/usr/bin/env python3
"""What is read is what is written: each pair of formats, each type, each edge of its range.

usage: table_test.py TROUPE [PART-OF-A-NAME]
A column of values goes through a job, from a file that pyarrow wrote to one that it reads. Either all
values are the same, or the job is refused and says which column of which file it was. `REFUSED` is all
that is refused; what is in it and passes, or passes with another value, is a failure. CSV and JSON are
read by Python alone, and what DuckDB reads as well, it must find the same in both files."""
import concurrent.futures
import functools
import json
import os
import re
import sys

from support import Failure, Tests, check, need

try:
    import duckdb
    import pyarrow as pa
except ImportError:
    PYTHON = need("TROUPE_TOOL_PYTHON", "a Python that has DuckDB and pyarrow")
    os.execv(PYTHON, [PYTHON, *sys.argv])

import decimal

import pyarrow.csv
import pyarrow.ipc
import pyarrow.parquet

from table_values import columns, plain, read_text, values_of

test = Tests()
COLUMNS = columns()
ENDS = {"csv": "csv", "jsonl": "jsonl", "ipc": "arrow", "parquet": "parquet"}
TOGETHER = 2  # jobs at a time

# Values that a format cannot hold: seconds that no milliseconds do.
ODD = {"csv": "-", "jsonl": "-", "parquet": r"moment_s(_.*)?_end", "ipc": "-"}


def inside(t, holds):
    """Whether that is true of a type, or of one in it."""
    return holds(t) or any(inside(t.field(i).type, holds) for i in range(t.num_fields))


def unheld(sink, t):
    """Whether a format has no such values, or no type of ours has."""
    types = pa.types
    if inside(t, types.is_list_view):
        return True
    if sink == "csv":
        bytes_ = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
        if t.num_fields or types.is_struct(t) or isinstance(t, pa.UuidType) or any(one(t) for one in bytes_):
            return True
        if types.is_dictionary(t):
            return unheld(sink, t.value_type)
    if sink == "parquet" and inside(t, lambda one: types.is_struct(one) and not one.num_fields or
                                    types.is_decimal(one) and one.scale < 0):
        return True
    return sink != "ipc" and inside(t, lambda one: types.is_interval(one) or
                                    sink != "parquet" and types.is_duration(one))


def refused(source, sink, name, t):
    """All that is: by its type, or by its values, which are checked when they are read."""
    odd_day = pa.types.is_date64(t) and name in ("date64_odd", "date64_beyond")
    odd_time = name.startswith("time_") and name.endswith("_beyond")
    return unheld(sink, t) or odd_day or odd_time or bool(re.fullmatch(ODD[sink], name))


def write_ipc(where, table):
    with pa.ipc.new_file(where, table.schema) as writer:
        writer.write_table(table)


def write_parquet(where, table):
    pa.parquet.write_table(table, where)


def write_bare_parquet(where, table):
    """As others do: without Arrow's schema, in other pages, without dictionaries."""
    pa.parquet.write_table(table, where, store_schema=False, data_page_version="2.0", use_dictionary=False)


SOURCES = {"ipc": ("ipc", write_ipc), "parquet": ("parquet", write_parquet),
           "bare": ("parquet", write_bare_parquet)}


def write(source, path, table):
    with pa.OSFile(str(path), "wb") as file:
        SOURCES[source][1](file, table)


@functools.cache
def inputs(source):
    """The columns that pyarrow can write so, as it reads them from there."""
    found = {}
    for name, array in COLUMNS.items():
        bytes_ = pa.BufferOutputStream()
        try:
            SOURCES[source][1](bytes_, pa.table({name: array}))
        except (pa.ArrowException, OSError):
            continue
        back = pa.BufferReader(bytes_.getvalue())
        found[name] = (pa.ipc.open_file(back).read_all() if source == "ipc" else pa.parquet.ParquetFile(back).read())[name]
    return found


def read(path):
    """The columns of a file of ours: arrays, or lists of what Python found in a text."""
    if path.suffix == ".arrow":
        table = pa.ipc.open_file(str(path)).read_all()
        return {name: table[name] for name in table.column_names}
    if path.suffix == ".parquet":
        table = pa.parquet.ParquetFile(path).read()
        return {name: table[name] for name in table.column_names}
    if path.suffix == ".csv":
        names = pa.csv.open_csv(path, parse_options=pa.csv.ParseOptions(newlines_in_values=True)).schema.names
        table = pa.csv.read_csv(
            path, parse_options=pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in names}, null_values=[""], strings_can_be_null=True,
                quoted_strings_can_be_null=False))
        return {name: table[name].to_pylist() for name in names}
    lines = path.read_bytes().decode().split("\n")
    rows = [json.loads(line, parse_float=decimal.Decimal) for line in lines[:-1]]
    check(lines[-1] == "", "the last line has no end")
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else {})}


def same(got, want, sink):
    """Nothing, or how a column that was written differs."""
    if len(want) == 0:
        return f"{len(got)} rows, not 0" if len(got) else ""
    expected = values_of(want)
    try:
        found = [read_text(one, want.type) for one in got] if sink in ("csv", "jsonl") else values_of(got)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as wrong:
        return f"cannot be read: {wrong}"
    if found == expected:
        return ""
    if len(found) != len(expected):
        return f"{len(found)} rows, not {len(expected)}"
    at = next(i for i in range(len(found)) if found[i] != expected[i])
    return f"row {at + 1} is {found[at]!r}, not {expected[at]!r}"


class Pair:
    """Jobs from files of one kind into those of another."""

    def __init__(self, site, source, sink, types=None):
        self.site, self.source, self.sink, self.types = site, source, sink, types
        self.folder = site.path / f"{source}-{sink}"
        self.folder.mkdir(exist_ok=True)

    def run(self, path, format, name):
        """(what the call answered, the file that it wrote)"""
        out = self.folder / f"{name}.{ENDS[self.sink]}"
        job = {"apiVersion": "troupe/v1", "kind": "Job", "metadata": {"name": "table"}, "restart": {"attempts": 0},
               "dataflow": {"in": {"op": f"read.{format}", "with": {"path": str(path)}},
                            "out": {"op": f"write.{self.sink}", "from": "in", "with": {"path": str(out)}}}}
        if self.types:
            job["dataflow"]["in"]["with"]["types"] = self.types
        descriptor = self.folder / f"{name}.yaml"
        descriptor.write_text(json.dumps(job))
        return self.site.call("run", descriptor, "-q"), out


def whole(pair, table):
    """All columns that pass, in one job; the differences."""
    path = pair.folder / f"in.{ENDS[SOURCES[pair.source][0]]}"
    write(pair.source, path, table)
    done, out = pair.run(path, SOURCES[pair.source][0], "out")
    label = f"{pair.source} -> {pair.sink}"
    if done.code != 0:
        return [f"{label}: refused: {done.err.strip()}"], path, out
    want, found = read(path), read(out)
    rows = table.num_rows or pair.sink != "jsonl"
    wrong = [f"{label}: columns {list(found)}"] if rows and list(found) != list(want) else []
    for name in set(want) & set(found):
        if differs := same(found[name], plain(want[name]), pair.sink):
            wrong.append(f"{label}: {name}: {differs}")
    return wrong, path, out


def alone(pair, name, array):
    """A column that must be refused, by its name; what is wrong with that."""
    path = pair.folder / f"{name}.in.{ENDS[SOURCES[pair.source][0]]}"
    write(pair.source, path, pa.table({name: array}))
    done, out = pair.run(path, SOURCES[pair.source][0], name)
    label = f"{pair.source} -> {pair.sink}: {name}"
    if done.code == 0:
        differs = same(read(out)[name], plain(array), pair.sink)
        return [f"{label}: passes" + (f" with another value: {differs}" if differs else ", as it should not")]
    said = done.err + done.out
    # The one refusal that has no place: the library's, of seconds that it cannot write.
    placed = f"'{name}'" in said or "Integer overflow when casting timestamp" in said
    if done.code in (70, 101) or done.code < 0 or not placed:
        return [f"{label}: ends with {done.code} and does not name the column: {said.strip()}"]
    return []


def passing(source, sink):
    return {name: array for name, array in inputs(source).items() if not refused(source, sink, name, array.type)}


def told(wrong):
    if wrong:
        raise Failure("\n".join(sorted(wrong)))


def go_through(site, source):
    wrong = []
    check(len(inputs(source)) > 110, f"only {len(inputs(source))} columns")
    with concurrent.futures.ThreadPoolExecutor(TOGETHER) as pool:
        waiting = []
        for sink in ENDS:
            pair, good = Pair(site, source, sink), passing(source, sink)
            waiting.append(pool.submit(lambda pair=pair, good=good: whole(pair, pa.table(good))[0]))
            waiting += [pool.submit(alone, pair, name, array) for name, array in inputs(source).items()
                        if name not in good]
        for one in waiting:
            wrong += one.result()
    told(wrong)


@test
def ipc_into_each_format(site):
    """Every type of Arrow, in an IPC file, is the same in each format or refused by its column."""
    go_through(site, "ipc")


@test
def parquet_into_each_format(site):
    """Every type that pyarrow writes to Parquet, with Arrow's schema beside it."""
    go_through(site, "parquet")


@test
def bare_parquet_into_each_format(site):
    """The same without Arrow's schema, where a type is only what Parquet says."""
    go_through(site, "bare")


# What SQL calls the types that it has: a text has no type, so who reads it says one.
SQL = {"bool": "boolean", "int8": "smallint", "int16": "smallint", "int32": "integer", "int64": "bigint",
       "uint8": "smallint", "uint16": "integer", "uint32": "bigint", "float": "real", "double": "double precision",
       "string": "text", "date32[day]": "date", "timestamp[us]": "timestamp"}


def sql_type(t):
    if pa.types.is_timestamp(t) and t.tz and t.unit == "us":
        return "timestamptz"
    if pa.types.is_decimal128(t) and t.scale >= 0:
        return f"numeric({t.precision},{t.scale})"
    return SQL.get(str(t))


# JSON has no NaN and no infinities: they are texts, and a column of both is refused when it is read.
NOT_FINITE = {"half", "float", "double", "list_double"}


def rounded(t):
    """Whether readers of JSON, ours too, make doubles of such numbers unless their type is declared."""
    return pa.types.is_decimal(t) and t.precision > 15 and (t.scale > 0 or t.precision > 38)


def again(site, format):
    """Our file of texts, read with the types of what it was written from, into each format."""
    good = {name: array for name, array in passing("ipc", format).items()
            if sql_type(array.type) and "_far" not in name and "_end" not in name
            and (format == "csv" or name not in NOT_FINITE)}
    wrong, _, path = whole(Pair(site, "ipc", format), pa.table(good))
    told(wrong)
    for sink in ENDS:
        pair = Pair(site, format, sink, {name: sql_type(array.type) for name, array in good.items()})
        done, out = pair.run(path, format, "again")
        done.expect(0)
        found = read(out)
        for name, array in good.items():
            if differs := same(found[name], plain(array), sink):
                wrong.append(f"{format} -> {sink}: {name}: {differs}")
    told(wrong)


@test
def csv_that_we_wrote_into_each_format(site):
    """With their types declared, columns come back out of CSV as they were."""
    again(site, "csv")


@test
def json_that_we_wrote_into_each_format(site):
    """With their types declared, columns come back out of JSON as they were."""
    again(site, "jsonl")


# Run by hand, not by ./test: a number of more digits than a double has is refused where its type is not
# declared, so the row as a whole is; the columns have to be tried one by one.
def json_is_the_same_json(site):
    """Without a declared type: texts, numbers, lists and objects are what they were; only a column that is
    all times may be spelled otherwise."""
    good = {name: array for name, array in passing("ipc", "jsonl").items()
            if name not in NOT_FINITE and not inside(array.type, rounded)}
    wrong, _, path = whole(Pair(site, "ipc", "jsonl"), pa.table(good))
    told(wrong)
    pair = Pair(site, "jsonl", "jsonl")
    done, out = pair.run(path, "jsonl", "again")
    done.expect(0)
    before, after = read(path), read(out)
    for name, array in good.items():
        if before[name] != after[name] and (differs := same(after[name], plain(array), "jsonl")):
            wrong.append(f"{name}: {differs}")
    told(wrong)


# Run by hand, not by ./test: DuckDB reads fewer of the columns than is asked for here.
def duckdb_finds_the_same(site):
    """What DuckDB makes of an input, it makes of the Parquet and the CSV that we wrote from it, too."""
    con = duckdb.connect()
    wrong, seen = [], 0
    for sink, reading in [("parquet", "read_parquet('{}')"), ("csv", "read_csv('{}', all_varchar=true, header=true)")]:
        good = passing("parquet", sink)
        differ, path, out = whole(Pair(site, "parquet", sink), pa.table(good))
        told(differ)
        for name in good:
            column = '"' + name + '"'
            try:
                kind = con.execute(f"SELECT typeof({column}) FROM read_parquet('{path}') LIMIT 1").fetchone()[0]
                want = con.execute(f"SELECT {column}::VARCHAR FROM read_parquet('{path}')").fetchall()
            except duckdb.Error:
                continue
            seen += 1
            try:
                got = con.execute(f"SELECT {column}::{kind}::VARCHAR FROM {reading.format(out)}").fetchall()
            except duckdb.Error as error:
                wrong.append(f"{sink}: {name}: {error}")
                continue
            if got != want:
                at = next(i for i in range(len(want)) if got[i] != want[i])
                wrong.append(f"{sink}: {name} of type {kind}: row {at + 1} is {got[at]}, not {want[at]}")
    check(seen > 100, f"DuckDB read only {seen} columns")
    told(wrong)


@test
def tables_without_rows(site):
    """Every type keeps its name and kind where there is no value at all."""
    wrong = []
    for source in SOURCES:
        for sink in ENDS:
            wrong += whole(Pair(site, source, sink), pa.table(passing(source, sink)).slice(0, 0))[0]
    told(wrong)


if __name__ == "__main__":
    test.main()
