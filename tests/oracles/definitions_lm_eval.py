"""The built-in definitions against lm-evaluation-harness's own task files, on official data and on made-up rows.

    python tests/oracles/definitions_lm_eval.py [SHARED]

SHARED as in classic_lm_eval.py. Writes into tests/golden/definitions
    data/          made-up documents of the sets whose data are not in SHARED, in the form that our definitions read
    wording.json   a hash of the first request of every member of the large groups, on made-up documents
    expected.json  for every definition: stop texts; of its first documents a hash of their requests and what
                   stories260K in float32 answers (log-likelihoods or a text, scores); its results
and the table of them in docs/tasks.md (`--table`: only that, from expected.json; a test compares the two).
The harness reads the same documents in the form of the hub's copies. HellaSwag's and WinoGrande's official forms are
made from SHARED's by the rules below; the tests make them by the same rules.
"""

import csv
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "golden" / "definitions"


def write_table():
    page = ROOT.parent / "docs" / "tasks.md"
    before, _, rest = page.read_text(encoding="utf-8").partition("<!-- agreement -->\n")
    _, _, after = rest.partition("<!-- end of agreement -->\n")
    rows = ["| definition | examples | documents | requests equal | answers equal | results equal |", "|---|---|---|---|---|---|"]
    for one in json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8")):
        data = "official" if one["data"] == "shared" else "made up"
        answered = sum("scores" in document for document in one["documents"])
        results = ", ".join(sorted({key.split(",")[0] for key in one["results"]}))
        rows.append(f"| `{one['task']}` | {one['form']} | {data} | {len(one['documents'])} | {answered} | {results} |")
    page.write_text(before + "<!-- agreement -->\n" + "\n".join(rows) + "\n<!-- end of agreement -->\n" + after, encoding="utf-8")


if "--table" in sys.argv:
    write_table()
    sys.exit()

import evaluate

# mbpp's helper loads its metric from the hub when it is read. Programs are judged by our own tests, not here.
evaluate.load = lambda name: type("Stub", (), {"compute": lambda self, **_: ({"pass@1": 0.0}, {})})()

import classic_lm_eval as classic
import torch
from classic_lm_eval import SHARED, WORK, local, number, sha, write_lines
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from transformers import AutoModelForCausalLM

DATA = GOLDEN / "data"
DATASETS = SHARED / "datasets"
DEFINITIONS = ROOT.parent / "tasks" / "definitions"

MMLU_FORMS = ["mmlu_{}", "mmlu_{}_continuation", "mmlu_{}_generative", "mmlu_flan_n_shot_loglikelihood_{}"]
BBH_FORMS = ["cot_fewshot", "fewshot"]
MMLU_PRO = [path.stem.removeprefix("mmlu_pro_").replace("_", " ") for path in sorted((DEFINITIONS / "mmlu_pro").glob("mmlu_pro_*"))]

PROMPTS = 20  # documents of each definition whose requests are compared
CONVERSATIONS = 5  # and of each that is asked with a chat template or a system instruction
STORIES = 20  # and of each that stories260K answers; of generated texts fewer, since they are slow
WRITTEN = 5
WRITTEN_TOKENS = 24
HASH_DIGITS = 12


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def made_up(name, rows):
    path = DATA / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return rows


def hub(name, rows):
    return write_lines(WORK / f"{name}.jsonl", rows)


# --- documents: official form -> the hub's ---

def arc():
    def flat(row):
        choices = row["question"]["choices"]
        return {
            "id": row["id"],
            "question": row["question"]["stem"],
            "choices": {"text": [c["text"] for c in choices], "label": [c["label"] for c in choices]},
            "answerKey": row["answerKey"],
        }

    files = {"test": "ARC-Challenge-Test.jsonl", "validation": "ARC-Challenge-Dev.jsonl"}
    return {split: hub(f"arc_{split}", map(flat, lines(DATASETS / "arc" / file))) for split, file in files.items()}


def arc_easy():
    """Not in SHARED. Three to five choices, labels that are numbers."""
    rows = []
    for i in range(6):
        count = 3 + i % 3
        labels = "12345" if i % 2 else "ABCDE"
        choices = [{"text": f"thing number {i + j}", "label": labels[j]} for j in range(count)]
        question = {"stem": f"Which thing is made of {i} parts?", "choices": choices}
        rows.append({"id": f"easy_{i}", "question": question, "answerKey": labels[i % count]})
    made_up("arc/ARC-Easy-Test.jsonl", rows)
    flat = [
        {**row, "question": row["question"]["stem"],
         "choices": {key: [c[key] for c in row["question"]["choices"]] for key in ("text", "label")}}
        for row in rows
    ]
    return {"test": hub("arc_easy", flat)}


def truthfulqa():
    rows = []
    with open(DATASETS / "truthfulqa" / "TruthfulQA.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            split = lambda text: [item.strip() for item in text.split(";") if item.strip()]
            wrong = split(row["Incorrect Answers"])
            targets = {}
            for name, right in [("mc1_targets", [row["Best Answer"].strip()]), ("mc2_targets", split(row["Correct Answers"]))]:
                targets[name] = {"choices": right + wrong, "labels": [1] * len(right) + [0] * len(wrong)}
            rows.append({"question": row["Question"], **targets})
    return {"validation": hub("truthfulqa", rows)}


def winogrande():
    """SHARED has the two contexts: they are the same up to the options, which begin after a space."""
    rows = []
    for row in lines(DATASETS / "winogrande" / "winogrande_val.jsonl"):
        first, second = row["context_options"]
        same = 0
        while same < min(len(first), len(second)) and first[same] == second[same]:
            same += 1
        cut = first.rfind(" ", 0, same) + 1
        rows.append({
            "sentence": f"{first[:cut]}_ {row['continuation']}", "option1": first[cut:], "option2": second[cut:],
            "answer": str(row["gold"] + 1),
        })
    return {"validation": hub("winogrande", rows)}


def hellaswag():
    """SHARED has the joined context: the part up to the first space stands for ctx_a, the rest for ctx_b."""
    rows = []
    for row in lines(DATASETS / "hellaswag" / "hellaswag_val_sample_dev.jsonl"):
        before, _, after = row["ctx"].partition(" ")
        rows.append({
            "ind": row["ind"], "activity_label": "Scene", "ctx_a": before, "ctx_b": after,
            "endings": row["endings"], "label": str(row["label"]),
        })
    return {"validation": hub("hellaswag", rows)}


def piqa():
    goals = ["keep a door open", "dry wet shoes", "find a stud in a wall", "chill a drink fast", "reach a high shelf"]
    rows = made_up("piqa/valid.jsonl", [
        {"goal": f"To {goal},", "sol1": f"use a {word}.", "sol2": f"use two {word}s, \u00e9ven wet.", "label": i % 2}
        for i, (goal, word) in enumerate(zip(goals, ["wedge", "paper", "magnet", "towel", "stool"]))
    ])
    return {"validation": hub("piqa", rows)}


def mmlu_pro():
    splits = {}
    others = [name for name in MMLU_PRO if name not in ("math", "computer science")]
    for split, count in [("validation", 12), ("test", 8)]:
        rows = []
        for i in range(count + len(others)):
            category = ["math", "computer science"][i % 2] if i < count else others[i - count]
            options = [f" option {j} of {i} " for j in range(3 + i % 8)]
            answer = i % len(options)
            rows.append({
                "question": f"What is {i} plus {i}? \u00df", "options": options, "answer": "ABCDEFGHIJ"[answer],
                "answer_index": answer, "category": category,
                "cot_content": f"A: Let's think step by step. It is {2 * i}. The answer is ({'ABCDEFGHIJ'[answer]}).",
            })
        splits[split] = hub(f"mmlu_pro_{split}", made_up(f"mmlu_pro/{split}.jsonl", rows))
    return splits


def mbpp():
    rows = made_up("mbpp/mbpp.jsonl", [
        {"task_id": i, "text": f"Write a function to add {i}.", "code": f"def add(x):\r\n  return x + {i}",
         "test_list": [f"assert add({j}) == {i + j}" for j in range(3)], "test_setup_code": "", "challenge_test_list": []}
        for i in [9, 10, 11, 12, 509, 510, 511]
    ])
    return {"test": hub("mbpp", [row for row in rows if 11 <= row["task_id"] <= 510])}


def wikitext():
    pages = [
        " = A small page = \n\n The ship 's crew of 1 @,@ 200 men ( and a dog ) sailed @-@ at 3 @.@ 5 knots ; it was"
        " cold : 5 \u00b0 C . \" Land ! \" they cried ? No , not yet . [ note ] { x } ' quoted ' \n\n"
        " = = History = = \n\n The owners ' ships . N boats , /' 5/ and = = = Later = = = \n",
        "One line without marks",
    ]
    return {"test": hub("wikitext", made_up("wikitext/wikitext_2_raw_test.jsonl", [{"page": page} for page in pages]))}


def lambada(name):
    rows = made_up(f"lambada/{name}.jsonl", [
        {"text": text} for text in
        ["Once upon a time there was a little girl", "The cat sat on the mat , and the dog sat on the cat",
         "\u201cI like it,\u201d said Tom. \u201cSo do I,\u201d said Lily"]
    ])
    return {"test": hub(name, rows)}


def bbh(name):
    rows = json.loads((DATASETS / "bbh" / f"{name}.json").read_text(encoding="utf-8"))["examples"]
    return {"test": hub(f"bbh_{name}", rows)}


# --- what is compared ---

def cases():
    """Task, its files, the folder that our definition reads (official or made up), number of examples."""
    yield "arc_challenge", arc(), "shared", None
    yield "arc_easy", arc_easy(), "made up", None
    yield "truthfulqa_mc1", truthfulqa(), "shared", None
    yield "truthfulqa_mc2", truthfulqa(), "shared", None
    yield "winogrande", winogrande(), "shared", None
    yield "winogrande", winogrande(), "shared", 2
    yield "hellaswag", hellaswag(), "shared", None
    yield "hellaswag", hellaswag(), "shared", 3
    yield "piqa", piqa(), "made up", None
    for subject in ["math", "computer_science"]:
        yield f"mmlu_pro_{subject}", mmlu_pro(), "made up", None
    yield "mbpp", mbpp(), "made up", None
    yield "wikitext", wikitext(), "made up", None
    yield "lambada_openai", lambada("lambada_test_en"), "made up", None
    yield "lambada_standard", lambada("lambada_test_standard"), "made up", None
    for subject in ["abstract_algebra", "us_foreign_policy"]:
        for form in MMLU_FORMS:
            yield form.format(subject), classic.mmlu_files(subject), "shared", None
    for form in BBH_FORMS:
        for path in sorted((DATASETS / "bbh").glob("*.json")):
            yield f"bbh_{form}_{path.stem}", bbh(path.stem), "shared", None
    for name in classic.GSM8K:
        yield name, classic.gsm8k_files(), "shared", None


def members():
    """Every member of the large groups: they differ in descriptions and examples, which need no test data."""
    for path in sorted((DATASETS / "mmlu" / "dev").glob("*_dev.csv")):
        subject = path.stem.removesuffix("_dev")
        with open(path, newline="", encoding="utf-8") as file:
            rows = [
                {"question": question, "subject": subject, "choices": choices, "answer": "ABCD".index(letter)}
                for question, *choices, letter in csv.reader(file)
            ]
        files = dict.fromkeys(["dev", "test"], hub(f"mmlu_dev_{subject}", rows))
        for form in MMLU_FORMS:
            yield form.format(subject), files, 5
    files = {"test": hub("bbh_made_up", [{"input": "One?", "target": "yes"}])}
    for form in BBH_FORMS:
        for path in sorted((DEFINITIONS / f"bbh_{form}").glob(f"bbh_{form}_*.yaml")):
            yield path.stem, files, None
    files = mmlu_pro()
    for name in MMLU_PRO:
        yield f"mmlu_pro_{name.replace(' ', '_')}", files, 1


BRIEF = {"system_instruction": "Be brief."}
CHAT = {"apply_chat_template": True}
TURNS = {**CHAT, "fewshot_as_multiturn": True}


def conversations():
    """As cases(), with options of the harness; only the requests are compared."""
    gsm8k = classic.gsm8k_files()
    yield "gsm8k", gsm8k, "shared", None, {**CHAT, **BRIEF}
    yield "gsm8k", gsm8k, "shared", None, {**TURNS, **BRIEF}
    yield "gsm8k_cot_llama", gsm8k, "shared", None, TURNS
    algebra = classic.mmlu_files("abstract_algebra")
    yield "mmlu_abstract_algebra", algebra, "shared", 5, BRIEF
    yield "mmlu_abstract_algebra", algebra, "shared", 5, {**TURNS, **BRIEF}
    yield "mmlu_pro_math", mmlu_pro(), "made up", None, TURNS
    yield "winogrande", winogrande(), "shared", 2, TURNS
    yield "hellaswag", hellaswag(), "shared", 3, CHAT


def form(shots, options):
    """In words, for the table."""
    words = ["default" if shots is None else str(shots)]
    if "system_instruction" in options:
        words.append("system instruction")
    if "apply_chat_template" in options:
        words.append("chat, turns" if "fewshot_as_multiturn" in options else "chat")
    return ", ".join(words)


def chat(messages, add_generation_prompt=True):
    """A chat template that shows what is said by whom."""
    return "".join(f"<{message['role']}>{message['content']}" for message in messages) + ("<assistant>" if add_generation_prompt else "")


def member(task, files, shots):
    missing = {f"{key}_split": None for key, split in [("training", "train"), ("validation", "validation")] if split not in files}
    return {**local(task, files), **missing, **({} if shots is None else {"num_fewshot": shots})}


def request_text(instance):
    rolling = instance.request_type == "loglikelihood_rolling"
    written = instance.request_type == "generate_until"
    context = "" if rolling else instance.args[0]
    asked = instance.args[0] if rolling else "" if written else instance.args[1]
    return context + "\n---\n" + asked


def request_hashes(task, documents, options):
    task.set_fewshot_seed(1234)
    task.build_all_requests(limit=documents, rank=0, world_size=1, chat_template=chat, **options)
    texts = {}
    for instance in task.instances:
        texts.setdefault(instance.doc_id, []).append(request_text(instance))
    return [sha("\n---\n".join(texts[row]))[:HASH_DIGITS] for row in sorted(texts)]


def requests(task, options, out):
    hashes = request_hashes(task, CONVERSATIONS if options else PROMPTS, options)
    out["output_type"] = task.OUTPUT_TYPE
    out["documents"] = [{"requests": one} for one in hashes]
    if task.OUTPUT_TYPE == "generate_until":
        until = task.instances[0].args[1]["until"]
        out["until"] = [until] if isinstance(until, str) else until
        out["max_gen_toks"] = task.instances[0].args[1].get("max_gen_toks", 256)


def add_answer(entry, document):
    """One of the harness's samples, of which there is one for each filter."""
    replies = [reply[0] for reply in entry["resps"]]
    if isinstance(replies[0], str):
        document["text"] = replies[0]
        document.setdefault("answers", {})[entry["filter"]] = entry["filtered_resps"][0]
    elif isinstance(replies[0], float):
        document["logprobs"] = [number(reply) for reply in replies]
    else:
        document["logprobs"] = [number(reply[0]) for reply in replies]
        document["greedy"] = "".join("1" if reply[1] in (True, "True") else "0" for reply in replies)
    scores = document.setdefault("scores", {})
    for name in entry["metrics"]:
        # What perplexities are aggregated from is the log-probability again.
        if "perplexity" not in name and name != "bits_per_byte":
            scores[f"{name},{entry['filter']}"] = number(entry[name])


def stories(lm, manager, group, out):
    written = out["output_type"] == "generate_until"
    options = {"limit": WRITTEN, "gen_kwargs": {"max_gen_toks": WRITTEN_TOKENS}} if written else {"limit": STORIES}
    # Means have their standard error by formula, perplexities by a bootstrap that is not compared.
    iterations = 2 if out["output_type"] in ("multiple_choice", "generate_until") else 0
    found = simple_evaluate(lm, tasks=[group], task_manager=manager, bootstrap_iters=iterations, **options)
    (task, entries), = found["samples"].items()
    for entry in sorted(entries, key=lambda entry: (entry["doc_id"], entry["filter"])):
        add_answer(entry, out["documents"][entry["doc_id"]])
    out["results"] = {key: number(value) for key, value in found["results"][task].items() if isinstance(value, float)}


def compact(one):
    """JSON with a line for each document."""
    head = json.dumps({key: value for key, value in one.items() if key != "documents"}, ensure_ascii=False)
    documents = ",\n".join(json.dumps(document, ensure_ascii=False) for document in one["documents"])
    return f'{head[:-1]}, "documents": [\n{documents}\n]}}'


def main():
    DATA.mkdir(parents=True, exist_ok=True)
    wanted = [(*case, {}) for case in cases()] + list(conversations())
    groups = [classic.group_file(f"definition_{i}", [member(*case[:2], case[3])]) for i, case in enumerate(wanted)]
    all_members = list(members())
    member_groups = [classic.group_file(f"member_{i}", [member(*one)]) for i, one in enumerate(all_members)]
    manager = TaskManager(include_path=str(WORK))
    wording = []
    for (name, _, shots), group in zip(all_members, member_groups):
        (_, task), = manager.load(group)["tasks"].items()
        wording.append(json.dumps({"task": name, "num_fewshot": shots, "requests": request_hashes(task, 1, {})[0]}))
    (GOLDEN / "wording.json").write_text("[\n" + ",\n".join(wording) + "\n]\n", encoding="utf-8")
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(SHARED / "models" / "stories260K-hf", dtype=torch.float32)
    lm = HFLM(pretrained=model, tokenizer=classic.stories_tokenizer(), batch_size=1, device="cpu", dtype="float32")
    golden = []
    for (name, _, data, shots, options), group in zip(wanted, groups):
        (_, task), = manager.load(group)["tasks"].items()
        out = {"task": name, "data": data, "num_fewshot": shots, "form": form(shots, options), "options": options, "results": {}}
        requests(task, options, out)
        # Programs are run in our sandbox; the texts that a model of this size writes all fail.
        if name != "mbpp" and not options:
            stories(lm, manager, group, out)
        golden.append(out)
        print(name, out["form"], out["results"])
    (GOLDEN / "expected.json").write_text("[\n" + ",\n".join(map(compact, golden)) + "\n]\n", encoding="utf-8")
    write_table()


if __name__ == "__main__":
    main()
