"""Polars with two threads, lazy, on its streaming engine."""
import os
import sys

os.environ["POLARS_MAX_THREADS"] = "2"
import polars as pl  # noqa: E402

from serve import serve  # noqa: E402

ORDER = ["delay", "date", "origin", "destination", "distance"]
DESCENDING = [True, False, False, False, False]


def flights_3m(data):
    return pl.scan_parquet(f"{data}/flights-3m.parquet")


def sorted_flights(data):
    return flights_3m(data).sort(ORDER, descending=DESCENDING, nulls_last=True)


def flights_job(data):
    # Parsed once, used by three queries, as in our job.
    csv = {name: pl.read_csv(f"{data}/{name}.csv", null_values=["", "NA"],
                             infer_schema_length=10000).lazy()
           for name in ("flights", "weather", "airlines", "airports", "planes")}
    flights = csv["flights"]
    sky = csv["weather"].select("origin", "time_hour", "wind_speed", "precip")
    delays = (flights.join(sky, on=["origin", "time_hour"], how="left")
              .join(csv["airlines"], on="carrier").group_by("carrier", "name", "hour")
              .agg(flights=pl.len().cast(pl.Int64),
                   cancelled=pl.col("dep_time").is_null().sum().cast(pl.Int64),
                   late=(pl.col("dep_delay") > 30).sum().cast(pl.Int64),
                   dep_delay=pl.col("dep_delay").mean(), arr_delay=pl.col("arr_delay").mean(),
                   arr_delay_sd=pl.col("arr_delay").std(), wind=pl.col("wind_speed").mean(),
                   wet=(pl.col("precip") > 0).sum().cast(pl.Int64)))
    places = csv["airports"].select(dest="faa", destination="name")
    top = (flights.group_by("origin", "dest")
           .agg(flights=pl.len().cast(pl.Int64),
                carriers=pl.col("carrier").n_unique().cast(pl.Int64),
                arr_delay=pl.col("arr_delay").mean(), worst=pl.col("arr_delay").max(),
                miles=pl.col("distance").sum())
           .join(places, on="dest", how="left")
           .sort(["flights", "origin", "dest"], descending=[True, False, False]).head(20))
    makers = (flights.join(csv["planes"].select("tailnum", "manufacturer", "seats"), on="tailnum")
              .group_by("manufacturer")
              .agg(flights=pl.len().cast(pl.Int64), seats=pl.col("seats").sum(),
                   arr_delay=pl.col("arr_delay").mean()))
    return {"delays": delays, "top-routes": top, "makers": makers}


def group_by(data):
    return (flights_3m(data).group_by("origin", "destination")
            .agg(flights=pl.len().cast(pl.Int64), delay=pl.col("delay").mean(),
                 worst=pl.col("delay").max(), miles=pl.col("distance").sum()))


def join(data):
    airports = pl.scan_csv(f"{data}/airports.csv").select("iata", "state")
    return (flights_3m(data).join(airports, left_on="origin", right_on="iata").group_by("state")
            .agg(flights=pl.len().cast(pl.Int64), delay=pl.col("delay").mean(),
                 miles=pl.col("distance").sum()))


def large_join(data):
    others = flights_3m(data).select("date", "origin", "destination", other_delay="delay")
    return (flights_3m(data).join(others, on=["date", "origin", "destination"]).group_by("origin")
            .agg(pairs=pl.len().cast(pl.Int64),
                 difference=(pl.col("other_delay") - pl.col("delay")).sum(),
                 worst=pl.col("other_delay").max()))


CASES = {
    "flights": flights_job,
    "group-by": lambda data: {"group-by": group_by(data)},
    "join": lambda data: {"join": join(data)},
    "large-join": lambda data: {"large-join": large_join(data)},
    "sort": lambda data: {"sort": sorted_flights(data)},
    "top-n": lambda data: {"top-n": sorted_flights(data).head(100)},
}


def run(case, data, out):
    if case == "trivial":
        frame = pl.LazyFrame({"item": ["tea", "milk", "bread"], "price": [3, 1, 2]})
        print(frame.sort("price").collect(), file=sys.stderr)
        return
    os.makedirs(out, exist_ok=True)
    for name, frame in CASES[case](data).items():
        frame.sink_parquet(f"{out}/{name}.parquet", compression="zstd", engine="streaming")


serve(pl.__version__, run)
