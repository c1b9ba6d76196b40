"""Expected values for harness/statistics/logistic: writes tests/golden/logistic.json.

Run: python tests/oracles/logistic_golden.py   (needs numpy, scikit-learn)
scikit-learn's LogisticRegression after its StandardScaler, put back onto the features as given.
"""
import json
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(20261127)


def case(features, labels, strength):
    scaler = StandardScaler().fit(features)
    scaled = scaler.transform(features)
    fitted = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-12, max_iter=1000).fit(scaled, labels)
    weights = fitted.coef_[0] / scaler.scale_
    intercept = fitted.intercept_[0] - (weights * scaler.mean_).sum()
    return {"features": features.ravel().tolist(), "columns": features.shape[1], "labels": [int(y) for y in labels],
            "strength": strength, "weights": weights.tolist(), "intercept": float(intercept),
            "probabilities": fitted.predict_proba(scaled)[:8, 1].tolist()}


def main():
    n = 120
    plain = np.column_stack([rng.normal(2, 3, n), rng.gamma(2, 50, n), rng.integers(0, 2, n)]).round(3)
    noisy = (rng.random(n) < 1 / (1 + np.exp(-(0.4 * plain[:, 0] - 0.01 * plain[:, 1] + plain[:, 2])))).astype(int)
    apart = np.column_stack([np.arange(40.), rng.normal(size=40).round(3)])
    cases = {"noisy": case(plain, noisy, 1.0), "weak penalty": case(plain, noisy, 1000.0),
             "strong penalty": case(plain, noisy, 0.01), "perfectly apart": case(apart, (np.arange(40) >= 20).astype(int), 1.0)}
    path = pathlib.Path(__file__).parent.parent / "golden" / "logistic.json"
    lines = [f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in cases.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
