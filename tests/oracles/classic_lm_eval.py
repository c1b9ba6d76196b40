"""The classic benchmarks by lm-evaluation-harness itself: its own task files, the official data, a real tiny model.

    python tests/oracles/classic_lm_eval.py [SHARED]

SHARED holds datasets/ (official files) and models/ (stories260K); default: ../shared beside this repository. Writes
tests/golden/classic/prompts.json  every task's first documents: SHA-256 of the prompt, the choices or stop texts,
                                   the target; one document in full
                     stories.json  stories260K in float32 on mmlu (two subjects, 5 shots) and gsm8k (20 documents, 5
                                   shots, 32 tokens): log-likelihoods, texts, filtered answers, scores, aggregates
                     verdicts.json what the filters and the metric of every form of GSM8K make of difficult texts
The documents are brought from their official form into the one that the harness's task files expect.
"""

import csv
import gzip
import hashlib
import json
import os
import pathlib
import struct
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_CACHE"] = tempfile.mkdtemp()

import torch
import yaml
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from tokenizers import Tokenizer, decoders, models, normalizers, processors
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARED = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent.parent / "shared"
GOLDEN = ROOT / "golden" / "classic"
WORK = pathlib.Path(tempfile.mkdtemp())

SUBJECTS = ["abstract_algebra", "astronomy"]  # 100 and 152 questions: sizes that weigh differently
MANY_SUBJECTS = SUBJECTS + ["high_school_us_history", "us_foreign_policy", "world_religions"]
GSM8K = ["gsm8k", "gsm8k_cot", "gsm8k_cot_zeroshot", "gsm8k_cot_llama"]
STORIES_GENERATED = 32


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def mmlu_files(subject):
    """The form of the hub's copy: choices as a list, the answer as an index."""
    files = {}
    for split in ["dev", "test"]:
        with open(SHARED / "datasets" / "mmlu" / split / f"{subject}_{split}.csv", newline="", encoding="utf-8") as file:
            rows = [
                {"question": q, "subject": subject, "choices": choices, "answer": "ABCD".index(letter)}
                for q, *choices, letter in csv.reader(file)
            ]
        files[split] = write_lines(WORK / f"{subject}_{split}.jsonl", rows)
    return files


def gsm8k_files():
    with gzip.open(SHARED / "datasets" / "gsm8k" / "train.jsonl.gz", "rt", encoding="utf-8") as file:
        train = [json.loads(line) for line in file]
    with open(SHARED / "datasets" / "gsm8k" / "test.jsonl", encoding="utf-8") as file:
        test = [json.loads(line) for line in file]
    return {"train": write_lines(WORK / "gsm8k_train.jsonl", train), "test": write_lines(WORK / "gsm8k_test.jsonl", test)}


def local(task, files):
    """The harness's task on these files instead of the hub's."""
    return {"task": task, "dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": files}}


def group_file(name, members):
    """A group of such tasks as a YAML file: only in one does the harness look members up by their names."""
    path = WORK / f"{name}.yaml"
    metrics = [{"metric": "acc", "weight_by_size": True}]
    path.write_text(yaml.safe_dump({"group": name, "task": members, "aggregate_metric_list": metrics}))
    return name


def stories_tokenizer():
    """tok512.bin (llama2.c) as SentencePiece's byte-pair encoding: the best-scored merge first, bytes for the rest."""
    data = (SHARED / "models" / "tok512.bin").read_bytes()
    at, pieces = 4, []
    while at < len(data):
        _, length = struct.unpack_from("fi", data, at)
        pieces.append(data[at + 8 : at + 8 + length].decode("utf-8").replace(" ", "\u2581"))
        at += 8 + length
    pieces[1:3] = ["<s>", "</s>"]
    vocab = {piece: index for index, piece in enumerate(pieces)}
    assert len(vocab) == 512
    merges = []  # later pieces have lower scores, so the vocabulary's order is the merges' order
    for piece in pieces[259:]:
        merges += [(piece[:cut], piece[cut:]) for cut in range(1, len(piece)) if piece[:cut] in vocab and piece[cut:] in vocab]
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")
    for case in json.loads((SHARED / "models" / "tok512.vectors.json").read_text()):
        assert fast.encode(case["text"], add_special_tokens=False) == case["ids"], case
    return fast


def sha(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def prompts(manager, group, documents):
    (name, task), = manager.load(group)["tasks"].items()
    task.set_fewshot_seed(1234)
    task.build_all_requests(limit=documents, rank=0, world_size=1)
    out = {"task": name, "num_fewshot": task.config.num_fewshot, "documents": []}
    for request in task.instances:
        row = request.doc_id
        if len(out["documents"]) <= row:
            out["documents"].append({"prompt": sha(request.args[0])})
        if task.OUTPUT_TYPE == "multiple_choice":
            out["documents"][row].setdefault("continuations", []).append(request.args[1])
        else:
            out["until"] = request.args[1]["until"]
    out["first"] = task.instances[0].args[0]
    return out


def prompt_groups():
    """The tasks to show, each as a group of its own, with how many documents."""
    gsm8k = gsm8k_files()
    wanted = [(local(name, gsm8k), 50) for name in GSM8K]
    wanted.append(({**local("gsm8k", gsm8k), "num_fewshot": 8}, 10))
    for subject in MANY_SUBJECTS:
        files = mmlu_files(subject)
        for variant in ["", "_continuation", "_generative"]:
            wanted.append(({**local(f"mmlu_{subject}{variant}", files), "num_fewshot": 5}, 20))
    wanted.append((local("mmlu_astronomy", mmlu_files("astronomy")), 5))
    return [(group_file(f"shown_{i}", [member]), documents) for i, (member, documents) in enumerate(wanted)]


TRAPS = [
    "#### 18", "#### 18.", "####18", "She makes $18.\n#### 18\n", "#### $18", "#### 1,8", "#### 18 #### 19", "#### -18", "#### eighteen",
    "The answer is 18.", "The answer is 18.\n", "The answer is 18. So", "The answer is 18", "The answer is 18\n", "The answer is 180",
    "The answer is $18.", "The answer is 1,8.", "the answer is 18.", "The answer is 5. No: the answer is 18.", "The answer is 5. The answer is 18.",
    "The final answer is 18", "The final answer is $18.00", "The final answer is 18.", "The final answer is 5. The final answer is 18",
    "so 1,234.50. The total is $18.", "18.\n", "18", "$18", "18 eggs at 2 dollars", "9 * 2 = <<9*2=18>>18", "", "no number", "18%", "-18", "٣",
]


def verdicts(manager, group):
    (name, task), = manager.load(group)["tasks"].items()
    task.build_all_requests(limit=1, rank=0, world_size=1)
    (request,) = task.instances
    out = {"task": name, "texts": []}
    for text in TRAPS:
        request.resps, request.filtered_resps = [text], {}
        task.apply_filters()
        scores = {f: task.process_results(request.doc, [answer])["exact_match"] for f, answer in request.filtered_resps.items()}
        out["texts"].append({"text": text, "answers": dict(request.filtered_resps), "scores": {f: float(score) for f, score in scores.items()}})
    return out


def number(value):
    return round(float(value), 5)


def sample(entry):
    """One document; the aggregate's inputs are the harness's own."""
    first = entry["arguments"]["gen_args_0"] if isinstance(entry["arguments"], dict) else None
    prompt = first["arg_0"] if first else entry["arguments"][0][0]
    out = {"prompt": sha(prompt), "filter": entry["filter"]}
    for name in entry["metrics"]:
        out[name] = number(entry[name])
    if isinstance(entry["resps"][0][0], str):
        out["text"] = entry["resps"][0][0]
        out["answer"] = entry["filtered_resps"][0]
    else:
        out["logprobs"] = [number(resp[0][0]) for resp in entry["resps"]]
        out["greedy"] = [resp[0][1] in (True, "True") for resp in entry["resps"]]
    return out


def story_groups():
    two = group_file("two_subjects", [local(f"mmlu_{subject}", mmlu_files(subject)) for subject in SUBJECTS])
    gsm8k = group_file("only_gsm8k", [local("gsm8k", gsm8k_files())])
    limited = {"limit": 20, "gen_kwargs": {"max_gen_toks": STORIES_GENERATED}}
    return [("mmlu", two, {}), ("gsm8k", gsm8k, limited)]


def stories(manager, groups):
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(SHARED / "models" / "stories260K-hf", dtype=torch.float32)
    lm = HFLM(pretrained=model, tokenizer=stories_tokenizer(), batch_size=1, device="cpu", dtype="float32")
    assert lm.max_length == 512
    out = {}
    for name, group, options in groups:
        found = simple_evaluate(lm, tasks=[group], task_manager=manager, num_fewshot=5, bootstrap_iters=1, **options)
        results = {task: {key: number(value) for key, value in values.items() if isinstance(value, float)} for task, values in found["results"].items()}
        out[name] = {
            "results": results,
            "samples": {task: [sample(entry) for entry in sorted(entries, key=lambda e: (e["doc_id"], e["filter"]))] for task, entries in found["samples"].items()},
        }
    return out


def write(name, value):
    (GOLDEN / name).write_text(json.dumps(value, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    GOLDEN.mkdir(parents=True, exist_ok=True)
    shown, told = prompt_groups(), story_groups()
    manager = TaskManager(include_path=str(WORK))
    write("prompts.json", [prompts(manager, *group) for group in shown])
    write("verdicts.json", [verdicts(manager, group) for group, _ in shown[: len(GSM8K)]])
    write("stories.json", stories(manager, told))
