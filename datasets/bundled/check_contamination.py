#!/usr/bin/env python3
"""Proves that no test document, and no 13-gram of its variable part, occurs in the training text of the pocket models.

    check_contamination.py                 the head of the stream (seconds; for continuous integration)
    check_contamination.py --samples N     the first N samples; models/pocket/training_log.json says how many were trained on

The stream is drawn again from its seed with exactly the samples that training saw. The search shares no code with the filter
of the stream: it joins words with spaces and looks windows up by Python's own substring search where they are short. Before
the search, test rows are planted in training text, and the check fails if it does not find them.
"""

import argparse
import json
import multiprocessing
import pathlib
import random
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "generators"))

import training_stream  # noqa: E402

STREAM_SEED = "pocket training text, version 1"  # the SEED of models/pocket/text.py, repeated so that no training library is needed
WINDOW = 13
QUICK = 20000


def plain(text):
    return re.sub(r"\W+", " ", text.lower()).strip()


def documents():
    """(id, variable part) of every test row, read from the files as they are."""
    for name in ("helpdesk", "invoices", "handbook", "pocket-mmlu"):
        for line in (HERE / name / "test.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row["id"], "\n".join(row[key] for key in ("input", "passage", "question") if row.get(key))


def index():
    """({window of 13 words: id}, {first word: [(whole short document, id)]})."""
    windows, short = {}, {}
    for name, text in documents():
        words = plain(text).split()
        if len(words) < WINDOW:
            short.setdefault(words[0], []).append((f" {' '.join(words)} ", name))
        for at in range(len(words) - WINDOW + 1):
            windows[" ".join(words[at:at + WINDOW])] = name
    return windows, short


def find(text, windows, short):
    """The ids of test rows of which `text` holds a window or the whole."""
    words = plain(text).split()
    found = {windows[w] for at in range(len(words) - WINDOW + 1) if (w := " ".join(words[at:at + WINDOW])) in windows}
    padded = f" {' '.join(words)} "
    for first in set(words):
        found.update(name for whole, name in short.get(first, ()) if whole in padded)
    return found


def search(bounds):
    """Samples [from, to) of the stream that hold a test document: [(number, ids)]."""
    windows, short = index()
    banned = training_stream.forbidden()
    drawn = ((i, training_stream.sample(STREAM_SEED, i, banned)) for i in range(*bounds))
    return [(i, sorted(found)) for i, (_, prompt, answer) in drawn if (found := find(f"{prompt}\n{answer}", windows, short))]


def can_fail():
    """Plants every test row, and a 13-word piece of every long one, in training text; True if each is found."""
    windows, short = index()
    banned = training_stream.forbidden()
    rng = random.Random("planted rows")
    for number, (name, text) in enumerate(documents()):
        _, prompt, answer = training_stream.sample(STREAM_SEED, number, banned)
        words = plain(text).split()
        if find(f"{prompt}\n{text}\n{answer}", windows, short) == set():
            print(f"self-check: planted row {name} was not found", file=sys.stderr)
            return False
        if len(words) >= WINDOW:
            at = rng.randrange(len(words) - WINDOW + 1)
            piece = " ".join(words[at:at + WINDOW])
            if find(f"{prompt} {piece} {answer}", windows, short) == set():
                print(f"self-check: planted piece of {name} was not found: {piece!r}", file=sys.stderr)
                return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=QUICK)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--plant", action="store_true", help="pretend that a test row was in the stream: must exit 1")
    args = parser.parse_args()
    if not can_fail():
        return 1
    step = 2000
    pieces = [(at, min(at + step, args.samples)) for at in range(0, args.samples, step)]
    with multiprocessing.Pool(args.jobs) as pool:
        hits = [hit for part in pool.imap(search, pieces) for hit in part]
    if args.plant:
        windows, short = index()
        name, text = next(documents())
        hits += [(-1, sorted(find(text, windows, short)))]
    for number, names in hits[:20]:
        print(f"sample {number} of the training text holds {', '.join(names)}", file=sys.stderr)
    print(f"{args.samples} training samples searched for {sum(1 for _ in documents())} test documents: {len(hits)} hits")
    return 1 if hits else 0


if __name__ == "__main__":
    sys.exit(main())
