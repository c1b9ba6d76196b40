"""Expected values for harness/statistics/agreement: writes tests/golden/agreement.json.

Run: python tests/oracles/agreement_golden.py   (needs numpy, scipy, krippendorff, ppi-python)
Alpha is the krippendorff package's; "krippendorff_2011" is the example of Krippendorff 2011, whose values are published
(nominal .743, ordinal .815, interval .849). Weighted means are ppi-python's; their interval is the formula of the
paper with Student's t in place of the normal quantile and n - 1 in the variances.
"""
import json
import pathlib

import krippendorff
import numpy as np
from ppi_py import ppi_mean_pointestimate
from scipy import stats

rng = np.random.default_rng(20261127)
MISSING = np.nan
PUBLISHED = np.array([[1, 2, 3, 3, 2, 1, 4, 1, 2, MISSING, MISSING, MISSING],
                      [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, MISSING, 3],
                      [MISSING, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, MISSING],
                      [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, MISSING]])


def alphas(ratings):
    levels = ("nominal", "ordinal", "interval")
    units = [[float(r) for r in unit if not np.isnan(r)] for unit in ratings.T]
    return {"units": units} | {level: float(krippendorff.alpha(reliability_data=ratings, level_of_measurement=level))
                               for level in levels}


def noisy(raters, units, spread, missing):
    truth = rng.integers(1, 6, units)
    ratings = np.clip(np.round(truth + rng.normal(0, spread, (raters, units))), 1, 5)
    ratings[rng.random(ratings.shape) < missing] = MISSING
    return ratings


def powered(n, unlabelled_n, slope, noise):
    judged = np.round(rng.random(n + unlabelled_n), 2)
    human = np.clip(np.round(slope * judged[:n] + rng.normal(.1, noise, n), 2), 0, 1)
    labelled, unlabelled = judged[:n], judged[n:]
    at = [float(ppi_mean_pointestimate(human, labelled, unlabelled, lam=lam)[0]) for lam in (0, 1)]
    value = float(ppi_mean_pointestimate(human, labelled, unlabelled)[0])
    weight = (value - at[0]) / (at[1] - at[0])  # the estimate is linear in it
    error = np.sqrt(weight**2 * unlabelled.var(ddof=1) / unlabelled_n + (human - weight * labelled).var(ddof=1) / n)
    half = stats.t.ppf(.975, n - 1) * error
    return {"judged": labelled.tolist(), "human": human.tolist(), "unlabelled": unlabelled.tolist(),
            "weight": weight, "mean": value, "interval": [value - half, value + half]}


def main():
    golden = {"alpha": {"krippendorff_2011": alphas(PUBLISHED), "noisy": alphas(noisy(3, 60, .8, .2)),
                        "two_raters": alphas(noisy(2, 25, .3, 0)), "guesses": alphas(noisy(4, 40, 9, .1))},
              "powered": {"close": powered(40, 200, .8, .05), "loose": powered(25, 60, .5, .3),
                          "useless": powered(30, 100, 0, .2), "against": powered(30, 100, -.8, .05)}}
    path = pathlib.Path(__file__).parent.parent / "golden" / "agreement.json"
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
