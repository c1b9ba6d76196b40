"""Expected values for harness/cost: writes tests/golden/cost.json.

Run: python tests/oracles/cost_golden.py   (needs numpy 2.4.6; a few seconds)
Crossings are found in exact fractions by walking up through every step and keeping the last change of sign, where the C++
code walks down in floating point. Intervals are numpy's percentiles of 200,000 resamples drawn by numpy's generator.
"""
import json
import math
import pathlib
from fractions import Fraction

import numpy as np

rng = np.random.default_rng(20261127)
HOURS = 730


def exact(line):
    fixed, slope, step, width = line
    return Fraction(str(fixed)), Fraction(str(slope)), Fraction(str(step)), Fraction(str(width)) if width else None


def sign(value):
    return (value > 0) - (value < 0)


def last_crossing(a, b):
    """Last change of sign of a - b on (0, infinity), or the words for none; lines are (fixed, slope, step, width)."""
    a, b = exact(a), exact(b)

    def long_run(line):
        return line[1] + (line[2] / line[3] if line[3] else 0)

    faster = long_run(a) - long_run(b)
    assert faster != 0
    heights = a[2] + b[2] + abs(a[0] - b[0]) + a[2] + b[2]
    top = heights / abs(faster) + max([line[3] for line in (a, b) if line[3]], default=1)
    places = {Fraction(0), top}
    for line in (a, b):
        if line[3]:
            k = 1
            while k * line[3] < top:
                places.add(k * line[3])
                k += 1
    places = sorted(places)
    final = sign(faster)
    last = None
    before = None  # sign just left of a place
    for left, right in zip(places, places[1:]):
        middle = (left + right) / 2

        def cost(line, x):
            steps = (middle // line[3] + 1) if line[3] else 1
            return line[0] + line[1] * x + line[2] * steps

        at_left = cost(a, left) - cost(b, left)
        at_right = cost(a, right) - cost(b, right)
        if before is not None and before != final and sign(at_left) in (final, 0) and sign(at_right) == final:
            last = (left, before)
        if sign(at_left) == -final and sign(at_right) == final:
            last = (left + (right - left) * abs(at_left) / (abs(at_left) + abs(at_right)), -final)
        before = sign(at_right)
    words = {-1: "candidate", 1: "baseline", 0: "neither"}
    return {"above": words[final], "below": words[last[1]] if last else words[final],
            "at": float(last[0]) if last else None}


def crossings():
    cases = [
        ((0, 0, 788.4, 7_095_600), (0, 0.001555, 0, None)),      # a machine against an endpoint
        ((0, 0, 788.4, 300_000), (0, 0.003, 0, None)),           # overtaken again at each of the first machines
        ((0, 0, 788.4, 300_000), (0, 0.0027, 0, None)),
        ((0, 0, 788.4, 300_000), (0, 0.0025, 0, None)),          # the machine costs more for ever
        ((0, 0.001, 0, None), (0, 0.002, 0, None)),              # cheaper at once
        ((100, 0.001, 0, None), (0, 0.002, 0, None)),
        ((0, 0.003, 0, None), (500, 0.002, 0, None)),            # cheaper below
        ((0, 0, 500, 400_000), (0, 0, 500, 100_000)),            # machines of one kind, one model faster
        ((150, 0, 500, 400_000), (0, 0, 500, 100_000)),
        ((650, 0, 500, 400_000), (0, 0, 500, 100_000)),
        ((11_000, 788.4, 1_000, 6), (0, 10_885, 0, None)),       # months: one-time, retraining each half year
        ((11_000, 100, 1_000, 6), (0, 250, 0, None)),            # retraining eats the savings
        ((11_000, 100, 1_000, 6), (0, 280, 0, None)),
    ]
    for _ in range(60):
        lines = []
        for _ in range(2):
            stepped = rng.random() < 0.6
            lines.append((int(rng.integers(0, 4)) * 50, 0 if stepped else int(rng.integers(1, 30)) / 10_000,
                          int(rng.integers(1, 10)) * 100 if stepped else 0,
                          int(rng.integers(1, 20)) * 50_000 if stepped else None))
        a, b = lines

        def long_run(line):
            _, slope, step, width = exact(line)
            return slope + (step / width if width else 0)

        if long_run(a) != long_run(b):
            cases.append((a, b))
    return [{"candidate": a, "baseline": b, "crossing": last_crossing(a, b)} for a, b in cases]


def hours():
    out = []
    for purchase, months, watts, idle, kwh, monthly, share in [
            (3600, 36, 400, 100, 0.30, 20, 0.6), (0, 0, 65, None, 0.25, 0, 1.0), (12_000, 48, 700, 120, 0.18, 150, 0.35)]:
        used = watts if idle is None else share * watts + (1 - share) * idle
        month = (purchase / months if purchase else 0) + monthly + used / 1000 * HOURS * kwh
        out.append({"purchase": purchase, "lifetime_months": months, "watts": watts, "idle_watts": idle,
                    "price_per_kwh": kwh, "monthly": monthly, "utilisation": share, "per_hour": month / HOURS})
    return out


def month_cost(use, mean, volume):
    if use["machine_per_month"] is None:
        requests = volume * mean
    else:
        capacity = HOURS * 3600 * use["utilisation"] / mean
        requests = use["machine_per_month"] * max(1, math.ceil(volume / capacity))
    retraining = use["retraining"] / use["retraining_months"] if use["retraining_months"] else 0
    return requests + use["monthly"] + retraining


def intervals():
    """A machine against an endpoint, far below the first machine's capacity: fixed costs over the price of a request."""
    out = []
    for n, monthly, retraining, every in [(40, 0, 0, 0), (150, 60, 300, 6)]:
        tokens = np.round(rng.gamma(3, 200, n)) + 1
        small = {"per_sample": [float(round(t * 0.00031, 5)) for t in tokens], "machine_per_month": 120.0,
                 "utilisation": 0.5, "monthly": monthly, "retraining": retraining, "retraining_months": every,
                 "one_time": 900.0}
        large = {"per_sample": [float(round(t * 2.1e-6 + 0.0002, 8)) for t in tokens], "machine_per_month": None,
                 "utilisation": 1.0, "monthly": 0, "retraining": 0, "retraining_months": 0, "one_time": 0.0}
        fixed = small["machine_per_month"] + monthly + (retraining / every if every else 0)
        rows = rng.integers(0, n, (200_000, n))
        prices = np.asarray(large["per_sample"])
        at = fixed / prices[rows].mean(axis=1)
        volume = 400_000.0
        seconds = float(np.mean(small["per_sample"]))
        saving = volume * prices[rows].mean(axis=1) - small["machine_per_month"] - monthly
        assert volume < HOURS * 3600 * 0.5 / (2 * seconds)
        case = {"small": small, "large": large, "volume": volume, "at": fixed / float(prices.mean()),
                "interval": [float(v) for v in np.percentile(at, [2.5, 97.5])],
                "per_month": [month_cost(small, seconds, volume), month_cost(large, float(prices.mean()), volume)]}
        if not every:  # without retraining the month is one division
            case["month"] = 900 / float(volume * prices.mean() - small["machine_per_month"] - monthly)
            case["month_interval"] = [float(v) for v in np.percentile(900 / saving, [2.5, 97.5])]
        out.append(case)
    return out


golden = {"crossings": crossings(), "hours": hours(), "intervals": intervals()}
path = pathlib.Path(__file__).parent.parent / "golden" / "cost.json"
parts = [f' "{key}": [\n' + ",\n".join("  " + json.dumps(case) for case in cases) + "\n ]" for key, cases in golden.items()]
path.write_text("{\n" + ",\n".join(parts) + "\n}\n")  # a case a line
print(path, len(golden["crossings"]), "crossings")
