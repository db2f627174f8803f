"""SQLAlchemy 2 with snowflake-sqlalchemy: tables made, reflected, mapped; frames written and read."""

import datetime as dt
import decimal

import pandas as pd
from sqlalchemy import (
    DateTime, ForeignKey, Integer, MetaData, Numeric, Sequence, String, create_engine, delete, func,
    insert, inspect, select, text, update,
)
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, relationship

from checks import HOST, PORT, check, equal, run


class Base(DeclarativeBase):
    pass


class Parent(Base):
    __tablename__ = "parent"
    id = mapped_column(Integer, Sequence("parent_ids"), primary_key=True)
    name = mapped_column(String(20))
    children = relationship("Child")


class Child(Base):
    __tablename__ = "child"
    id = mapped_column(Integer, primary_key=True, autoincrement=True)
    parent_id = mapped_column(ForeignKey("parent.id"))
    price = mapped_column(Numeric(10, 2))
    at = mapped_column(DateTime)


@check
def create_all(engine):
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)


@check
def objects(engine):
    with Session(engine) as session:
        first = Child(id=1, price=decimal.Decimal("1.50"), at=dt.datetime(2024, 1, 2, 3, 4, 5))
        session.add(Parent(id=1, name="a", children=[first, Child(id=2, price=2)]))
        session.commit()
    with Session(engine) as session:
        parent = session.scalars(select(Parent)).one()
        equal([child.price for child in parent.children], [decimal.Decimal("1.50"), 2])
        parent.name = "b"
        session.commit()
        equal(session.scalar(select(Parent.name)), "b")
        session.add(Parent(id=5, name="x"))
        session.flush()
        session.rollback()
        equal(session.scalar(select(func.count()).select_from(Parent)), 1)


@check
def reflection(engine):
    found = MetaData()
    found.reflect(engine)
    assert {"parent", "child"} <= set(found.tables), found.tables.keys()
    equal([key.column.table.name for key in found.tables["child"].foreign_keys], ["parent"])
    look = inspect(engine)
    assert look.has_table("parent") and not look.has_table("not_there")
    equal(look.get_pk_constraint("parent")["constrained_columns"], ["id"])
    assert "public" in look.get_schema_names()
    look.get_indexes("child"), look.get_unique_constraints("child"), look.get_table_comment("child")


@check
def core(engine):
    with engine.begin() as connection:
        connection.execute(insert(Parent.__table__), [{"id": 10, "name": "q"}, {"id": 11, "name": "r"}])
        changed = connection.execute(update(Parent.__table__).where(Parent.id == 10).values(name="z"))
        equal(changed.rowcount, 1)
        equal(connection.execute(delete(Parent.__table__).where(Parent.id >= 10)).rowcount, 2)
        equal(connection.execute(text("SELECT :a || 'b'"), {"a": "x"}).scalar(), "xb")


@check
def views(engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE OR REPLACE VIEW parents AS SELECT * FROM parent"))
    assert "parents" in inspect(engine).get_view_names()


@check
def frames(engine):
    from snowflake.connector.pandas_tools import pd_writer

    frame = pd.DataFrame({"i": range(100), "s": [f"n{i}" for i in range(100)]})
    frame.to_sql("frame_one", engine, index=False, if_exists="replace", method="multi")
    equal(len(pd.read_sql("SELECT * FROM frame_one", engine)), 100)
    frame.columns = ["I", "S"]
    frame.to_sql("frame_two", engine, index=False, if_exists="replace", method=pd_writer)
    equal(int(pd.read_sql("SELECT SUM(i) AS s FROM frame_two", engine)["s"][0]), 4950)


if __name__ == "__main__":
    run("sqlalchemy", create_engine(
        "snowflake://firn:-@firn/FIRN/PUBLIC?warehouse=COMPUTE_WH",
        connect_args=dict(host=HOST, port=PORT, protocol="http"),
    ))
