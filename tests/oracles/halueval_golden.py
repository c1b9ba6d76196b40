"""Makes tests/golden/halueval/qa.json: what HaluEval's own evaluation asks and how it judges the replies.

    git clone https://github.com/RUCAIBox/HaluEval && git -C HaluEval checkout b7253db3cdaa0ab2c382f92b26b390109174f77e
    python tests/oracles/halueval_golden.py HaluEval [SHARED]

Its evaluate.py runs as it is; only the model behind it is replaced, by one that notes its prompts and gives the
replies below in turn, and the coin that chooses between the two answers to a question, so that both are asked.

prompts    SHA-256 of the prompt for each of the first questions, about the right answer and about the invented one
judgements [reply, what it stands for]: "Yes", "No", or "failed!" where it is neither
"""

import hashlib
import importlib.util
import json
import os
import sys
import tempfile
import types
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "golden" / "halueval"
QUESTIONS = 25
REPLIES = [
    "Yes", "No", "Yes.", "No.", " Yes", "\nNo\n", "yes", "NO", "Yes, the answer is invented.", "Yes\n#Question#: x",
    "No, the answer is right.", "The judgement is: Yes", "Yes and No", "No. Yes.", "Not sure", "None", "", "maybe",
    "I Yesterday", "It is\nNo", "\"Yes\"",
]


def load_evaluate(checkout, ask):
    """evaluate.py with an `openai` that asks `ask` instead of a server."""
    openai = types.ModuleType("openai")
    openai.Completion = types.SimpleNamespace(create=lambda prompt, **_: {"choices": [{"text": ask(prompt)}]})
    errors = ["RateLimitError", "ServiceUnavailableError", "Timeout", "APIError", "APIConnectionError"]
    openai.error = types.SimpleNamespace(**{name: type(name, (Exception,), {}) for name in errors})
    sys.modules["openai"] = openai
    sys.modules["tiktoken"] = types.ModuleType("tiktoken")
    spec = importlib.util.spec_from_file_location("evaluate", checkout / "evaluation" / "evaluate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def evaluated(checkout, rows, invented, replies):
    """The prompts about one of the two answers to each row, and the judgements of the replies."""
    prompts = []

    def ask(prompt):
        prompts.append(prompt)
        return replies[(len(prompts) - 1) % len(replies)]

    evaluate = load_evaluate(checkout, ask)
    evaluate.random = types.SimpleNamespace(random=lambda: 1.0 if invented else 0.0)
    instruction = (checkout / "evaluation" / "qa" / "qa_evaluation_instruction.txt").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        data, results = Path(folder) / "data.json", Path(folder) / "results.json"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        with open(os.devnull, "w") as nowhere:
            stdout, sys.stdout = sys.stdout, nowhere
            try:
                evaluate.evaluation_qa_dataset("model", str(data), instruction, str(results))
            finally:
                sys.stdout = stdout
        lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    return prompts, [(line["ground_truth"], line["judgement"]) for line in lines]


def main():
    checkout = Path(sys.argv[1])
    shared = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT.parent.parent / "shared"
    data = shared / "datasets" / "halueval" / "qa_one-turn_data.json"
    rows = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
    right, truth = evaluated(checkout, rows[:QUESTIONS], False, ["No"])
    assert {expected for expected, _ in truth} == {"No"}
    invented, truth = evaluated(checkout, rows[:QUESTIONS], True, ["Yes"])
    assert {expected for expected, _ in truth} == {"Yes"}
    _, judged = evaluated(checkout, rows[: len(REPLIES)], True, REPLIES)

    def digest(prompts):
        return [hashlib.sha256(prompt.encode()).hexdigest() for prompt in prompts]

    OUT.mkdir(exist_ok=True)
    golden = {
        "prompts": {"right_answer": digest(right), "hallucinated_answer": digest(invented)},
        "judgements": [[reply, judgement] for reply, (_, judgement) in zip(REPLIES, judged)],
    }
    (OUT / "qa.json").write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
