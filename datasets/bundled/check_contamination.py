#!/usr/bin/env python3
"""Proves that no test document, and no 13-gram of its variable part, occurs in the training text of the pocket models.

    check_contamination.py           the head of the stream (seconds; for continuous integration)
    check_contamination.py --all     every sample that a bundled model was trained on (half a minute)
    check_contamination.py --record  after training anew: write the stream's fingerprints into models/pocket/training_log.json

The training text is drawn again from its seed, and its SHA-256 must be the one that was recorded when the bundled models were trained: a
changed generator or test row that changes the text fails here. The search shares no code with the filter of the stream.
Before the search, test rows are planted in training text, and the check fails if it does not find them.
"""

import argparse
import hashlib
import json
import multiprocessing
import pathlib
import random
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "generators"))

import training_stream  # noqa: E402

STREAM_SEED = "pocket training text, version 2"  # the SEED of models/pocket/text.py, repeated so that no training library is needed
TRAINING_LOG = HERE.parents[1] / "models" / "pocket" / "training_log.json"
WINDOW = 13
STEP = 2000  # samples per fingerprint and per piece of work
QUICK = 20000


def plain(text):
    return re.sub(r"\W+", " ", text.lower()).strip()


def documents():
    """(id, variable part) of every test row, read from the files as they are."""
    for name in ("helpdesk", "invoices", "handbook", "pocket-mmlu", "pocket-gsm", "pocket-code"):
        for line in (HERE / name / "test.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield row["id"], "\n".join(row[key] for key in ("input", "passage", "question", "prompt") if row.get(key))


def solutions():
    """{canonical solution of pocket-code: id}: no function of the tests may be an answer of the training text, however it was asked for."""
    rows = map(json.loads, (HERE / "pocket-code" / "test.jsonl").read_text(encoding="utf-8").splitlines())
    return {row["canonical_solution"].strip(): row["id"] for row in rows}


def index():
    """({window of 13 words: id}, {first word: [(whole short document, id)]}) over the variable parts."""
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


def solution_in(answer, solved):
    """The id of the test function of which an answer is the solution, as a set."""
    return {solved[answer.strip()]} if answer.strip() in solved else set()


def search(bounds):
    """Samples [from, to) of the stream: the SHA-256 of their text, and those that hold a test document as [(number, ids)]."""
    windows, short = index()
    banned, solved = training_stream.forbidden(), solutions()
    digest, hits = hashlib.sha256(), []
    for i in range(*bounds):
        _, prompt, answer = training_stream.sample(STREAM_SEED, i, banned)
        digest.update(f"{prompt}\0{answer}\0".encode())
        if found := find(f"{prompt}\n{answer}", windows, short) | solution_in(answer, solved):
            hits.append((i, sorted(found)))
    return digest.hexdigest(), hits


def trained_samples(log):
    """How many samples of the stream the bundled models saw, rounded up to whole pieces."""
    seen = max(log[size]["points"][-1]["samples"] for size in ("small", "large"))
    return -(-(seen + 64) // STEP) * STEP  # 64: the packer's pool may hold samples behind the count of an earlier leg


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
    solved = solutions()
    for row in training_stream.test_rows("pocket-code"):
        if solution_in(training_stream.pocket_code.prompt_and_answer(row)[1], solved) == set():
            print(f"self-check: planted solution of {row['id']} was not found", file=sys.stderr)
            return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--plant", action="store_true", help="pretend that a test row was in the stream: must exit 1")
    args = parser.parse_args()
    if not can_fail():
        return 1
    log = json.loads(TRAINING_LOG.read_text())
    samples = trained_samples(log) if args.all or args.record else QUICK
    with multiprocessing.Pool(args.jobs) as pool:
        pieces = list(pool.imap(search, [(at, at + STEP) for at in range(0, samples, STEP)]))
    hits = [hit for _, found in pieces for hit in found]
    if args.plant:
        hits.append((-1, sorted(find(next(documents())[1], *index()))))
    for number, names in hits[:20]:
        print(f"sample {number} of the training text holds {', '.join(names)}", file=sys.stderr)
    print(f"{samples} training samples searched for {sum(1 for _ in documents())} test documents: {len(hits)} hits")

    fingerprints = [digest[:16] for digest, _ in pieces]
    if args.record:
        log["stream"] = {"samples": samples, "step": STEP, "sha256_16": fingerprints}
        TRAINING_LOG.write_text(json.dumps(log, indent=1) + "\n")
    changed = [at * STEP for at, (now, then) in enumerate(zip(fingerprints, log["stream"]["sha256_16"])) if now != then]
    if changed:
        print(f"the training text from sample {changed[0]} on is not the one that the bundled models were trained on", file=sys.stderr)
    return 1 if hits or changed else 0


if __name__ == "__main__":
    sys.exit(main())
