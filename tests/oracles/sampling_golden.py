"""Makes tests/golden/sampling.json: tokens picked from logits under every filter, by numpy in float64.

Run: python tests/oracles/sampling_golden.py   (numpy 2)

The definition, written out once more: softmax at the temperature; keep the top_k most probable; of those the smallest
set whose probability is at least top_p of theirs; of those the ones with at least min_p times the largest. Ties keep
lower indices. A uniform number of Philox 4x32-10 (counter = position, stream; key = seed) then picks by the cumulative
sum in the order of indices.
"""

import json
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "sampling.json"
MASK = 0xFFFFFFFF


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


def uniform(seed, stream, position):
    w = philox((position & MASK, position >> 32, stream & MASK, stream >> 32), (seed & MASK, seed >> 32))
    return (((w[0] << 32) | w[1]) >> 11) * 2.0**-53


def probabilities(logits, s):
    x = logits.astype(np.float64) / s["temperature"]
    p = np.exp(x - x.max())
    p /= p.sum()
    order = np.argsort(-p, kind="stable")
    kept = order[: s["top_k"]] if s["top_k"] else order
    if s["top_p"] < 1.0:
        share = np.cumsum(p[kept]) / p[kept].sum()
        kept = kept[: int(np.searchsorted(share, s["top_p"], side="left")) + 1]
    kept = kept[p[kept] >= s["min_p"] * p[kept].max()]
    q = np.zeros_like(p)
    q[kept] = p[kept] / p[kept].sum()
    return q


def pick(logits, s, position):
    if s["temperature"] == 0.0:
        return int(np.argmax(logits))
    total = np.cumsum(probabilities(logits, s))
    return int(np.searchsorted(total, uniform(s["seed"], s["stream"], position), side="right"))


def main():
    rng = np.random.default_rng(7)
    tied = np.array([1.0, 3.0, 3.0, 2.0, 3.0, -np.inf, 0.5], dtype=np.float32)
    rows = [tied] + [(rng.standard_normal(n) * scale).astype(np.float32) for n, scale in ((5, 1.0), (40, 2.0), (200, 3.0))]
    settings = [
        dict(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0), dict(temperature=1.0, top_k=0, top_p=1.0, min_p=0.0),
        dict(temperature=0.7, top_k=2, top_p=1.0, min_p=0.0), dict(temperature=1.3, top_k=0, top_p=0.6, min_p=0.0),
        dict(temperature=1.0, top_k=0, top_p=1.0, min_p=0.2), dict(temperature=2.0, top_k=20, top_p=0.9, min_p=0.05),
        dict(temperature=0.01, top_k=0, top_p=0.5, min_p=0.0),
    ]
    cases = []
    for row in rows:
        for s in settings:
            # Seeds and streams above 32 bits too: both halves are part of the key.
            s = dict(s, seed=int(rng.integers(0, 2**63)), stream=int(rng.integers(0, 2**63)))
            cases.append(dict(s, logits=[None if np.isinf(v) else float(v) for v in row],
                              tokens=[pick(row, s, i) for i in range(24)]))
    OUT.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
