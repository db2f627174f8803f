"""Snowpark: frames computed by the server, saved, merged; files put and got."""

import datetime as dt
import decimal
import io
import os
import tempfile

import pandas as pd
from snowflake.snowpark import Row, Session, Window
from snowflake.snowpark.functions import (
    col, lit, parse_json, row_number, seq4, sum as sum_, when, when_matched, when_not_matched,
)
from snowflake.snowpark.types import (
    ArrayType, BinaryType, BooleanType, DateType, DecimalType, IntegerType, StringType, StructField,
    StructType, TimestampType, VariantType,
)

from checks import HOST, PORT, check, equal, run


def frame(s):
    return s.create_dataframe([[1, "a", 1.5], [2, "b", None], [3, "a", 2.5]], schema=["i", "s", "f"])


@check
def collecting(s):
    equal(frame(s).sort("i").collect()[0], Row(1, "a", 1.5))
    equal(frame(s).filter(col("i") > 1).count(), 2)
    equal(frame(s).sort(col("i").desc()).first()[0], 3)
    equal(len(list(frame(s).to_local_iterator())), 3)


@check
def computing(s):
    df = frame(s)
    sums = df.group_by("s").agg(sum_("i").alias("x")).collect()
    equal({row[0]: row[1] for row in sums}, {"a": 4, "b": 2})
    other = df.select(col("i").alias("j"))
    equal(df.join(other, col("i") == col("j")).count(), 3)
    over = Window.partition_by("s").order_by("i")
    equal(len(df.select("i", row_number().over(over).alias("r")).collect()), 3)
    df.select("i", "s").pivot("s", ["a", "b"]).sum("i").collect()
    df.select(when(col("i") == 1, "one").otherwise("many")).collect()
    equal(df.union_all(df).count(), 6)
    equal(df.select("s").distinct().count(), 2)
    equal(df.na.fill({"f": 0.0}).filter(col("f") == 0).count(), 1)
    df.describe().collect(), df.sample(frac=0.5).collect()


@check
def tables(s):
    df = frame(s)
    df.write.mode("overwrite").save_as_table("sp_table")
    df.write.mode("append").save_as_table("sp_table")
    table = s.table("sp_table")
    equal((table.count(), [field.name for field in table.schema.fields]), (6, ["I", "S", "F"]))
    equal(table.update({"s": lit("z")}, col("i") == 1).rows_updated, 2)
    equal(table.delete(col("i") == 2).rows_deleted, 2)
    table.merge(df, table["i"] == df["i"], [
        when_matched().update({"s": df["s"]}),
        when_not_matched().insert({"i": df["i"], "s": df["s"]}),
    ])
    df.write.save_as_table("sp_temporary", table_type="temporary", mode="append")
    df.create_or_replace_view("sp_view")
    equal(s.table("sp_view").count(), 3)
    equal(df.cache_result().count(), 3)


@check
def pandas(s):
    equal(len(frame(s).to_pandas()), 3)
    data = pd.DataFrame({"A": [1, 2], "B": ["x", "y"]})
    equal(s.create_dataframe(data).count(), 2)
    equal(s.write_pandas(data, "SP_PANDAS", auto_create_table=True, overwrite=True).count(), 2)
    equal(len(s.range(300000).select("id", (col("id") * 2).alias("d")).to_pandas()), 300000)


@check
def sources(s):
    equal(s.range(10).count(), 10)
    equal(s.generator(seq4(), rowcount=5).count(), 5)
    equal(s.sql("SELECT ? AS x", [5]).collect()[0][0], 5)
    equal(frame(s).collect_nowait().result()[0][0], 1)
    equal(frame(s).count(block=False).result(), 3)


@check
def types(s):
    fields = [DateType(), TimestampType(), DecimalType(5, 2), BooleanType(), BinaryType(),
              ArrayType(IntegerType()), VariantType()]
    schema = StructType([StructField(f"c{i}", kind) for i, kind in enumerate(fields)])
    row = [dt.date(2024, 1, 1), dt.datetime(2024, 1, 1), decimal.Decimal("1.5"), True, b"x", [1], {"a": 1}]
    equal(s.create_dataframe([row], schema=schema).collect()[0][:5], tuple(row[:5]))
    texts = s.create_dataframe([['{"a":1}']], schema=["j"])
    equal(texts.select(parse_json("j")["a"].cast("int")).collect()[0][0], 1)
    # A frame is described with made-up values, which must not be computed with.
    equal(len(texts.select(parse_json("j").alias("v")).schema.fields), 1)


@check
def files(s):
    s.sql("CREATE OR REPLACE STAGE sp_stage").collect()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "a.csv")
        with open(path, "w") as file:
            file.write("1,x\n2,y\n")
        equal(s.file.put(path, "@sp_stage", auto_compress=False)[0].status, "UPLOADED")
        schema = StructType([StructField("a", IntegerType()), StructField("b", StringType())])
        equal(s.read.schema(schema).csv("@sp_stage/a.csv").count(), 2)
        equal(s.read.option("INFER_SCHEMA", True).csv("@sp_stage/a.csv").count(), 2)
        equal(s.file.get("@sp_stage/a.csv", os.path.join(folder, "out"))[0].status, "DOWNLOADED")
    s.file.put_stream(io.BytesIO(b"5,z\n"), "@sp_stage/b.csv", auto_compress=False)
    equal(s.file.get_stream("@sp_stage/b.csv").read(), b"5,z\n")
    frame(s).write.copy_into_location("@sp_stage/pq/", file_format_type="parquet", header=True, overwrite=True)
    equal(s.read.parquet("@sp_stage/pq/").count(), 3)


@check
def closing(s):
    s.close()


if __name__ == "__main__":
    options = dict(user="firn", password="-", account="firn", host=HOST, port=PORT, protocol="http",
                   database="FIRN", schema="PUBLIC", warehouse="COMPUTE_WH")
    run("snowpark", Session.builder.configs(options).create())
