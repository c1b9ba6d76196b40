#!/usr/bin/env python3
"""Writes the bundled test sets: generate.py [--check]. With --check nothing is written; a difference is an error,
and so is a row of pocket-code whose solution fails its tests or whose tests a wrong body passes.

Rows drawn by the seeded generators come first, the rows written by hand (handwritten.jsonl of each set) last.
"""

import argparse
import json
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "generators"))

import handbook  # noqa: E402
import helpdesk  # noqa: E402
import invoices  # noqa: E402
import pocket_code  # noqa: E402
import pocket_gsm  # noqa: E402
import pocket_mmlu  # noqa: E402

SHUFFLE_SEED = "helpdesk with permuted labels"


def _plan():
    """For each set: its module and the arguments of every generated row."""
    return {
        "helpdesk": (helpdesk, [{"difficulty": d} for d in helpdesk.DIFFICULTIES for _ in range(150)]),
        "invoices": (invoices, [{} for _ in range(300)]),
        "handbook": (handbook, [{"kind": k} for k, n in (("passage", 150), ("closed_book", 130), ("unanswerable", 120)) for _ in range(n)]),
        "pocket-mmlu": (pocket_mmlu, [{"subject": s} for s in pocket_mmlu.SUBJECTS for _ in range(60)]),
        "pocket-gsm": (pocket_gsm, [{"steps": n} for n in (1, 2, 3) for _ in range(100)]),
        "pocket-code": (pocket_code, [{"family": pocket_code.FAMILIES[n % len(pocket_code.FAMILIES)]} for n in range(60)]),
    }


def _generated(name, module, arguments):
    rng, seen, rows = random.Random(f"bundled test set {name}, version 1"), set(), []
    identity = getattr(module, "identity", module.variable_text)
    for keywords in arguments:
        while True:
            row = module.make(rng, test=True, **keywords)
            if identity(row) not in seen:
                break
        seen.add(identity(row))
        rows.append({"id": f"{name}-{len(rows) + 1:03d}", **row, "origin": "generated"})
    return rows


def _handwritten(name):
    path = HERE / name / "handwritten.jsonl"
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if name == "helpdesk":
        rows = [{"instruction": helpdesk.INSTRUCTION, **row} for row in rows]
    if name == "invoices":
        rows = [{**row, "output": json.dumps(row["output"], ensure_ascii=False, separators=(",", ":")),
                 "absent": sum(value is None for value in row["output"].values())} for row in rows]
    if name == "pocket-code":
        rows = [{**row, "family": "handwritten"} for row in rows]
    return [{"id": f"{name}-h{number:02d}", **row, "origin": "handwritten"} for number, row in enumerate(rows, 1)]


def _shuffled(rows):
    """The same tickets with the labels permuted among them: nothing can be right but by chance."""
    labels = [row["output"] for row in rows]
    random.Random(SHUFFLE_SEED).shuffle(labels)
    return [{**row, "output": label} for row, label in zip(rows, labels)]


def files():
    """{path: text} of everything that is written."""
    made = {}
    for name, (module, arguments) in _plan().items():
        rows = _generated(name, module, arguments) + _handwritten(name)
        if name == "pocket-code":  # HumanEval's name for it
            rows = [{"task_id": row["id"], **row} for row in rows]
        made[HERE / name / "test.jsonl"] = rows
        if name == "helpdesk":
            made[HERE / name / "shuffled.jsonl"] = _shuffled(rows)
    return {path: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows) for path, rows in made.items()}


def rows_of_code(made):
    return [json.loads(line) for line in made[HERE / "pocket-code" / "test.jsonl"].splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the files that are there")
    check = parser.parse_args().check
    different, made = [], files()
    for path, text in made.items():
        if not check:
            path.write_text(text, encoding="utf-8", newline="\n")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            different.append(path)
    for path in different:
        print(f"{path}: differs from what the generator makes", file=sys.stderr)
    faulty = [f"{row['id']}: {fault}" for row in rows_of_code(made) for fault in pocket_code.faults(row)]
    print("".join(f"{line}\n" for line in faulty), end="", file=sys.stderr)
    return 1 if different or faulty else 0


if __name__ == "__main__":
    sys.exit(main())
