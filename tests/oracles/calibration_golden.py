"""Expected values for harness/statistics/{calibration,selection,temperature}: writes tests/golden/calibration.json.

Run: python tests/oracles/calibration_golden.py   (needs numpy, scipy, scikit-learn, statsmodels; some seconds)
What a library computes is taken from it; DeLong's variance and the risk-coverage curve, which none of these has, are written
down by their definitions over all pairs and all thresholds, without the sorting that the C++ code uses.
"""
import json
import pathlib
import warnings

import numpy as np
from scipy import optimize, special, stats
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, roc_auc_score
from statsmodels.api import OLS, Logit
from statsmodels.stats.proportion import proportion_confint

rng = np.random.default_rng(20261127)
RESAMPLES = 40_000


def bins_of(confidence, parts=10):
    """Members of each bin: numpy.array_split of the sorted answers, each cut moved behind the last equal confidence."""
    order = np.argsort(confidence, kind="stable")
    values = confidence[order]
    sizes = [len(part) for part in np.array_split(order, parts)]
    cuts = [np.searchsorted(values, values[cut - 1], side="right") for cut in np.cumsum(sizes) if cut > 0]
    return [part for part in np.split(order, np.unique(cuts)) if len(part)]


def error_of(confidence, right, bins):
    return sum(abs(np.sum(confidence[b] - right[b])) for b in bins) / len(confidence)


def bin_rows(confidence, right):
    rows = []
    for b in bins_of(confidence):
        low, high = proportion_confint(right[b].sum(), len(b), method="wilson")
        rows.append([len(b), int(right[b].sum()), float(confidence[b].mean()), float(low), float(high)])
    return rows


def resampled_error(confidence, right, documents, bins):
    """Ends of the interval from a bootstrap over documents, each with its Monte Carlo error at 1,000 resamples."""
    number = np.empty(len(confidence), int)
    for i, b in enumerate(bins):
        number[b] = i
    _, group = np.unique(documents, return_inverse=True)
    groups = group.max() + 1
    sums = np.zeros((groups, len(bins)))
    np.add.at(sums, (group, number), confidence - right)
    sizes = np.bincount(group)
    counts = rng.multinomial(groups, np.full(groups, 1 / groups), RESAMPLES)
    values = np.sort(np.abs(counts @ sums).sum(axis=1) / (counts @ sizes))
    value = error_of(confidence, right, bins)
    errors = []
    for share in (.975, .025):
        step = np.sqrt(share * (1 - share) / 1000)
        around = np.quantile(values, [max(0, share - step), min(1, share + step)])
        errors.append(float(around[1] - around[0]) / 2)
    low, high = np.quantile(values, [.025, .975])
    ends = [2 * value - high, value + (high - low) / 2]
    chance = [error_of(confidence, row, bins) for row in rng.random((RESAMPLES // 4, len(confidence))) < confidence]
    if value <= np.quantile(chance, .975):
        ends[0] = 0
    return [float(end) for end in ends], errors, float(np.mean(chance))


def mean_of(values, documents):
    """Mean and its interval: Student's t, over documents where they repeat."""
    if len(set(documents)) == len(documents):
        low, high = stats.t.interval(.95, len(values) - 1, np.mean(values), stats.sem(values))
    else:
        fit = OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": documents}, use_t=True)
        low, high = fit.conf_int(.05)[0]
    return {"value": float(np.mean(values)), "interval": [float(low), float(high)]}


def area(confidence, right, documents):
    up, down = confidence[right == 1], confidence[right == 0]
    wins = (up[:, None] > down[None, :]) + .5 * (up[:, None] == down[None, :])
    value = roc_auc_score(right, confidence)
    assert np.isclose(value, wins.mean(), atol=1e-12)
    if len(set(documents)) == len(documents):
        variance = np.var(wins.mean(axis=1), ddof=1) / len(up) + np.var(wins.mean(axis=0), ddof=1) / len(down)
    else:
        moves = np.concatenate([(wins.mean(axis=1) - value) / len(up), (wins.mean(axis=0) - value) / len(down)])
        owners = np.concatenate([documents[right == 1], documents[right == 0]])
        names = np.unique(owners)
        variance = sum(moves[owners == d].sum() ** 2 for d in names) * len(names) / (len(names) - 1)
    half = stats.norm.ppf(.975) * np.sqrt(variance) / (value * (1 - value))
    return {"value": float(value), "interval": [float(x) for x in special.expit(special.logit(value) + np.array([-half, half]))]}


def risk(confidence, right):
    points, own = [], np.empty(len(confidence))
    for threshold in sorted(set(confidence), reverse=True):
        answered = confidence >= threshold
        points.append([float(threshold), int(answered.sum()), int((1 - right[answered]).sum())])
        own[confidence == threshold] = np.mean(1 - right[answered])
    return {"points": points, "area": float(own.mean())}


def temperature(confidence, right, documents):
    x = special.logit(np.clip(confidence, 1e-6, 1 - 1e-6))

    def loss(b):
        return -np.sum(special.log_expit(b * np.where(right == 1, x, -x)))

    b = optimize.minimize_scalar(loss, bounds=(.01, 100), method="bounded", options={"xatol": 1e-11}).x
    repeats = len(set(documents)) < len(documents)
    robust = {"cov_type": "cluster", "cov_kwds": {"groups": documents, "use_correction": False}} if repeats else {"cov_type": "HC0"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Keyword arguments have been passed", category=FutureWarning)
        fit = Logit(right, x).fit(disp=0, tol=1e-14, **robust)
    assert np.isclose(fit.params[0], b, rtol=1e-6)
    low, high = np.clip(fit.params[0] + stats.norm.ppf([.025, .975]) * fit.bse[0], .01, 100)
    return {"value": float(1 / fit.params[0]), "interval": [float(1 / high), float(1 / low)]}


def case(confidence, right, documents=None):
    confidence, right = np.asarray(confidence, float), np.asarray(right, int)
    documents = np.arange(len(confidence)) if documents is None else np.asarray(documents)
    bins = bins_of(confidence)
    ends, errors, chance = resampled_error(confidence, right, documents, bins)
    squares = (confidence - right) ** 2
    assert np.isclose(brier_score_loss(right, confidence), squares.mean(), atol=1e-12)
    if len(confidence) % 10 == 0 and len(set(confidence)) == len(confidence):
        true, predicted = calibration_curve(right, confidence, n_bins=10, strategy="quantile")
        assert np.allclose(true, [right[b].mean() for b in bins]) and np.allclose(predicted, [confidence[b].mean() for b in bins])
    return {"confidence": confidence.tolist(), "right": right.tolist(), "documents": documents.tolist(),
            "bins": bin_rows(confidence, right),
            "ece": {"value": float(error_of(confidence, right, bins)), "interval": ends, "monte_carlo": errors},
            "chance": chance, "brier": mean_of(squares, documents),
            "overconfidence": mean_of(confidence - right, documents), "auroc": area(confidence, right, documents),
            "risk": risk(confidence, right), "temperature": temperature(confidence, right, documents)}


def too_sure(n, sharpness, digits=4):
    """Distinct confidences, and answers that are right as often as the confidence divided by `sharpness` in its logit says."""
    confidence = np.round(rng.beta(5, 2, n), digits)
    while len(set(confidence)) < n:
        confidence = np.round(rng.beta(5, 2, n), digits + 1)
    return confidence, rng.random(n) < special.expit(special.logit(confidence) / sharpness)


def main():
    levels = rng.integers(1, 6, 120) / 5  # agreement of five samples: ties everywhere, and 1 among them
    conversations = np.repeat(np.arange(40), 4)
    mood = rng.normal(0, 1.2, 40)[conversations]
    stated = np.round(special.expit(1.2 + mood + rng.normal(0, .5, 160)), 4)
    golden = {"plain": case(*too_sure(100, 1)), "too_sure": case(*too_sure(137, 2.5)),
              "ties": case(levels, rng.random(120) < .3 + .5 * levels),
              "documents": case(stated, rng.random(160) < special.expit(.6 + mood), 1000 - 7 * conversations),
              "few": case([.9, .2, .7, .6, .8, .55, .3], [1, 0, 0, 1, 1, 1, 1])}
    path = pathlib.Path(__file__).parent.parent / "golden" / "calibration.json"
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in golden.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    warnings.simplefilter("error")
    main()
