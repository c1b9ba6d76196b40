"""Makes tests/golden/tasks/selfcheck.json: answers to one question, and what SelfCheckGPT's unigram model says of the
first: mean and largest -log p over its tokens (Manakul et al. 2023, section 5.3).

    python tests/oracles/selfcheck_golden.py   (needs numpy)

The model is that of the authors' modeling_ngram.py (UnigramModelTokenLevel with its defaults: lower case, no
pseudo-counts), trained on the first answer and on the others, as SelfCheckNgram.predict does; that it has seen the
assessed answer is its smoothing. Tokens are spaCy's there; here the texts have spaces between their tokens.
"""

import collections
import json
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "golden" / "tasks" / "selfcheck.json"
CASES = [
    ["Paris", "Paris", "Paris"],
    ["Paris", "Lyon", "Nice", "Lille", "Metz"],
    ["Paris", "paris", "PARIS ."],
    ["It opened in 1911 .", "It opened in 1912 .", "It opened in May 1911 .", "In 1911 ."],
    ["the budget is 1,250.50 euros", "the budget is 1,250.50 euros a year", "nobody knows the budget"],
    ["a a a b", "a b", "c"],
    ["Größe : 3 m", "größe : 4 m", "Länge"],
    ["something else", "", "  "],
]


def selfcheck(answers):
    counts = collections.Counter()
    for answer in answers:
        counts.update(answer.lower().split())
    total = sum(counts.values())
    logprobs = [np.log(counts[token] / total) for token in answers[0].lower().split()]
    return -float(np.mean(logprobs)), -float(np.min(logprobs))


OUT.write_text(json.dumps([[answers, *selfcheck(answers)] for answers in CASES], indent=0) + "\n")
