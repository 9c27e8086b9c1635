"""Compares what two engines wrote: integers, decimals, texts and times exactly, doubles to 1e-9 (and
beside a decimal to half of its last digit).

usage: answers.py CASE OURS THEIRS; prints what differs, and exits with 1 where something does. A
process of its own: what a process holds when it starts another one counts as the other's peak."""
import pathlib
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

# case -> output -> its key; none: all rows, in this order.
OUTPUTS = {
    "flights": {"delays": ("carrier", "name", "hour"), "top-routes": (), "makers": ("manufacturer",)},
    "group-by": {"group-by": ("origin", "destination")},
    "join": {"join": ("state",)},
    "large-join": {"large-join": ("origin",)},
    "sort": {"sort": ()},
    "top-n": {"top-n": ()},
    "trivial": {},
} | {case: {case: ()} for case in (f"q{number:02}" for number in range(1, 23))}
TOLERANCE = 1e-9


def load(out, name):
    path = pathlib.Path(out) / name
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path.with_suffix(".parquet")]
    return pa.concat_tables(plain(pq.read_table(file, partitioning=None)) for file in files)


def plain(table):
    """Every column in the one type that stands for its kind."""
    def cast(column):
        kind = column.type
        if pa.types.is_timestamp(kind):
            return pc.cast(pc.cast(column, pa.timestamp("us", kind.tz)), pa.int64())
        if pa.types.is_decimal(kind) and kind.scale > 0:
            return pc.cast(column, pa.decimal256(76, kind.scale))
        if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            return pc.cast(column, pa.int64())
        if pa.types.is_floating(kind):
            return pc.cast(column, pa.float64())
        return pc.cast(column, pa.large_string())
    return pa.table({name: cast(table[name]) for name in table.column_names})


def same_column(a, b):
    if pa.types.is_floating(a.type) or pa.types.is_floating(b.type):
        last_digit = min(10.0 ** -t.scale for t in (a.type, b.type) if pa.types.is_decimal(t)) \
            if pa.types.is_decimal(a.type) or pa.types.is_decimal(b.type) else 0.0
        a, b = pc.cast(a, pa.float64()), pc.cast(b, pa.float64())
        bound = pc.add(pc.multiply(pc.abs(a), TOLERANCE), 1e-12 + last_digit / 2)
        near = pc.less_equal(pc.abs(pc.subtract(a, b)), bound)
        return (pc.is_null(a).equals(pc.is_null(b))
                and pc.all(pc.fill_null(near, True)).as_py())
    if a.type != b.type:  # a decimal, and an integer or a decimal of another scale
        wide = pa.decimal256(76, max(t.scale for t in (a.type, b.type) if pa.types.is_decimal(t)))
        a, b = pc.cast(a, wide), pc.cast(b, wide)
    return a.combine_chunks().equals(b.combine_chunks())


def difference(case, ours, theirs):
    """What differs between two results, or nothing."""
    for name, key in OUTPUTS[case].items():
        a, b = load(ours, name), load(theirs, name)
        if sorted(a.column_names) != sorted(b.column_names):
            return f"{name}: columns {a.column_names} and {b.column_names}"
        if a.num_rows != b.num_rows:
            return f"{name}: {a.num_rows} and {b.num_rows} rows"
        if key:
            order = [(column, "ascending") for column in key]
            a, b = a.sort_by(order), b.sort_by(order)
        for column in a.column_names:
            if not same_column(a[column], b[column]):
                return f"{name}: column {column}"
    return None


if __name__ == "__main__":
    found = difference(*sys.argv[1:])
    if found:
        print(found)
        sys.exit(1)
