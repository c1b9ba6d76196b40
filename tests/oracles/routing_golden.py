"""Expected values for harness/statistics/routing: writes tests/golden/routing.json.

Run: python tests/oracles/routing_golden.py   (needs numpy, scikit-learn)
Every share is worked out anew from the definitions, sample by sample; the area is scikit-learn's.
"""
import json
import pathlib

import numpy as np
from sampling_golden import uniform
from sklearn.metrics import auc

rng = np.random.default_rng(20261127)
FOLDS = 10


def threshold(confidence, percent):
    """Below it lie that many percent, rounded half up; nothing at 0, everything at 100."""
    if percent == 0:
        return 0.0
    below = int(np.floor(percent / 100 * len(confidence) + .5))
    return float("inf") if percent == 100 or below >= len(confidence) else float(np.sort(confidence)[below])


def case(confidence, small, large, documents, costs, times):
    folds = np.array([int(uniform(1, 0, int(d)) * FOLDS) for d in documents])
    points = []
    for percent in range(101):
        sent = np.array([c < threshold(confidence[folds != f], percent) for c, f in zip(confidence, folds)])
        routed = np.where(sent, large, small)
        took = times[:, 0] + np.where(sent, times[:, 1], 0)
        both = np.isfinite(times).all(axis=1)
        own = threshold(confidence, percent)
        points.append([float(sent.mean()), None if own == float("inf") else own, float(routed.mean()),
                       float((costs[:, 0] + np.where(sent, costs[:, 1], 0)).mean()), float(np.percentile(took[both], 95))])
    share, _, accuracy, _, _ = (np.array(column, float) for column in zip(*points))
    area, first, last = auc(share, accuracy), small.mean(), large.mean()
    gains = np.sort(large - small)[::-1]
    oracle = [float((small.sum() + gains[:int(np.floor(p / 100 * len(small) + .5))].sum()) / len(small)) for p in range(101)]
    reached = {str(part): float(share[np.argmax(accuracy >= first + part * (last - first) - 1e-12)]) for part in (.25, .5, .8, 1)}
    columns = {"confidence": confidence, "small": small, "large": large, "small_cost": costs[:, 0], "large_cost": costs[:, 1]}
    rows = {name: column.tolist() for name, column in columns.items()} | {"document": [int(d) for d in documents]}
    rows |= {name: [None if np.isnan(t) else float(t) for t in column] for name, column in zip(("small_ms", "large_ms"), times.T)}
    return {"rows": rows, "points": points, "oracle": oracle, "area": float(area),
            "apgr": float((area - first) / (last - first)), "cpt": reached}


def main():
    n = 97
    confidence = np.round(rng.beta(4, 2, n), 3)
    small = (rng.random(n) < confidence).astype(float)
    large = (rng.random(n) < .85).astype(float)
    costs = np.round(np.column_stack([rng.uniform(1, 2, n), rng.uniform(8, 12, n)]), 2)
    times = np.round(np.column_stack([rng.gamma(4, 5, n), rng.gamma(4, 50, n)]), 1)
    times[::7, 1] = np.nan
    m = 80
    levels = rng.integers(1, 5, m) / 4
    partial = np.round(np.clip(rng.normal(levels, .3, m), 0, 1), 2)
    golden = {"binary": case(confidence, small, large, np.arange(n), costs, times),
              "ties": case(levels, partial, np.round(rng.beta(6, 2, m), 2), np.arange(m) // 2, costs[:m], times[:m])}
    path = pathlib.Path(__file__).parent.parent / "golden" / "routing.json"
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
