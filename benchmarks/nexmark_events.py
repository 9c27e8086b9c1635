#!/usr/bin/env python3
"""The first EVENTS events of a folder of CSV files as Arrow files, one a table.

usage: nexmark_events.py FOLDER EVENTS OUT"""
import pathlib
import sys

import pyarrow
import pyarrow.csv
import pyarrow.ipc

BATCH_ROWS = 16_384
# Of 50 events in a row one is a person, three are auctions and the others are bids.
TABLES = {
    "person": (1, "id name emailAddress creditCard city state evtime extra"),
    "auction": (3, "id itemName description initialBid reserve evtime expires seller category extra"),
    "bid": (46, "auction bidder price channel url evtime extra"),
}
NUMBERS = {"id", "initialBid", "reserve", "evtime", "expires", "seller", "category", "auction", "bidder",
           "price"}


def convert(folder, table, rows, out):
    names = TABLES[table][1].split()
    schema = pyarrow.schema([(name, pyarrow.int64() if name in NUMBERS else pyarrow.string())
                             for name in names])
    reader = pyarrow.csv.open_csv(
        folder / f"{table}.csv", pyarrow.csv.ReadOptions(column_names=names),
        pyarrow.csv.ParseOptions(quote_char=False),
        pyarrow.csv.ConvertOptions(column_types=schema, strings_can_be_null=False))
    taken = []
    for batch in reader:
        batch = batch.slice(0, rows)
        rows -= batch.num_rows
        taken.append(batch)
        if rows == 0:
            break
    whole = pyarrow.Table.from_batches(taken).combine_chunks()
    with pyarrow.ipc.new_file(out / f"{table}.arrow", schema) as writer:
        writer.write_table(whole, max_chunksize=BATCH_ROWS)


def main():
    folder, events, out = pathlib.Path(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
    out.mkdir(parents=True)
    for table, (share, _) in TABLES.items():
        convert(folder, table, events // 50 * share, out)


main()
