#!/usr/bin/env python3
"""Reads a pocket GGUF back with nothing but what is in the file, runs it in Hugging Face transformers (float32), and reports.

    python check_gguf.py pocket-small.gguf --checkpoint CHECKPOINT.pt     the same answers as the trained weights?
    python check_gguf.py --figures figures.json [--quick]                 both models on all test sets

With --quick nothing is generated: an answer counts as right where every token of the expected one is the likeliest.
Otherwise answers are generated, and what the models write for pocket-code is run (runner.py).
The figures are scored here in a few lines, for the model card; the program's own scoring is the reference for everything else.
"""

import argparse
import json
import math
import multiprocessing
import pathlib
import re
import string

import gguf
import numpy as np
import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM

import evaluate
import runner
import text
from model import END, SHAPES, SPECIAL, Model, Shape

NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
         "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def unpermute(weight, heads):
    """The inverse of export.permute."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _field(reader, key):
    field = reader.get_field(key)
    return field.contents() if field else None


def load(path):
    """(LlamaForCausalLM in float32, Tokenizer), both built from the file alone."""
    reader = gguf.GGUFReader(path)
    get = lambda key: _field(reader, key)  # noqa: E731
    assert get("general.architecture") == "llama" and get("tokenizer.ggml.model") == "gpt2" and get("tokenizer.ggml.pre") == "qwen2"
    heads = get("llama.attention.head_count")
    config = LlamaConfig(vocab_size=get("llama.vocab_size"), hidden_size=get("llama.embedding_length"), intermediate_size=get("llama.feed_forward_length"),
                         num_hidden_layers=get("llama.block_count"), num_attention_heads=heads, num_key_value_heads=get("llama.attention.head_count_kv"),
                         max_position_embeddings=get("llama.context_length"), rms_norm_eps=get("llama.attention.layer_norm_rms_epsilon"),
                         rope_theta=get("llama.rope.freq_base"), tie_word_embeddings=True, bos_token_id=get("tokenizer.ggml.bos_token_id"),
                         eos_token_id=get("tokenizer.ggml.eos_token_id"), pad_token_id=get("tokenizer.ggml.padding_token_id"))
    state = {}
    for tensor in reader.tensors:
        weight = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        parts = tensor.name.split(".")
        if parts[0] == "blk":
            weight = unpermute(weight, heads) if parts[2] in ("attn_q", "attn_k") else weight
            state[f"model.layers.{parts[1]}.{NAMES[parts[2]]}.weight"] = torch.from_numpy(np.ascontiguousarray(weight))
        else:
            state[{"token_embd": "model.embed_tokens.weight", "output_norm": "model.norm.weight"}[parts[0]]] = torch.from_numpy(np.ascontiguousarray(weight))
    model = LlamaForCausalLM(config).float().eval()
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()

    tokens = get("tokenizer.ggml.tokens")
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, [tuple(m.split(" ")) for m in get("tokenizer.ggml.merges")]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(text.PATTERN), behavior="isolated"),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    return model, tokenizer


class AsPocket:
    """Gives a transformers model the two methods that evaluate.py calls."""

    def __init__(self, model):
        self.model = model

    def parameters(self):
        return self.model.parameters()

    def __call__(self, ids):
        return self.model.model(ids).last_hidden_state

    def logits(self, hidden):
        return self.model.lm_head(hidden)


def _prompts(limit):
    for task, module in text.training_stream.TASKS.items():
        for row in text.training_stream.test_rows(task)[:limit]:
            yield module.prompt_and_answer(row)


@torch.no_grad()
def compare(path, checkpoint, limit=40):
    """Trained weights against the file: largest difference of log-probabilities, share of equal likeliest tokens."""
    model, tokenizer = load(path)
    saved = torch.load(checkpoint, map_location="cpu")
    s = SHAPES[saved["size"]]
    trained = Model(Shape(s.width, s.layers, s.heads, s.hidden, saved["state"]["embedding.weight"].shape[0]))
    trained.load_state_dict(saved["state"])
    reference, worst, same, count = text.load_tokenizer(), 0.0, 0, 0
    for prompt, answer in _prompts(limit):
        head, tail = text.encode(tokenizer, prompt, answer)
        assert (head, tail) == text.encode(reference, prompt, answer), f"tokenizers differ on {prompt!r}"
        ids = torch.tensor([head + tail])
        a = trained.logits(trained(ids)).log_softmax(-1)[0, len(head) - 1:-1]
        b = model(ids).logits.log_softmax(-1)[0, len(head) - 1:-1]
        right = torch.tensor(tail)[:, None]
        worst = max(worst, (a.gather(1, right) - b.gather(1, right)).abs().max().item())
        same, count = same + (a.argmax(-1) == b.argmax(-1)).sum().item(), count + len(tail)
    print(f"{path}: {count} answer tokens, largest difference of a log-probability {worst:.4f}, same likeliest token {same / count:.4f}")
    return same / count


@torch.no_grad()
def generate(model, tokenizer, prompts, limit, one_line):
    """Greedy answers, one prompt at a time with a cache: short, and no padding to argue about."""
    answers = []
    for prompt in prompts:
        ids, cache, out = torch.tensor([text.encode(tokenizer, prompt, "")[0]]), None, []
        while len(out) < limit:
            result = model(ids, past_key_values=cache, use_cache=True)
            cache, token = result.past_key_values, result.logits[0, -1].argmax().item()
            if token == END or (one_line and "\n" in tokenizer.decode([token])):
                break
            out.append(token)
            ids = torch.tensor([[token]])
        answers.append(tokenizer.decode(out))
    return answers


def _normal(answer):
    return " ".join("".join(c for c in answer.lower() if c not in string.punctuation).split())


def _share(values):
    values = list(values)
    return round(sum(values) / len(values), 4) if values else None


def _record(answer):
    try:
        record = json.loads(answer)
        return record if isinstance(record, dict) else None
    except ValueError:
        return None


def _invoices(rows, answers):
    fields = text.training_stream.invoices.FIELDS
    right, hit, given, wanted, fabricated, values = [], 0, 0, 0, 0, 0
    for row, answer in zip(rows, answers):
        want, got = json.loads(row["output"]), _record(answer) or {}
        right.append(got == want)
        source = re.sub(r"[^a-z0-9]", "", row["input"].lower())
        for field in fields:
            given, wanted = given + (got.get(field) is not None), wanted + (want[field] is not None)
            hit += got.get(field) is not None and got.get(field) == want[field]
            if field in ("vendor", "number", "currency") and got.get(field) is not None:
                values += 1
                fabricated += re.sub(r"[^a-z0-9]", "", str(got[field]).lower()) not in source
    return right, {"field_f1": round(2 * hit / (given + wanted), 4), "json_valid": _share(_record(a) is not None for a in answers),
                   "fabricated_in_vendor_number_currency": round(fabricated / max(1, values), 4)}


def _handbook(rows, answers):
    abstain = _normal(text.training_stream.handbook.ABSTAIN)
    right = [_normal(a) in [_normal(x) for x in row["answers"]] for row, a in zip(rows, answers)]
    silent = [_normal(a) == abstain for a in answers]
    closed = [i for i, row in enumerate(rows) if row["kind"] == "closed_book"]
    return right, {"closed_book_wrong": _share(not right[i] and not silent[i] for i in closed), "closed_book_abstained": _share(silent[i] for i in closed),
                   "passage_abstained": _share(s for row, s in zip(rows, silent) if row["kind"] == "passage")}


def _final(answer):
    """The number after ####, as GSM8K's strict filter takes it."""
    found = re.search(r"#### (-?[0-9.,]+)", answer)
    return found and found[1].replace(",", "").removesuffix(".")


def _gsm(rows, answers):
    equations = [[(left, right) for left, right in re.findall(r"(\d+[-+*/]\d+)=(\d+)", answer)] for answer in answers]
    compute = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b if b else math.inf}
    true = [compute[re.search(r"[-+*/]", left)[0]](*map(int, re.split(r"[-+*/]", left))) == int(right) for pairs in equations for left, right in pairs]
    return [_final(a) == _final(row["answer"]) for row, a in zip(rows, answers)], {"without_number": _share(_final(a) is None for a in answers), "equations_true": _share(true)}


def _code(rows, answers):
    same = [answer.strip() == row["canonical_solution"].strip() for row, answer in zip(rows, answers)]
    return [runner.passes(row, answer) for row, answer in zip(rows, answers)], {"as_the_canonical_solution": _share(same)}


# How generated answers are judged, the most tokens they may have, and whether a line's end is theirs.
_JUDGED = {"invoices": (_invoices, 120, True), "handbook": (_handbook, 24, True), "pocket-gsm": (_gsm, 100, False), "pocket-code": (_code, 120, False)}


def _without_generating(pocket, tokenizer, module, rows):
    """Exact answers, and in handbook also abstentions, by scoring the expected text."""
    right = [exact for _, exact in evaluate.score(pocket, [text.encode(tokenizer, *module.prompt_and_answer(row)) for row in rows])]
    if module is not text.training_stream.handbook:
        return right, {}
    abstained = [exact for _, exact in evaluate.score(pocket, [text.encode(tokenizer, module.prompt_and_answer(row)[0], module.ABSTAIN) for row in rows])]
    closed = [i for i, row in enumerate(rows) if row["kind"] == "closed_book"]
    return right, {"closed_book_wrong": _share(not right[i] and not abstained[i] for i in closed), "closed_book_abstained": _share(abstained[i] for i in closed),
                   "passage_abstained": _share(s for row, s in zip(rows, abstained) if row["kind"] == "passage")}


def figures(path, quick, threads):
    """{task: (rows, right, further figures)} of one model on all sets."""
    torch.set_num_threads(threads)
    model, tokenizer = load(path)
    pocket, found = AsPocket(model), {}
    for task, module in text.training_stream.TASKS.items():
        rows = text.training_stream.test_rows(task)
        prompts = [module.prompt_and_answer(row)[0] for row in rows]
        if task == "helpdesk":
            picks = evaluate.by_first_token(pocket, tokenizer, [(p, module.QUEUES) for p in prompts])  # exact: every queue is one token
            shuffled = text.training_stream.rows_of(task, "shuffled.jsonl")
            found[task] = rows, [module.QUEUES[k] == row["output"] for k, row in zip(picks, rows)], {
                "shuffled": _share(module.QUEUES[k] == row["output"] for k, row in zip(picks, shuffled))}
        elif task == "pocket-mmlu":
            picks = evaluate.choose(pocket, tokenizer, [(p, row["choices"]) for p, row in zip(prompts, rows)])
            found[task] = rows, [k == row["answer"] for k, row in zip(picks, rows)], {}
        else:
            if quick:
                right, more = _without_generating(pocket, tokenizer, module, rows)
            else:
                judge, tokens, one_line = _JUDGED[task]
                right, more = judge(rows, generate(model, tokenizer, prompts, tokens, one_line))
            found[task] = rows, right, more
    return found


def wilson(successes, n, z=1.959964):
    p, d = successes / n, 1 + z * z / n
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / d
    return [round((p + z * z / (2 * n)) / d - half, 4), round((p + z * z / (2 * n)) / d + half, 4)]


def tango(b, c, n, z=1.959964):
    """Tango's score interval of the paired difference (b - c) / n, by bisection."""
    def statistic(delta):
        big, small = 2 * n, -b - c + (2 * n - b + c) * delta
        last = -c * delta * (1 - delta)
        q = (math.sqrt(max(0.0, small * small - 4 * big * last)) - small) / (2 * big)
        return (b - c - n * delta) / math.sqrt(max(1e-12, n * (2 * q + delta * (1 - delta))))

    def solve(target, low, high):
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (middle, high) if statistic(middle) > target else (low, middle)
        return round((low + high) / 2, 4)
    return [solve(z, -0.999999, (b - c) / n), solve(-z, (b - c) / n, 0.999999)]


def report(out, quick):
    paths = [text.HERE / f"pocket-{size}.gguf" for size in SHAPES]
    with multiprocessing.get_context("spawn").Pool(len(paths)) as pool:  # a process for each model
        results = dict(zip(SHAPES, pool.starmap(figures, [(path, quick, torch.get_num_threads()) for path in paths])))
    summary = {}
    for task in text.training_stream.TASKS:
        entry = {}
        for size in SHAPES:
            rows, right, more = results[size][task]
            slices = {f"{field}={value}": _share(ok for row, ok in zip(rows, right) if row[field] == value)
                      for field in evaluate.SLICES[task] for value in sorted({row[field] for row in rows})}
            entry[size] = {"n": len(rows), "right": _share(right), "interval": wilson(sum(right), len(right)), **more, "slices": slices}
        large, small = results["large"][task][1], results["small"][task][1]
        b, c = sum(x and not y for x, y in zip(large, small)), sum(y and not x for x, y in zip(large, small))
        entry["large_minus_small"] = {"difference": round((b - c) / len(large), 4), "interval": tango(b, c, len(large)), "only_large": b, "only_small": c}
        summary[task] = entry
    out.write_text(json.dumps(summary, indent=1) + "\n")
    print(json.dumps(summary, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gguf", nargs="?", type=pathlib.Path)
    parser.add_argument("--checkpoint", type=pathlib.Path)
    parser.add_argument("--figures", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.figures:
        report(args.figures, args.quick)
    elif compare(args.gguf, args.checkpoint) < 0.98:
        raise SystemExit("the file does not give the answers of the trained weights")


if __name__ == "__main__":
    main()
