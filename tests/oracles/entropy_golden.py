"""Makes tests/golden/tasks/entropy.json: [counts of distinct answers, their entropy in nats] by scipy.stats.entropy.

    python tests/oracles/entropy_golden.py   (needs scipy 1.17.1)
"""

import json
from pathlib import Path

from scipy.stats import entropy

OUT = Path(__file__).resolve().parent.parent / "golden" / "tasks" / "entropy.json"
COUNTS = [[2], [5], [1, 1], [3, 1], [2, 2, 1], [1, 1, 1, 1, 1], [7, 2, 1], [9, 1]]

OUT.write_text(json.dumps([[counts, float(entropy(counts))] for counts in COUNTS]) + "\n")
