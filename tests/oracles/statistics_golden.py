"""Expected values for harness/statistics from SciPy and statsmodels: writes tests/golden/statistics.json.

Run: python tests/oracles/statistics_golden.py   (needs numpy, scipy, statsmodels; about a minute)
No formula of ours is repeated here where a library computes the quantity; where none does (Tango's interval, Fieller's,
LoadGen's rule) the defining equation is solved numerically, without the closed forms that the C++ code uses.
"""
import json
import pathlib

import numpy as np
from scipy import optimize, special, stats
from statsmodels.api import OLS
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import ttost_paired

rng = np.random.default_rng(20260801)
OUR_RESAMPLES = 10_000
BCA_RESAMPLES = 20 * OUR_RESAMPLES  # so that the expected ends carry a fifth of the error of ours


def rounded(values, digits=3):
    return [round(float(v), digits) for v in values]


def pair(interval):
    return [float(interval[0]), float(interval[1])]


def wilson():
    cases = []
    for k, n, confidence in [(0, 1, .95), (1, 1, .95), (0, 20, .95), (20, 20, .95), (7, 20, .95), (7, 20, .99),
                             (81, 263, .95), (5021, 10042, .95), (1, 1319, .9)]:
        low, high = proportion_confint(k, n, 1 - confidence, method="wilson")
        again = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
        assert np.allclose([low, high], [again.low, again.high], atol=1e-12)
        cases.append({"k": k, "n": n, "confidence": confidence, "interval": [float(low), float(high)]})
    return cases


def means():
    cases = []
    for n, confidence in [(2, .95), (3, .95), (10, .9), (40, .95), (40, .99)]:
        values = rounded(rng.beta(2, 3, n))
        low, high = stats.t.interval(confidence, n - 1, np.mean(values), stats.sem(values))
        cases.append({"values": values, "confidence": confidence, "mean": float(np.mean(values)),
                      "standard_error": float(stats.sem(values)), "interval": pair((low, high))})
    return cases


def clustered_fit(values, clusters, confidence):
    """Mean, standard error and interval from a regression on a constant with cluster-robust errors."""
    fit = OLS(np.asarray(values), np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": np.asarray(clusters)}, use_t=True)
    return float(fit.params[0]), float(fit.bse[0]), pair(fit.conf_int(1 - confidence)[0]), float(fit.pvalues[0])


def clustered():
    cases = []
    for sizes in ([2, 3], [1, 1, 1, 1, 1, 1], [5, 1, 7, 2, 9, 3, 3], [4] * 12):
        clusters, values = [], []
        for cluster, size in enumerate(sizes):
            level = rng.uniform(0.2, 0.8)
            clusters += [1000 - 7 * cluster] * size
            values += rounded(np.clip(rng.normal(level, 0.1, size), 0, 1))
        order = rng.permutation(len(values))
        clusters, values = [clusters[i] for i in order], [values[i] for i in order]
        mean, error, interval, _ = clustered_fit(values, clusters, .95)
        cases.append({"values": values, "clusters": clusters, "mean": mean, "standard_error": error,
                      "interval": interval})
    return cases


def groups():
    """pooled_sample_stderr and the size-weighted mean of lm-evaluation-harness, lm_eval/api/metrics.py."""
    members = [{"value": .41, "standard_error": .049, "n": 100}, {"value": .63, "standard_error": .042, "n": 132},
               {"value": .27, "standard_error": .026, "n": 299}]
    sizes = np.array([m["n"] for m in members])
    errors = np.array([m["standard_error"] for m in members])
    pooled_variance = sum((sizes - 1) * errors ** 2 * sizes) / (sum(sizes) - len(sizes))
    error = np.sqrt(pooled_variance / sum(sizes))
    mean = np.average([m["value"] for m in members], weights=sizes)
    return {"members": members, "value": float(mean),
            "interval": pair(stats.t.interval(.95, sum(sizes) - len(sizes), mean, error))}


def mcnemar_cases():
    cases = []
    for a, b in [(0, 0), (1, 0), (0, 1), (3, 3), (4, 3), (1, 7), (10, 25), (0, 12), (150, 190), (1200, 1290)]:
        p = 1.0 if a + b == 0 else mcnemar([[5, a], [b, 5]], exact=True).pvalue
        flips = stats.binom(a + b, .5)
        k = min(a, b)
        mid = 1.0 if a == b else 2 * flips.cdf(k - 1) + flips.pmf(k)
        cases.append({"only_a": a, "only_b": b, "p": float(p), "mid_p": float(mid)})
    return cases


def tango_statistic(a, b, n, d):
    """Score statistic with the constrained maximum of the trinomial likelihood found numerically."""
    width = (1 - abs(d)) / 2  # the loss probability is max(0, -d) + u with 0 <= u <= width

    def cells(u):  # probabilities of a win, a loss, and neither
        return u + max(0.0, d), u + max(0.0, -d), 2 * (width - u)

    def slope(u):
        win, loss, neither = cells(u)
        return ((a / win if a else 0) + (b / loss if b else 0)
                - (2 * (n - a - b) / neither if n > a + b else 0))

    def likelihood(u):
        win, loss, neither = cells(u)
        return special.xlogy(a, win) + special.xlogy(b, loss) + special.xlogy(n - a - b, neither)

    inside = (width * 1e-14, width * (1 - 1e-14))
    if slope(inside[0]) <= 0:
        u = 0.0
    elif slope(inside[1]) >= 0:
        u = width
    else:
        u = optimize.brentq(slope, *inside, xtol=1e-18, rtol=1e-15)
    assert all(likelihood(u) >= likelihood(width * share) - 1e-9 for share in (.01, .37, .99))
    q = cells(u)[1]
    return (a - b - n * d) / np.sqrt(n * (2 * q + d - d * d))


def tango():
    cases = []
    for a, b, n, confidence in [(1, 7, 21, .95), (7, 1, 21, .95), (0, 0, 1, .95), (0, 0, 50, .95), (0, 0, 50, .99),
                                (5, 5, 40, .95), (0, 9, 30, .95), (12, 0, 12, .95), (1, 0, 1, .95),
                                (30, 20, 50, .95), (40, 55, 1319, .95), (150, 190, 10042, .9)]:
        z = stats.norm.ppf(.5 + confidence / 2)
        observed = (a - b) / n
        tiny = 1e-12

        def end(target, low, high):
            return optimize.brentq(lambda d: tango_statistic(a, b, n, d) - target, low, high, xtol=1e-15)

        low = -1.0 if b == n else end(z, -1 + tiny, observed - tiny)
        high = 1.0 if a == n else end(-z, observed + tiny, 1 - tiny)
        cases.append({"only_a": a, "only_b": b, "n": n, "confidence": confidence, "interval": [low, high]})
    # Fagerland, Lydersen, Laake 2014 (Statistics in Medicine 33:2850) print -0.517 to -0.026 for 1 and 7 of 21.
    assert [round(end, 3) for end in cases[0]["interval"]] == [-0.517, -0.026]
    return cases


def paired_t():
    cases = []
    for n in (2, 5, 30):
        a, b = rounded(rng.beta(4, 2, n)), rounded(rng.beta(3, 2, n))
        test = stats.ttest_rel(a, b)
        interval = test.confidence_interval(.95)
        cases.append({"a": a, "b": b, "difference": float(np.mean(np.subtract(a, b))), "p": float(test.pvalue),
                      "interval": pair(interval)})
    clusters = [i // 3 for i in range(30)]
    mean, _, interval, p = clustered_fit(np.subtract(cases[-1]["a"], cases[-1]["b"]), clusters, .95)
    return {"pairs": cases, "clusters": clusters, "clustered": {"difference": mean, "p": p, "interval": interval}}


def holm():
    cases = []
    for p in ([.04], [.01, .04, .03, .005], [.5, .6, .9], [.02, .02, .02], rounded(rng.uniform(0, .2, 12))):
        cases.append({"p": p, "adjusted": [float(x) for x in multipletests(p, method="holm")[1]]})
    return cases


def percentiles():
    cases = []
    for n in (1, 2, 5, 37, 200):
        values = rounded(rng.gamma(2, 20, n), 2)
        cases.append({"values": values, "percentiles": [[p, float(np.percentile(values, p))]
                                                        for p in (0, 1, 25, 50, 90, 95, 99, 100)]})
    return cases


def order_statistics():
    """Ranks (from 1) of the ends; scipy's quantile_test gives each end as a one-sided bound at the same tail."""
    cases = []
    for n, percent, confidence in [(5, 50, .95), (30, 50, .95), (30, 90, .95), (200, 90, .95), (200, 99, .95),
                                   (1000, 99, .95), (1000, 99, .99), (101, 50, .9)]:
        interval = stats.quantile_test(np.arange(1, n + 1), p=percent / 100).confidence_interval(confidence)
        low, high = (None if np.isnan(end) else float(end) for end in interval)
        cases.append({"n": n, "percent": percent, "confidence": confidence, "low": low, "high": high})
    return cases


def early_stopping():
    cases = []
    for percent in (50, 90, 95, 99, 99.9):
        for over in (0, 1, 2, 10):
            h = 1
            while special.betainc(h, 1 + over, percent / 100) > .01:
                h += 1
            cases.append({"percent": percent, "over": over, "below": h})
    # Totals that MLPerf states: 64 queries for the 90th percentile, 662 for the 99th.
    totals = {(c["percent"], c["over"]): c["below"] + c["over"] for c in cases}
    assert totals[90, 1] == 64 and totals[99, 1] == 662
    return cases


def monte_carlo_error(distribution, end):
    """Standard error of this quantile when it is taken from OUR_RESAMPLES resamples."""
    place = np.searchsorted(distribution, end) / len(distribution)
    step = np.sqrt(place * (1 - place) / OUR_RESAMPLES)
    low, high = np.quantile(distribution, [max(0, place - step), min(1, place + step)])
    return float(high - low) / 2


def bootstrap():
    values = rounded(rng.exponential(1, 40))
    # Partial scores: resampled ratios of 0/1 scores lie on a coarse lattice, whose steps would hide an error.
    large = np.array(rounded(rng.beta(4, 2, 60)))
    small = np.array(rounded(np.clip(large * rng.beta(6, 2, 60), 0, 1)))

    def run(data, statistic, method):
        result = stats.bootstrap(data, statistic, paired=len(data) > 1, vectorized=True, n_resamples=BCA_RESAMPLES,
                                 batch=5000, method=method, rng=np.random.default_rng(7))
        return {"interval": pair(result.confidence_interval),
                "monte_carlo": [monte_carlo_error(np.sort(result.bootstrap_distribution), end)
                                for end in result.confidence_interval]}

    def mean(x, axis):
        return np.mean(x, axis=axis)

    def spread(x, axis):
        return np.var(x, axis=axis)

    def ratio(x, y, axis):
        return np.mean(x, axis=axis) / np.mean(y, axis=axis)

    def fieller_p(r):
        return stats.ttest_1samp(small - r * large, 0).pvalue - .05

    centre = float(np.mean(small) / np.mean(large))
    fieller = [optimize.brentq(fieller_p, centre - 1, centre, xtol=1e-14),
               optimize.brentq(fieller_p, centre, centre + 1, xtol=1e-14)]
    return {"values": values, "mean_bca": run((values,), mean, "BCa"),
            "mean_percentile": run((values,), mean, "percentile"), "variance_bca": run((values,), spread, "BCa"),
            "small": small.tolist(), "large": large.tolist(), "retention": centre,
            "retention_bca": run((small, large), ratio, "BCa"), "fieller": fieller}


def clustered_bootstrap():
    """The mean over rows is a ratio over clusters, of their sums and their sizes; whole clusters are resampled."""
    sizes = rng.integers(1, 7, 40)
    clusters = np.repeat(np.arange(40), sizes)
    values = np.array(rounded(rng.exponential(1, 40)[clusters] + rng.exponential(.3, len(clusters))))
    sums = np.array([values[clusters == c].sum() for c in range(40)])
    result = stats.bootstrap((sums, sizes), lambda x, y, axis: np.sum(x, axis=axis) / np.sum(y, axis=axis), paired=True,
                             vectorized=True, n_resamples=BCA_RESAMPLES, batch=5000, method="BCa",
                             rng=np.random.default_rng(7))
    return {"values": values.tolist(), "clusters": clusters.tolist(),
            "bca": {"interval": pair(result.confidence_interval),
                    "monte_carlo": [monte_carlo_error(np.sort(result.bootstrap_distribution), end)
                                    for end in result.confidence_interval]}}


def tost():
    """Two one-sided tests at margins around the one at which equivalence begins to be shown at 2.5 %."""
    a, b = rounded(rng.beta(4, 2, 50)), rounded(rng.beta(4, 2, 50))
    edge = optimize.brentq(lambda m: ttost_paired(np.array(a), np.array(b), -m, m)[0] - .025, 1e-3, 1)
    return {"a": a, "b": b, "margins": [[edge * f, float(ttost_paired(np.array(a), np.array(b), -edge * f, edge * f)[0])]
                                        for f in (.5, .99, 1.01, 2)]}


def main():
    golden = {"wilson": wilson(), "means": means(), "clustered": clustered(), "group": groups(),
              "mcnemar": mcnemar_cases(), "tango": tango(), "paired_t": paired_t(), "holm": holm(),
              "percentiles": percentiles(), "order_statistics": order_statistics(),
              "early_stopping": early_stopping(), "bootstrap": bootstrap(),
              "clustered_bootstrap": clustered_bootstrap(), "tost": tost()}
    path = pathlib.Path(__file__).parent.parent / "golden" / "statistics.json"
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
