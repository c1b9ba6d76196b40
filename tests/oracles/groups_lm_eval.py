"""Standard errors of groups of tasks by lm-evaluation-harness's own functions.

Run: pip install -r tests/oracles/requirements.txt, then `python tests/oracles/groups_lm_eval.py`. Writes tests/golden/groups.json.
"""

import json
import pathlib
import random

from lm_eval.api.metrics import mean_stderr, pooled_sample_stderr, unweighted_mean_stderr

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"


def main():
    draw = random.Random(8)
    cases = []
    for tasks in (1, 2, 3, 57):
        sizes = [draw.randint(2, 400) for _ in range(tasks)]
        scores = [[float(draw.random() < 0.6) for _ in range(size)] for size in sizes]
        errors = [mean_stderr(task) for task in scores]
        cases.append({"sizes": sizes, "errors": errors, "pooled": float(pooled_sample_stderr(errors, sizes)), "unweighted": float(unweighted_mean_stderr(errors))})
    (GOLDEN / "groups.json").write_text(json.dumps(cases).replace("}, {", "},\n{") + "\n")


if __name__ == "__main__":
    main()
