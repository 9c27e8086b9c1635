"""PySpark local[2], as many shuffle partitions as cores, no user interface."""
import sys

import pyspark
from pyspark.sql import SparkSession

from serve import serve

FLIGHTS = ("year INT, month INT, day INT, dep_time BIGINT, sched_dep_time BIGINT, dep_delay BIGINT, "
           "arr_time BIGINT, sched_arr_time BIGINT, arr_delay BIGINT, carrier STRING, flight BIGINT, "
           "tailnum STRING, origin STRING, dest STRING, air_time BIGINT, distance BIGINT, "
           "hour BIGINT, minute BIGINT, time_hour TIMESTAMP")
# Declared, not inferred: that costs Spark another pass over each file, and us nothing like it.
SCHEMAS = {
    "flights": FLIGHTS,
    "weather": "origin STRING, year INT, month INT, day INT, hour INT, temp DOUBLE, dewp DOUBLE, "
               "humid DOUBLE, wind_dir DOUBLE, wind_speed DOUBLE, wind_gust DOUBLE, precip DOUBLE, "
               "pressure DOUBLE, visib DOUBLE, time_hour TIMESTAMP",
    "airlines": "carrier STRING, name STRING",
    "airports": "faa STRING, name STRING, lat DOUBLE, lon DOUBLE, alt DOUBLE, tz DOUBLE, dst STRING, "
                "tzone STRING",
    "planes": "tailnum STRING, year INT, type STRING, manufacturer STRING, model STRING, "
              "engines INT, seats BIGINT, speed DOUBLE, engine STRING",
}
ORDER = "ORDER BY delay DESC NULLS LAST, date, origin, destination, distance"
QUERIES = {
    "flights": {
        "delays": """
            SELECT carrier, name, f.hour, count(*) AS flights,
                   count(*) FILTER (WHERE dep_time IS NULL) AS cancelled,
                   count(*) FILTER (WHERE dep_delay > 30) AS late,
                   avg(dep_delay) AS dep_delay, avg(arr_delay) AS arr_delay,
                   stddev(arr_delay) AS arr_delay_sd, avg(wind_speed) AS wind,
                   count(*) FILTER (WHERE precip > 0) AS wet
            FROM flights f LEFT JOIN weather w USING (origin, time_hour)
            JOIN airlines a USING (carrier) GROUP BY carrier, name, f.hour""",
        "top-routes": """
            SELECT origin, dest, flights, carriers, arr_delay, worst, miles, name AS destination
            FROM (SELECT origin, dest, count(*) AS flights, count(DISTINCT carrier) AS carriers,
                         avg(arr_delay) AS arr_delay, max(arr_delay) AS worst, sum(distance) AS miles
                  FROM flights GROUP BY origin, dest) r LEFT JOIN airports p ON p.faa = r.dest
            ORDER BY flights DESC, origin, dest LIMIT 20""",
        "makers": """
            SELECT manufacturer, count(*) AS flights, sum(seats) AS seats, avg(arr_delay) AS arr_delay
            FROM flights f JOIN planes p USING (tailnum) GROUP BY manufacturer""",
    },
    "group-by": {"group-by": """
        SELECT origin, destination, count(*) AS flights, avg(delay) AS delay, max(delay) AS worst,
               sum(distance) AS miles FROM flights_3m GROUP BY origin, destination"""},
    "join": {"join": """
        SELECT state, count(*) AS flights, avg(delay) AS delay, sum(distance) AS miles
        FROM flights_3m f JOIN places a ON f.origin = a.iata GROUP BY state"""},
    "large-join": {"large-join": """
        SELECT origin, count(*) AS pairs, sum(o.delay - f.delay) AS difference,
               max(o.delay) AS worst
        FROM flights_3m f JOIN flights_3m o USING (date, origin, destination) GROUP BY origin"""},
    "sort": {"sort": f"SELECT * FROM flights_3m {ORDER}"},
    "top-n": {"top-n": f"SELECT * FROM flights_3m {ORDER} LIMIT 100"},
}

spark = None


def session():
    global spark
    if spark is None:
        spark = (SparkSession.builder.master("local[2]").appName("bench")
                 .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
                 .config("spark.sql.session.timeZone", "UTC").config("spark.driver.memory", "4g")
                 .config("spark.log.level", "ERROR").getOrCreate())
    return spark


def run(case, data, out):
    session()
    if case == "trivial":
        print(spark.sql("SELECT * FROM VALUES ('tea', 3), ('milk', 1), ('bread', 2) AS t(item, price) "
                        "ORDER BY price").collect(), file=sys.stderr)
        return
    if case == "flights":
        for name, schema in SCHEMAS.items():
            (spark.read.csv(f"{data}/{name}.csv", header=True, nullValue="NA", schema=schema)
             .createOrReplaceTempView(name))
    else:
        spark.read.parquet(f"{data}/flights-3m.parquet").createOrReplaceTempView("flights_3m")
        (spark.read.csv(f"{data}/airports.csv", header=True, escape='"',
                        schema="iata STRING, name STRING, city STRING, state STRING, country STRING,"
                               " latitude DOUBLE, longitude DOUBLE").createOrReplaceTempView("places"))
    for name, query in QUERIES[case].items():
        spark.sql(query).write.mode("overwrite").option("compression", "zstd").parquet(f"{out}/{name}")


serve(pyspark.__version__, run, lambda: spark and spark.stop())
