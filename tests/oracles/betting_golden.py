"""Expected values for harness/statistics/betting from the authors' package confseq: writes tests/golden/betting.json.

Run: python tests/oracles/betting_golden.py   (needs numpy, scipy, confseq and what its betting.py imports)
Of confseq only Python files are used; where its C++ part does not build, its source will do:
    pip download --no-deps --no-binary :all: confseq==0.0.11 && tar xf confseq-0.0.11.tar.gz
    PYTHONPATH=confseq-0.0.11/src python tests/oracles/betting_golden.py
"""
import json
import pathlib

import numpy as np
from scipy import optimize

np.float_ = np.float64  # confseq names it in annotations; NumPy 2 has it no more
from confseq.betting import betting_mart
from confseq.betting_strategies import lambda_predmix_eb

rng = np.random.default_rng(20261126)


def capital(x, m, alpha, population):
    """The hedged capital after the last value, if the mean is m."""
    bets = lambda values, _: lambda_predmix_eb(values, alpha=alpha / 2)
    return betting_mart(np.asarray(x), m, alpha=alpha, lambdas_fn_positive=bets, lambdas_fn_negative=bets,
                        N=population, theta=.5, trunc_scale=.5, m_trunc=True)[-1]


def interval(values, lowest, highest, confidence, population):
    x = (np.asarray(values) - lowest) / (highest - lowest)
    alpha = 1 - confidence
    if population is None:
        least, most = 0.0, 1.0
    else:  # what is left is all 0, or all 1
        least, most = x.sum() / population, (x.sum() + population - len(x)) / population
    # The capital is the larger of two that fall and rise with m: least near the mean of x.
    inside = optimize.minimize_scalar(lambda m: capital(x, m, alpha, population), bounds=(least, most),
                                      method="bounded", options={"xatol": 1e-12}).x
    assert capital(x, inside, alpha, population) < 1 / alpha

    def end(limit):
        edge = limit + (1e-12 if limit < inside else -1e-12)
        excess = lambda m: float(np.log(capital(x, m, alpha, population)) - np.log(1 / alpha))
        return limit if excess(edge) < 0 else optimize.brentq(excess, edge, inside, xtol=1e-15)

    return [lowest + (highest - lowest) * end(least), lowest + (highest - lowest) * end(most)]


def differences(n, win, loss):
    return [int(d) for d in rng.choice([1, 0, -1], n, p=[win, 1 - win - loss, loss])]


def main():
    partial = [round(float(v), 3) for v in rng.beta(5, 3, 120) - rng.beta(4, 4, 120)]
    scores = [round(float(v), 3) for v in rng.beta(8, 2, 60)]
    few = differences(12, .3, .1)
    some = differences(300, .12, .05)
    rows = [(few[:1], -1, 1, .95, None), (few, -1, 1, .95, None), (some, -1, 1, .95, None),
            (some, -1, 1, .8, None), ([0] * 200, -1, 1, .95, None), ([1] * 40, -1, 1, .95, None),
            (partial, -1, 1, .95, None), (scores, 0, 1, .9, None), (differences(3000, .03, .06), -1, 1, .95, None),
            (few, -1, 1, .95, 14), (some, -1, 1, .95, 320), (some, -1, 1, .95, 1319), (partial, -1, 1, .99, 400)]
    cases = [{"values": values, "lowest": low, "highest": high, "confidence": confidence, "population": population,
              "interval": interval(values, low, high, confidence, population)}
             for values, low, high, confidence, population in rows]
    path = pathlib.Path(__file__).parent.parent / "golden" / "betting.json"
    path.write_text("[\n" + ",\n".join(f"  {json.dumps(case)}" for case in cases) + "\n]\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
