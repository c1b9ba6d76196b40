"""Scores of label predictions by scikit-learn; answers that are no label are "[invalid]".

Run: pip install -r tests/oracles/requirements.txt, then `python tests/oracles/tasks_classification.py`. Writes tests/golden/tasks/classification.json.
"""

import json
import pathlib
import random

from sklearn.metrics import f1_score, matthews_corrcoef, precision_recall_fscore_support, precision_score, recall_score

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tasks"
INVALID = "[invalid]"


def case(name, gold, predicted):
    labels = sorted((set(gold) | set(predicted)) - {INVALID})
    out = {"name": name, "gold": gold, "predicted": predicted, "mcc": matthews_corrcoef(gold, predicted)}
    for average in ("macro", "micro", "weighted"):
        out[f"{average}_f1"] = f1_score(gold, predicted, labels=labels, average=average, zero_division=0)
    out["macro_precision"] = precision_score(gold, predicted, labels=labels, average="macro", zero_division=0)
    out["macro_recall"] = recall_score(gold, predicted, labels=labels, average="macro", zero_division=0)
    numbers = precision_recall_fscore_support(gold, predicted, labels=labels, zero_division=0)
    out["classes"] = [{"label": label, "precision": p, "recall": r, "f1": f, "support": int(n)} for label, p, r, f, n in zip(labels, *numbers)]
    return out


def main():
    random.seed(3)
    labels = ["billing", "account", "delivery", "sales"]
    gold = [random.choice(labels) for _ in range(60)]
    noisy = [label if random.random() < 0.6 else random.choice(labels) for label in gold]
    cases = [
        case("noisy", gold, noisy),
        case("invalid answers", gold, [INVALID if random.random() < 0.2 else label for label in noisy]),
        case("perfect", gold, gold),
        case("one class predicted", gold, ["sales"] * 60),
        case("a class never right", ["a", "a", "b", "b"], ["b", "b", "a", "a"]),
        case("a class only predicted", ["a", "a", "b"], ["a", "c", "b"]),
        case("all invalid", ["a", "b"], [INVALID, INVALID]),
        case("one class", ["a", "a"], ["a", "a"]),
    ]
    (GOLDEN / "classification.json").write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
