"""The training text: an endless seeded stream of (task, prompt, answer), free of every test document.

Sample number i depends on the seed and i alone. A draft that holds a 13-gram of the variable part of a test
row, or the whole of it where it is shorter, is thrown away and drawn anew.
"""

import json
import pathlib
import random
import re

import handbook
import helpdesk
import invoices
import pocket_code
import pocket_gsm
import pocket_mmlu

BUNDLED = pathlib.Path(__file__).resolve().parent.parent
TASKS = {"helpdesk": helpdesk, "invoices": invoices, "handbook": handbook, "pocket-mmlu": pocket_mmlu, "pocket-gsm": pocket_gsm, "pocket-code": pocket_code}
MIX = {"helpdesk": 24, "invoices": 17, "handbook": 15, "pocket-mmlu": 12, "pocket-gsm": 17, "pocket-code": 15}  # samples; invoices are the longest
GRAM = 13


def words(text):
    return re.findall(r"\w+", text.lower())


def grams(sequence, length):
    return (" ".join(sequence[i:i + length]) for i in range(len(sequence) - length + 1))


def rows_of(task, file):
    with open(BUNDLED / task / file, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_rows(task):
    return rows_of(task, "test.jsonl")


def forbidden():
    """What no draft may hold: {length: grams of that many words} over the variable parts of all test rows, and whole test solutions."""
    found = {}
    for task, module in TASKS.items():
        for row in test_rows(task):
            sequence = words(module.variable_text(row))
            length = min(GRAM, len(sequence))
            found.setdefault(length, set()).update(grams(sequence, length))
    return {"grams": found, "solutions": {pocket_code.prompt_and_answer(row)[1] for row in test_rows("pocket-code")}}


def hits(text, banned):
    """The banned grams that occur in a text."""
    sequence = words(text)
    return [gram for length, known in banned["grams"].items() for gram in grams(sequence, length) if gram in known]


def sample(seed, index, banned):
    """Sample number `index`: (task, prompt, answer)."""
    attempt = 0
    while True:
        rng = random.Random(f"{seed}/{index}/{attempt}")
        task = rng.choices(list(MIX), list(MIX.values()))[0]
        module = TASKS[task]
        prompt, answer = module.prompt_and_answer(getattr(module, "make_training", module.make)(rng))
        if answer not in banned["solutions"] and not hits(f"{prompt}\n{answer}", banned):
            return task, prompt, answer
        attempt += 1
