"""Makes tests/golden/datasets/cells.{csv,tsv,json}: random cells written by Python's csv module, and the same rows.

Run: python tests/oracles/dataset_cells.py
"""

import csv
import json
import pathlib
import random

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "golden" / "datasets"
ALPHABET = ['"', '"', ",", "\t", "\n", "\r\n", "\r", " ", "a", "b", "é", "漢", "😀", "'", "\\", "{", "0"]
HEADER = ["id", "text, quoted", 'a "name"', "line\nbreak", "last"]
ROWS = 300


def main():
    rng = random.Random(4180)
    rows = []
    for number in range(ROWS):
        cells = ["".join(rng.choice(ALPHABET) for _ in range(rng.choice([0, 1, 2, 5, 12]))) for _ in HEADER[1:]]
        rows.append([str(number), *cells])
    FOLDER.mkdir(parents=True, exist_ok=True)
    # With "\n" as the row's end, the csv module leaves a lone "\r" unquoted unless it quotes everything.
    styles = {
        "cells.csv": {"delimiter": ",", "lineterminator": "\r\n", "quoting": csv.QUOTE_MINIMAL},
        "cells.tsv": {"delimiter": "\t", "lineterminator": "\n", "quoting": csv.QUOTE_ALL},
    }
    for name, style in styles.items():
        with (FOLDER / name).open("w", newline="") as file:
            writer = csv.writer(file, **style)
            writer.writerow(HEADER)
            writer.writerows(rows)
    with (FOLDER / "cells.json").open("w", newline="") as file:
        json.dump([dict(zip(HEADER, row)) for row in rows], file, ensure_ascii=False, indent=0)
        file.write("\n")


if __name__ == "__main__":
    main()
