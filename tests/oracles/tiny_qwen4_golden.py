"""Makes tests/golden/tiny_qwen4/: tiny random models of Qwen's experimental fourth generation (qwen4_exp), their log-probabilities and greedy texts in
float32.

Run: python tests/oracles/tiny_qwen4_golden.py   (torch 2.15, transformers 5.24, safetensors 0.8)

Folders are as transformers saves them: experts one by one, tables of n-grams in parts. Expected values come from transformers' own classes, in float32
on exactly the weights in the files, which are read back from them. Which blocks of keys a row attends to is a choice: a model is drawn again until no
choice of its texts is nearly a tie, beside which rounding would decide.
"""

import contextlib
import copy
import pathlib
import shutil

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.models.qwen4_exp import Qwen4ExpConfig, Qwen4ExpTextConfig

from tiny_models import entry, expected, randomise, write_expected
from tiny_recurrent_golden import LINEAR, MROPE, VISION, experts, rope, sizes, text_of

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_qwen4"
INDEXED = "indexed_attention"
# Of the worths of the last chosen block and the first other one, as a part of the former.
LEAST_MARGIN = 1e-4


def streams(count, rank):
    return dict(hc_count=count, hc_lowrank=rank)


def ngrams(layers, columns, taps, length, heads, base, multiple, parts, eos, **more):
    return dict(ple_layer_ids=layers, ple_embed_dim=columns, ple_conv_kernel_size=taps, ngram_size=length, heads_per_ngram=heads,
                ngram_vocab_size_base=base, make_ngram_vocab_size_divisible_by=multiple, split_ngram_parts=parts, eos_token_id=eos, **more)


def index(heads, size, budget, block):
    return dict(indexer_n_heads=heads, indexer_kv_heads=1, indexer_head_dim=size, indexer_budget=budget, indexer_compress_ratio=block)


MODELS = {
    # Blocks that end where pages do not, parts of a table whose numbers have two digits.
    "whole": dict(config=Qwen4ExpTextConfig(**sizes(26, 3, 1, 10, 61, (2, 4, 7, 9, 4), num_hidden_layers=4, rope_parameters=rope(0.4, **MROPE)),
                                            **experts(5, 2, 11, 13), **streams(3, 9), **ngrams([1, 3], 24, 3, 3, 2, 50, 8, 12, 5),
                                            **index(6, 12, 35, 7)), dtype="float32"),
    # Blocks of more than a page's half, a sigmoid, n-grams of four, two layers that attend.
    "sigmoid": dict(config=Qwen4ExpTextConfig(**sizes(22, 4, 2, 16, 57, (3, 3, 18, 5, 3), num_hidden_layers=3, layer_types=[INDEXED, LINEAR, "full_attention"],
                                                      rope_parameters=rope(1.0), tie_word_embeddings=True), **experts(4, 2, 9, 7), **streams(2, 5),
                                              **ngrams([2], 18, 4, 4, 3, 30, 1, 1, [7, 3], seed=-5), **index(8, 17, 80, 40),
                                              output_gate_type="sigmoid", norm_topk_prob=False), dtype="bfloat16"),
    # Without n-grams; blocks that divide a page.
    "plain": dict(config=Qwen4ExpTextConfig(**sizes(32, 2, 1, 16, 53, (2, 4, 16, 32, 4), num_hidden_layers=2, layer_types=[LINEAR, INDEXED],
                                                    rope_parameters=rope(0.25)), **experts(3, 1, 8, 12), **streams(4, 16), **index(8, 16, 24, 4)),
                  dtype="float16"),
    "multimodal": dict(config=Qwen4ExpConfig(text_config=dict(**sizes(24, 2, 2, 14, 59, (1, 3, 11, 16, 2), num_hidden_layers=2, layer_types=[LINEAR, INDEXED],
                                                                      rope_parameters=rope(0.6, **MROPE)), **experts(4, 2, 7, 6), **streams(4, 6),
                                                              **ngrams([1], 16, 2, 3, 2, 40, 16, 3, 9), **index(7, 12, 48, 16)),
                                             vision_config=dict(VISION, out_hidden_size=24)), dtype="bfloat16"),
}


def make_model(m, seed):
    torch.manual_seed(700 + seed)
    kind = AutoModelForImageTextToText if hasattr(m["config"], "text_config") else AutoModelForCausalLM
    model = randomise(kind.from_config(m["config"], attn_implementation="eager", experts_implementation="eager").float().eval(), m["dtype"], norms=0.0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("linear_attn.norm.weight"):  # the only one about 1
                p.add_(1.0)
            if name.endswith("A_log"):  # heads that forget within a few tokens and heads that remember hundreds
                p.copy_(torch.linspace(-4.0, 0.5, p.numel()))
            p.copy_(p.to(getattr(torch, m["dtype"])).float())
    return model


def check_written(model, name, m):
    """Writes the model; what transformers reads back is the same, buffers of hashes, too."""
    folder = OUT / name
    copy.deepcopy(model).to(getattr(torch, m["dtype"])).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    read = type(model).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager").eval()
    for (key, before), (_, after) in zip(sorted(model.state_dict().items()), sorted(read.state_dict().items())):
        assert torch.equal(before, after), key


class NearTie(Exception):
    pass


@contextlib.contextmanager
def watched_choices():
    """Raises where an indexer's choice is nearly a tie; counts choices."""
    count, topk = [0], torch.Tensor.topk

    def watched(scores, k, **more):
        if scores.dim() == 1 and k < scores.shape[0]:
            count[0] += 1
            best = topk(scores, k + 1).values
            if best[k - 1] - best[k] <= LEAST_MARGIN * best[k - 1]:
                raise NearTie
        return topk(scores, k, **more)

    torch.Tensor.topk = watched
    try:
        yield count
    finally:
        torch.Tensor.topk = topk


def draw(name, m, number):
    """A model without near ties, and what is expected of it."""
    for attempt in range(1000):
        model = make_model(m, number + 10 * attempt)
        vocabulary = text_of(model.config).vocab_size
        try:
            with watched_choices() as choices:
                found = expected(model, np.random.default_rng(700 + number), vocabulary)
        except NearTie:
            continue
        print(name, "draw", attempt, "choices", choices[0])
        check_written(model, name, m)
        return entry([(name, 2e-4)], bool(getattr(model.config, "tie_word_embeddings", False)), vocabulary, **found)
    raise RuntimeError(f"{name}: near ties everywhere")


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    write_expected(OUT, [draw(name, m, number) for number, (name, m) in enumerate(MODELS.items())])


if __name__ == "__main__":
    main()
