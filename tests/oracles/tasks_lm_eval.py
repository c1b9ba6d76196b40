"""Prompts, requests, filtered answers and scores of lm-evaluation-harness for the task files in tests/tasks/cases.

Run: pip install -r tests/oracles/requirements.txt, then `python tests/oracles/tasks_lm_eval.py`.
Writes tests/golden/tasks/NAME.json for every NAME.yaml there. Replies are made up here, so no model is needed.
"""

import hashlib
import json
import os
import pathlib
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_CACHE"] = tempfile.mkdtemp()

import yaml
from lm_eval.api.task import ConfigurableTask

ROOT = pathlib.Path(__file__).resolve().parent.parent
CASES = ROOT / "tasks" / "cases"
GOLDEN = ROOT / "golden" / "tasks"

# What a model might write: the traps of answer extraction.
TEXTS = {
    "sums": ["He has 7.\n#### 7", "so 1,234.50. The total is $18.", "It is 1,234.5.\n#### 1,234.5\n", "The answer is 540. So", "The answer is 540",
             "1,000,000", "#### 0.", "no number here", "18.\n"],
    "facts": ["Paris.", " goethe ", "the answer is four.", "the answer is istanbul"],
}


def read(path):
    config = yaml.safe_load(path.read_text())
    if "include" in config:
        config = {**read(path.parent / config.pop("include")), **config}
    return config


def likelihood(name, row, choice):
    """A made-up log-probability: different everywhere, except that every fifth row ties all its choices."""
    digest = hashlib.sha256(f"{name} {row if row % 5 else 'tie'} {choice if row % 5 else 'tie'}".encode()).digest()
    return -1.0 - int.from_bytes(digest[:2], "big") / 1000.0, digest[2] % 2 == 0


def reply(name, task, instance, row):
    if task.OUTPUT_TYPE == "generate_until":
        return TEXTS[name][row]
    logprob, greedy = likelihood(name, row, instance.idx)
    return logprob if task.OUTPUT_TYPE == "loglikelihood_rolling" else (logprob, greedy)


def sample(task, instances, doc, name):
    rolling = task.OUTPUT_TYPE == "loglikelihood_rolling"
    generate = task.OUTPUT_TYPE == "generate_until"
    out = {"prompt": instances[0].args[0], "asks": [], "replies": []}
    for instance in instances:
        if generate:
            out["asks"].append({"until": instance.args[1]["until"]})
            out["replies"].append({"text": instance.resps[0]})
        elif rolling:
            out["replies"].append({"logprob": instance.resps[0]})
        else:
            out["asks"].append({"continuation": instance.args[1]})
            out["replies"].append({"logprob": instance.resps[0][0], "greedy": instance.resps[0][1]})
    out["filters"] = {}
    for pipeline in instances[0].filtered_resps:
        results = [instance.filtered_resps[pipeline] for instance in instances]
        scores = task.process_results(doc, results)
        out["filters"][pipeline] = {"answer": results[0] if generate else None, "scores": scores}
    return out


def only(step):
    """Our built-in step `only` as the Python function that it stands for."""
    return lambda documents: documents.filter(lambda row: row[step["field"]] == step["equals"])


def run(path):
    config = read(path)
    for keys in (config, config.get("fewshot_config", {})):
        if keys.get("process_docs"):
            keys["process_docs"] = only(keys["process_docs"])
    name = config["task"]
    config["dataset_kwargs"] = {"data_files": {split: str(CASES / file) for split, file in config["dataset_kwargs"]["data_files"].items()}}
    task = ConfigurableTask(config=config)
    task.set_fewshot_seed(1234)
    task.build_all_requests(rank=0, world_size=1)
    by_row = {}
    for instance in task.instances:
        by_row.setdefault(instance.doc_id, []).append(instance)
    for row, instances in by_row.items():
        for instance in instances:
            instance.resps = [reply(name, task, instance, row)]
    task.apply_filters()
    samples = [sample(task, instances, instances[0].doc, name) for instances in by_row.values()]
    results = {}
    for pipeline in samples[0]["filters"]:
        for metric in samples[0]["filters"][pipeline]["scores"]:
            items = [entry["filters"][pipeline]["scores"][metric] for entry in samples]
            results.setdefault(pipeline, {})[metric] = float(task.aggregation()[metric](items))
    for entry in samples:  # what a set metric passes along is no score
        for outcome in entry["filters"].values():
            outcome["scores"] = {metric: float(score) for metric, score in outcome["scores"].items() if not isinstance(score, tuple)}
    text = json.dumps({"samples": samples, "results": results}, indent=1, ensure_ascii=False)
    (GOLDEN / f"{name}.json").write_text(text + "\n")
    print(name, len(samples), results)


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for case in sorted(CASES.glob("*.yaml")):
        run(case)
