"""What CPython makes of regular expressions, few-shot draws and literals.

Run: `python tests/oracles/tasks_python.py` (CPython 3.11 or later, nothing installed). Writes tests/golden/tasks/python_*.json.
"""

import ast
import json
import pathlib
import random
import re

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tasks"

PATTERNS = [
    r"#### (\-?[0-9\.\,]+)", r"(-?[$0-9.,]{2,})|(-?[0-9]+)", r"The answer is (\-?[0-9\.\,]+).", r"(?<=the answer is )(.*)(?=.)",
    r"a*", r"(x)?(\w*)", r"\.$", r"(?s).*#### ", r"\bTag\b", r"^\w+", r"(?m)^\w+", r"\w+\Z", r"[^\W\d_]+", r"[[a]+", r"[]a]+", r"x{,2}y", r"x{2}", r"x{a}",
    r"é+", "\\u00e9+", r"[\u00e0-\u00ff]", r"\x41", r"(?i)straße", r"(?P<n>\d)(?P=n)", r"\d+", r"\s+", r"\S+$", r"(a|b)*", r"(?:a|(b))+", r"\((.*?)\)", r"\v", "",
    r"\$?\d{1,3}(?:,\d{3})*(?:\.\d+)?", r"(?<!\d)\d{2}(?!\d)", r"a++b", r"(?>a+)b", r".", r"\.", r"(?:)", r"\d*?", r"[\w.]+@[\w.]+", r"([A-D])[.)]", r"(?x) a b # c",
]
TEXTS = [
    "", "abc", "so 1,234.50. The total is $18.", "x #### 12\n#### 1,300.5 ", "The answer is 540", "The answer is 540.\n", "the answer is blue.\nthe answer is red!", "aaabaab", "xxyxy x{a} xxx",
    "Tag Tagen ein\nTag", "Straße STRASSE straSSe éé E\u0301", "[a]] [[", "18.\n", "18.\n\n", "11 22 333 4 ٣٤", " \t\x0b\u00a0z\u2003 ", "ÀÉÿ A日本", "mail a.b@c.de (one) (two)", "B) yes A. no",
]
SAMPLES = [(7473, 5, 3), (39905, 11, 2), (5, 5, 4), (21, 3, 3), (22, 3, 3), (85, 6, 2), (86, 6, 2), (1, 1, 2), (277, 25, 3), (278, 25, 2), (300, 50, 2), (65536, 2, 3), (2, 0, 2)]
LITERALS = ["['a', 'b']", "[\"it's\", 'say \"hi\"']", "[1, -2.5, True, None]", "('a', ('b',))", "{'k': [1, {'n': 'v'}]}", "'x\\n\\u00e9\\x41'", "['a' 'b']", "[]", "12", "+3", "1_000", "[1,]", "(1)", "1e3"]
NO_LITERALS = ["", "abc", "[a]", "[1", "1]", "f('x')", "[1 2]", "{1: 2", "'a", "__import__('os')", "1 + x", "[,]"]


def sub(pattern, text):
    return re.sub(pattern, "", text)


def main():
    regex = [{"pattern": p, "text": t, "findall": re.findall(p, t), "sub": sub(p, t)} for p in PATTERNS for t in TEXTS]
    dump("python_regex", regex)
    draws = []
    for population, count, times in SAMPLES:
        generator = random.Random(1234)
        draws.append({"population": population, "count": count, "draws": [generator.sample(range(population), count) for _ in range(times)]})
    dump("python_random", draws)
    dump("python_literals", {"values": [{"text": t, "value": ast.literal_eval(t)} for t in LITERALS], "refused": NO_LITERALS})


def dump(name, value):
    (GOLDEN / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False, indent=None, separators=(",", ":")).replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
