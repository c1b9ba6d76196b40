"""Makes tests/golden/tasks/variants.json: texts with typos, as tasks/text/changed_text.h describes them.

Run: python tests/oracles/variants_golden.py

The keyboard is three rows of keys, the second a quarter and the third three quarters of a key to the right; keys touch
when their middles are less than 1.3 keys apart, and are drawn in alphabetical order. A word takes four draws: whether,
which typo, which letter after the first, which key.
"""

import json
import math
import pathlib
import re

from sampling_golden import uniform

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tasks" / "variants.json"
ROWS = [("qwertyuiop", 0.0), ("asdfghjkl", 0.25), ("zxcvbnm", 0.75)]
PLACES = {key: (start + i, row) for row, (keys, start) in enumerate(ROWS) for i, key in enumerate(keys)}


def touching(key):
    x, y = PLACES[key]
    return sorted(k for k, (a, b) in PLACES.items() if k != key and math.hypot(a - x, b - y) < 1.3)


def below(count, seed, stream, position):
    return int(uniform(seed, stream, position) * count)


def misspelt(word, seed, stream, first):
    typo = ["neighbour", "dropped", "doubled", "swapped"][below(4, seed, stream, first + 1)]
    at = 1 + below(len(word) - 1, seed, stream, first + 2)
    if typo == "swapped":
        at = min(at, len(word) - 2)
        if word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        typo = "dropped"
    if typo == "doubled":
        return word[:at] + word[at] + word[at:]
    if typo == "neighbour" and word[at].lower() in PLACES:
        keys = touching(word[at].lower())
        key = keys[below(len(keys), seed, stream, first + 3)]
        return word[:at] + (key.upper() if word[at].isupper() else key) + word[at + 1 :]
    return word[:at] + word[at + 1 :]


def with_typos(text, rate, seed, stream, kept=()):
    out, position = [], 0
    for token in re.split(r"(\s+)", text):
        if re.search(r"[0-9@/\\_]", token):
            out.append(token)
            continue
        for part in re.split(r"([^\W\d_]+)", token):
            if not part or not part[0].isalpha():
                out.append(part)
                continue
            first, position = position, position + 4
            hit = uniform(seed, stream, first) < rate and len(part) >= 3 and part.casefold() not in kept
            out.append(misspelt(part, seed, stream, first) if hit else part)
    return "".join(out)


TEXTS = [
    "Customer on the line: I am writing because I still pay every month and not once a year.",
    "Die Größe der Schachtel, über die wir sprachen, ist 3.50 EUR wert (Auftrag TKT-4711); bitte prüfen!",
    "Ça n'est pas l'été: écrivez à info@example.org, \u043f\u0440\u0438\u0432\u0435\u0442 \u65e5\u672c\u8a9e bookkeeper AARDVARK",
]

if __name__ == "__main__":
    cases = []
    for number, text in enumerate(TEXTS):
        for rate in (0.2, 1.0):
            for seed, stream in ((1, 7), (20260801, 0xFEDCBA9876543210)):
                kept = ["because", "schachtel"] if rate == 1.0 else []
                cases.append({"text": text, "rate": rate, "seed": seed, "stream": stream, "kept": kept,
                              "expected": with_typos(text, rate, seed, stream, kept)})
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    OUT.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
