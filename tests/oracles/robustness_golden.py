"""Makes tests/golden/robustness.json: the spread over variants and slices against the rest, by NumPy and SciPy.

Run: python tests/oracles/robustness_golden.py   (numpy 2, scipy 1.17)

The distribution of the spread under chance is not sampled here but enumerated: every order of every document's scores.
"""

import itertools
import json
import pathlib

import numpy as np
from scipy import stats

from statistics_golden import optimize, tango_statistic

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "robustness.json"


def tango_interval(a, b, n, confidence):
    z, observed, tiny = stats.norm.ppf(0.5 + confidence / 2), (a - b) / n, 1e-12

    def end(target, low, high):
        return optimize.brentq(lambda d: tango_statistic(a, b, n, d) - target, low, high, xtol=1e-15)

    return (-1.0 if b == n else end(z, -1 + tiny, observed - tiny),
            1.0 if a == n else end(-z, observed + tiny, 1 - tiny))


def largest_difference(scores, confidence):
    pairs = list(itertools.combinations(range(len(scores)), 2))
    lows, highs = [0.0], [0.0]
    for i, j in pairs:
        a = int(np.sum((scores[i] == 1) & (scores[j] == 0)))
        b = int(np.sum((scores[i] == 0) & (scores[j] == 1)))
        low, high = tango_interval(a, b, scores.shape[1], 1 - (1 - confidence) / len(pairs))
        lows += [low, -high]
        highs += [high, -low]
    return [max(lows), max(highs)]


def by_chance(scores):
    """Mean spread and P(spread >= observed) over every order of every document's scores."""
    documents = scores.T
    sums = {tuple([0] * len(scores)): 1.0}
    for row in documents:
        orders = list(itertools.permutations(row))
        new = {}
        for total, weight in sums.items():
            for order in orders:
                key = tuple(t + o for t, o in zip(total, order))
                new[key] = new.get(key, 0.0) + weight / len(orders)
        sums = new
    n = len(documents)
    spread = {key: (max(key) - min(key)) / n for key in sums}
    observed = (scores.mean(axis=1).max() - scores.mean(axis=1).min())
    mean = sum(weight * spread[key] for key, weight in sums.items())
    p = sum(weight for key, weight in sums.items() if spread[key] >= observed - 1e-9)
    return observed, mean, p


def holm(p):
    order = np.argsort(p)
    adjusted, running = np.empty(len(p)), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[index]))
        adjusted[index] = running
    return adjusted.tolist()


def spreads():
    rng = np.random.default_rng(11)
    cases = []
    for ways, n, loss in [(3, 30, 0.0), (3, 40, 0.35), (4, 25, 0.2), (2, 60, 0.1)]:
        right = rng.random(n) < 0.7
        scores = np.array([(right ^ (rng.random(n) < 0.1)) for _ in range(ways)]).astype(float)
        scores[-1] *= rng.random(n) >= loss
        observed, mean, p = by_chance(scores)
        differences = scores[1:] - scores[0]
        mcnemar = [stats.binomtest(int((d > 0).sum()), int((d != 0).sum()), 0.5).pvalue if (d != 0).any() else 1.0
                   for d in differences]
        total = scores.sum(axis=0)
        cases.append({"scores": scores.astype(int).tolist(), "spread": observed, "chance": mean, "p": p,
                      "interval": largest_difference(scores, 0.95), "holm": holm(mcnemar),
                      "changed": int(((total > 0) & (total < ways)).sum()), "always": int((total == ways).sum())})
    return cases


def slices():
    rng = np.random.default_rng(12)
    cases = []
    for inside, outside in [(12, 40), (30, 300), (60, 500)]:
        for lower in (0.0, 0.2):
            a = (rng.random(inside) < 0.8 - lower).astype(int)
            b = (rng.random(outside) < 0.8).astype(int)
            table = [[int(a.sum()), int(inside - a.sum())], [int(b.sum()), int(outside - b.sum())]]
            cases.append({"inside": a.tolist(), "outside": b.tolist(),
                          "p": stats.fisher_exact(table, alternative="less").pvalue})
            a, b = rng.random(inside) - lower, rng.random(outside)
            a, b = np.round(a, 1), np.round(b, 1)
            cases.append({"inside": a.tolist(), "outside": b.tolist(),
                          "p": stats.mannwhitneyu(a, b, alternative="less", method="asymptotic").pvalue})
    return cases


if __name__ == "__main__":
    OUT.write_text(json.dumps({"spreads": spreads(), "slices": slices()}) + "\n")
