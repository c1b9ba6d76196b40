"""Prompts, requests and answers of lm-evaluation-harness for humaneval and humaneval_instruct, and pass@k.

Run: `python tests/oracles/code_lm_eval.py FOLDER`, the folder with humaneval/HumanEval.jsonl.gz as OpenAI publishes it.
Writes tests/golden/tasks/humaneval.json. The harness's own task files are read; what their `!function` tags name is put in
from its own humaneval/utils.py, all but the metric, which needs a download.
"""

import ast
import gzip
import hashlib
import json
import os
import pathlib
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_CACHE"] = tempfile.mkdtemp()

import lm_eval
import numpy
import yaml
from lm_eval.api.task import ConfigurableTask

FOLDER = pathlib.Path(lm_eval.__file__).parent / "tasks" / "humaneval"
GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tasks"
ROWS = 10

REPLIES = ["    return 1\n", "    pass\n```\nThat is it.\n```python\n", "", "```", "    return '\u00e9'\n\n\n"]


def helpers():
    """The functions of utils.py without its first lines, which load the metric from the hub."""
    tree = ast.parse((FOLDER / "utils.py").read_text())
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("build_")]
    scope = {}
    exec(compile(tree, "utils.py", "exec"), scope)
    return scope


class Loader(yaml.SafeLoader):
    pass


FUNCTIONS = {**helpers(), "pass_at_k": lambda references, predictions, k: {"pass@1": 0.0}}
Loader.add_constructor("!function", lambda loader, node: FUNCTIONS[node.value.split(".")[1]])


def read(path):
    config = yaml.load(path.read_text(), Loader)
    return {**read(path.parent / config.pop("include")), **config} if "include" in config else config


def chat(messages, add_generation_prompt):
    """A template that shows everything: what the harness hands over is what is compared."""
    return json.dumps({"messages": messages, "add_generation_prompt": add_generation_prompt}, ensure_ascii=False)


def digest(text):
    """The texts are those of the data file, which the test has: their hashes are enough to compare."""
    return hashlib.sha256(text.encode()).hexdigest()


def samples(name, data):
    config = read(FOLDER / f"{name}.yaml")
    config["dataset_path"] = "json"
    config["dataset_kwargs"] = {"data_files": {"test": data}}
    task = ConfigurableTask(config=config)
    out = []
    for apply_chat in (False, True):
        task._instances = None
        task.build_all_requests(limit=ROWS, rank=0, world_size=1, apply_chat_template=apply_chat, chat_template=chat if apply_chat else None)
        for row, instance in enumerate(task.instances):
            if apply_chat:
                shown = json.loads(instance.args[0])
                out[row]["chat"] = [[message["role"], digest(message["content"])] for message in shown["messages"]]
                out[row]["add_generation_prompt"] = shown["add_generation_prompt"]
                continue
            instance.resps = [REPLIES[row % len(REPLIES)]]
            prompt, target = instance.args[0], task.doc_to_target(instance.doc)
            out.append({"prompt": digest(prompt), "generation": instance.args[1], "reply": instance.resps[0], "target": digest(target)})
        if not apply_chat:
            task.apply_filters()
            for row, instance in enumerate(task.instances):
                out[row]["answer"] = digest(instance.filtered_resps["create_test"][0])
    return out


def estimate(n, c, k):
    """The HumanEval paper's formula in numpy, as code_eval has it."""
    return 1.0 if n - c < k else float(1.0 - numpy.prod(1.0 - k / numpy.arange(n - c + 1, n + 1)))


def main():
    source = pathlib.Path(sys.argv[1]) / "humaneval" / "HumanEval.jsonl.gz"
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "test.jsonl")
        with open(data, "wb") as file:
            file.write(gzip.decompress(source.read_bytes()))
        tasks = {name: samples(name, data) for name in ("humaneval", "humaneval_instruct")}
    estimates = [[n, c, k, estimate(n, c, k)] for n in (1, 2, 5, 6, 10, 64, 200) for c in sorted({0, 1, 2, n // 2, n - 1, n}) for k in (1, 2, 8, 10, 64) if c <= n and k <= n]
    golden = {"tasks": tasks, "pass_at_k": estimates}
    (GOLDEN / "humaneval.json").write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
