"""Makes tests/golden/datasets/rows.parquet and bytes.parquet with Apache Arrow, and the rows of the first as JSON.

Run: pip install -r tests/oracles/requirements.txt, then `python tests/oracles/dataset_parquet.py`
"""

import datetime
import decimal
import json
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "golden" / "datasets"
SCHEMA = pa.schema([
    ("id", pa.int64()), ("text", pa.string()), ("long", pa.large_string()), ("kind", pa.dictionary(pa.int32(), pa.string())), ("small", pa.uint8()), ("negative", pa.int16()),
    ("large", pa.uint64()), ("single", pa.float32()), ("double", pa.float64()), ("right", pa.bool_()), ("nothing", pa.null()), ("choices", pa.list_(pa.string())),
    ("pair", pa.list_(pa.int32(), 2)), ("answers", pa.struct([("text", pa.list_(pa.string())), ("start", pa.list_(pa.int32()))])),
    ("turns", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))), ("at", pa.timestamp("s")), ("day", pa.date32()), ("price", pa.decimal128(9, 2))])


def row(i):
    return {
        "id": i, "text": ["é", "漢字 😀", "", "a\nb\"c\"", None][i % 5], "long": "x" * (i % 7), "kind": ["spam", "ham", None][i % 3], "small": i % 256, "negative": -i, "large": 2**64 - 1 - i,
        "single": i / 10, "double": i / 10, "right": i % 2 == 0, "nothing": None, "choices": [f"choice {j}" for j in range(i % 4)] if i % 9 else None, "pair": [i, i + 1],
        "answers": {"text": ["a", "b"][: i % 3], "start": [i]} if i % 8 else None, "turns": [{"role": "user", "content": f"{i}?"}, {"role": "assistant", "content": None}],
        "at": datetime.datetime(2026, 1, 2, 3, 4, 5) + datetime.timedelta(days=i), "day": datetime.date(2026, 1, 1) + datetime.timedelta(days=i), "price": decimal.Decimal(i) / 4 if i % 2 == 0 else None}


def plain(value):
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return str(value)
    raise TypeError(value)


def main():
    table = pa.Table.from_pylist([row(i) for i in range(60)], schema=SCHEMA)
    pq.write_table(table, FOLDER / "rows.parquet", row_group_size=25, compression="zstd")  # three groups
    with (FOLDER / "rows.json").open("w", newline="") as file:
        json.dump(table.to_pylist(), file, ensure_ascii=False, default=plain)
        file.write("\n")
    pq.write_table(pa.table({"id": [1], "image": pa.array([b"\xff\x00"], pa.binary())}), FOLDER / "bytes.parquet")


if __name__ == "__main__":
    main()
