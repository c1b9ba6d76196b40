"""Makes tests/golden/seed_models/*/tensors.json: names, types and shapes of the tensors of published checkpoints.

Run: python tests/oracles/seed_models_golden.py [NAME...]   (torch 2.15, transformers 5.23)

Each config.json beside them has the values of the published one. transformers builds its class from it without memory (on the "meta"
device) and names what save_pretrained would write. Where the published files differ from that, `PUBLISHED` says how; DeepSeek-MoE, which
has no class in transformers, is listed from its published index. Of Gemma 3n only the text part is listed: its vision tower needs timm.
"""

import json
import math
import pathlib
import re
import sys

import torch
import transformers
from transformers.core_model_loading import revert_weight_conversion
from transformers.modeling_utils import remove_tied_weights_from_state_dict

SEEDS = pathlib.Path(__file__).resolve().parent.parent / "golden" / "seed_models"
TYPES = {"bfloat16": "BF16", "float16": "F16", "float32": "F32"}
NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")


def saved_tensors(folder):
    """What save_pretrained writes: [(name, type, shape)]."""
    text = json.loads((folder / "config.json").read_text())
    text.pop("quantization_config", None)  # of which no weights are made here
    config = transformers.CONFIG_MAPPING[text["model_type"]].from_dict(text)
    text_alone = text["model_type"] == "gemma3n"
    with torch.device("meta"):
        model = transformers.Gemma3nForCausalLM(config.text_config) if text_alone else getattr(transformers, text["architectures"][0])(config)
    tensors = remove_tied_weights_from_state_dict(model.state_dict(), model)
    stored = text.get("torch_dtype") or text.get("dtype") or text.get("text_config", {}).get("dtype") or "bfloat16"
    return [(name, TYPES[stored], list(t.shape)) for name, t in revert_weight_conversion(model, tensors).items()]


def deepseek_moe(config):
    """Of model.safetensors.index.json of deepseek-ai/deepseek-moe-16b-base."""
    width, vocabulary, inner = config["hidden_size"], config["vocab_size"], config["moe_intermediate_size"]

    def feed_forward(prefix, columns):
        return [(f"{prefix}.{part}_proj.weight", [columns, width] if part != "down" else [width, columns]) for part in ("gate", "up", "down")]

    found = [("model.embed_tokens.weight", [vocabulary, width]), ("lm_head.weight", [vocabulary, width]), ("model.norm.weight", [width])]
    for i in range(config["num_hidden_layers"]):
        layer = f"model.layers.{i}"
        found += [(f"{layer}.{norm}_layernorm.weight", [width]) for norm in ("input", "post_attention")]
        found += [(f"{layer}.self_attn.{part}_proj.weight", [width, width]) for part in "qkvo"]
        if i < config["first_k_dense_replace"]:
            found += feed_forward(f"{layer}.mlp", config["intermediate_size"])
            continue
        found.append((f"{layer}.mlp.gate.weight", [config["n_routed_experts"], width]))
        found += feed_forward(f"{layer}.mlp.shared_experts", config["n_shared_experts"] * inner)
        for e in range(config["n_routed_experts"]):
            found += feed_forward(f"{layer}.mlp.experts.{e}", inner)
    return [(name, "BF16", shape) for name, shape in found]


def frequencies(kind, layers=32, pairs=64):
    """A buffer that older transformers stored in each layer."""
    return lambda tensors: tensors + [(f"model.layers.{i}.self_attn.rotary_emb.inv_freq", kind, [pairs]) for i in range(layers)]


def gpt2_published(tensors):
    """Without the prefix, with causal masks."""
    masks = [(f"h.{i}.attn.bias", "F32", [1, 1, 1024, 1024]) for i in range(12)]
    return [(name.removeprefix("transformer."), "F32", shape) for name, _, shape in tensors] + masks


def pythia_published(tensors):
    """With causal masks, their constant and the frequencies."""
    for i in range(24):
        prefix = f"gpt_neox.layers.{i}.attention."
        tensors += [(prefix + "bias", "BOOL", [1, 1, 2048, 2048]), (prefix + "masked_bias", "F16", []), (prefix + "rotary_emb.inv_freq", "F16", [16])]
    return tensors


def gemma3_published(tensors):
    """As transformers 4.50 named them."""
    renamed = (("model.language_model.", "language_model.model."), ("model.vision_tower.", "vision_tower."),
               ("model.multi_modal_projector.", "multi_modal_projector."), ("vision_tower.", "vision_tower.vision_model."))
    found = []
    for name, kind, shape in tensors:
        for old, new in renamed:
            if name.startswith(old) and not name.startswith(new):
                name = name.replace(old, new, 1)
        found.append((name, kind, shape))
    return found


def gpt_oss_published(tensors):
    """Experts in MXFP4: blocks of 16 bytes, which are 32 weights, and a scale for each."""
    found = []
    for name, kind, shape in tensors:
        if name.endswith(("experts.gate_up_proj", "experts.down_proj")):
            experts, columns, rows = shape
            found += [(name + "_blocks", "U8", [experts, rows, columns // 32, 16]), (name + "_scales", "U8", [experts, rows, columns // 32])]
        else:
            found.append((name, kind, shape))
    return found


def shared_keys(first, layers, size_of):
    """Of layers that use the keys and values of others: the files have matrices of their own for them, which nobody reads."""
    def add(tensors):
        width = next(shape[1] for name, _, shape in tensors if name.endswith("layers.0.self_attn.k_proj.weight"))
        for i in range(first, layers):
            prefix, size = f"model.language_model.layers.{i}.self_attn.", size_of(i)
            tensors += [(f"{prefix}{part}_proj.weight", "BF16", [size[0], width]) for part in "kv"] + [(prefix + "k_norm.weight", "BF16", [size[1]])]
        return tensors
    return add


def gemma3n_published(tensors):
    tensors = [(name.replace("model.", "model.language_model.", 1), kind, shape) for name, kind, shape in tensors]
    return shared_keys(20, 30, lambda i: (512, 256))(tensors)


def qwen35_published(tensors):
    """With the layer that guesses the token after the next."""
    layer = "model.language_model.layers.3."
    found = [(name.replace(layer, "mtp.layers.0."), kind, shape) for name, kind, shape in tensors if name.startswith(layer)]
    norms = [(f"mtp.{norm}.weight", "BF16", [1024]) for norm in ("norm", "pre_fc_norm_embedding", "pre_fc_norm_hidden")]
    return tensors + found + norms + [("mtp.fc.weight", "BF16", [1024, 2048])]


PUBLISHED = {
    "gpt2": gpt2_published,
    "pythia-1.4b": pythia_published,
    "llama-2-7b": frequencies("F16"),
    "codellama-7b": frequencies("F32"),
    "gemma-3-4b-it": gemma3_published,
    "gpt-oss-20b": gpt_oss_published,
    "gemma-3n-e2b-it": gemma3n_published,
    "gemma-4-e2b-it": shared_keys(15, 35, lambda i: (512, 512) if i % 5 == 4 else (256, 256)),
    "qwen3.5-0.8b": qwen35_published,
}


def ranges_of(numbers):
    """[[first, last]] that together are these numbers."""
    found = []
    for n in sorted(numbers):
        if found and found[-1][1] == n - 1:
            found[-1][1] = n
        else:
            found.append([n, n])
    return found


def folded(tensors):
    """[{"name": "model.layers.{}.x", "numbers": [[[first, last], ...], ...], "type", "shape"}]: for each {} the numbers it stands for."""
    groups = {}
    for name, kind, shape in tensors:
        key = (NUMBER.sub("{}", "." + name)[1:], kind, tuple(shape))
        groups.setdefault(key, []).append(tuple(int(n) for n in NUMBER.findall("." + name)))
    entries = []
    for (name, kind, shape), numbers in groups.items():
        places = [set(place) for place in zip(*numbers)]
        assert len(numbers) == len(set(numbers)) == math.prod(len(place) for place in places), name
        entries.append({"name": name, "numbers": [ranges_of(place) for place in places], "type": kind, "shape": list(shape)})
    return entries


def main():
    for folder in sorted(SEEDS.iterdir()):
        if sys.argv[1:] and folder.name not in sys.argv[1:]:
            continue
        config = json.loads((folder / "config.json").read_text())
        tensors = deepseek_moe(config) if config["model_type"] == "deepseek" else saved_tensors(folder)
        tensors = PUBLISHED.get(folder.name, lambda same: same)(tensors)
        entries = folded(tensors)
        (folder / "tensors.json").write_text("[\n" + ",\n".join(json.dumps(e) for e in entries) + "\n]\n")
        total = sum(math.prod(shape) for _, _, shape in tensors)
        print(f"{folder.name}: {len(tensors)} tensors, {total:,} elements")


if __name__ == "__main__":
    main()
