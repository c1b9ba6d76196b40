"""Makes tests/golden/tiny_deepseek/: tiny random DeepSeek-MoE models, their log-probabilities and greedy texts.

Run: python tests/oracles/tiny_deepseek_golden.py   (numpy 2, torch 2.15, transformers 5.23, gguf 0.19, safetensors 0.8)

transformers has no class for DeepseekForCausalLM: its code is published beside its checkpoint alone, and not run here. Expected
values are those of `Forward`, float64 in NumPy, written from the paper (https://arxiv.org/abs/2401.06066, sections 2 and 3) and the
keys of the published configuration. Its parts are held against classes of transformers that compute the same (`check_forward`): the
attention and the dense layers against Llama, the mixture against the greedy one of DeepSeek-V2. GGUF files have the metadata, the names
and the row permutations of llama.cpp's converter.
"""

import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import DeepseekV2Config, LlamaConfig, LlamaForCausalLM
from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2Moe

from tiny_models import add_tensor, entry, finish, permute, write_expected

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_deepseek"
CONTEXT = 256
PUBLISHED = {  # of deepseek-ai/deepseek-moe-16b-base, without its sizes
    "architectures": ["DeepseekForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "aux_loss_alpha": 0.001,
    "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekConfig", "AutoModel": "modeling_deepseek.DeepseekModel",
                 "AutoModelForCausalLM": "modeling_deepseek.DeepseekForCausalLM"},
    "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "initializer_range": 0.02, "max_position_embeddings": CONTEXT,
    "model_type": "deepseek", "pretraining_tp": 1, "rms_norm_eps": 1e-6, "rope_scaling": None, "rope_theta": 10000,
    "scoring_func": "softmax", "seq_aux": True, "tie_word_embeddings": False, "transformers_version": "4.36.0", "use_cache": True,
}


def sizes(width, heads, kv, layers, vocab, ffn, experts, used, expert, shared, first=1, every=1, normalised=False):
    """No panel, page or vector divides them."""
    return PUBLISHED | {
        "hidden_size": width, "num_attention_heads": heads, "num_key_value_heads": kv, "num_hidden_layers": layers, "vocab_size": vocab,
        "intermediate_size": ffn, "n_routed_experts": experts, "num_experts_per_tok": used, "moe_intermediate_size": expert,
        "n_shared_experts": shared, "first_k_dense_replace": first, "moe_layer_freq": every, "norm_topk_prob": normalised}


MODELS = {
    # name: configuration, stored type of the folder, whether there is a GGUF file
    "as_published": dict(config=sizes(30, 5, 5, 3, 67, 41, 7, 3, 11, 2), dtype="float16", gguf=True),
    # Experts in layers 2 and 4 alone; weights divided by their sum; no shared expert.
    "every_second": dict(config=sizes(28, 2, 1, 5, 59, 37, 5, 2, 13, None, first=1, every=2, normalised=True), dtype="bfloat16", gguf=False),
    "grouped_heads": dict(config=sizes(24, 6, 2, 2, 61, 35, 9, 4, 7, 1, first=0), dtype="float16", gguf=True),
}


def has_experts(config, layer):
    return layer >= config["first_k_dense_replace"] and layer % config["moe_layer_freq"] == 0


def make_weights(config, dtype, rng):
    """Weights that `dtype` holds, by their published names; norms about 1, all else about 0."""
    width, head = config["hidden_size"], config["hidden_size"] // config["num_attention_heads"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    shapes = {"model.embed_tokens": (config["vocab_size"], width), "model.norm": (width,), "lm_head": (config["vocab_size"], width)}
    for i in range(config["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        shapes |= {layer + "input_layernorm": (width,), layer + "post_attention_layernorm": (width,),
                   layer + "self_attn.q_proj": (queries, width), layer + "self_attn.k_proj": (keys, width),
                   layer + "self_attn.v_proj": (keys, width), layer + "self_attn.o_proj": (width, queries)}
        inner = {"mlp.": config["intermediate_size"]}
        if has_experts(config, i):
            shapes[layer + "mlp.gate"] = (config["n_routed_experts"], width)
            inner = {f"mlp.experts.{e}.": config["moe_intermediate_size"] for e in range(config["n_routed_experts"])}
            if config["n_shared_experts"]:
                inner["mlp.shared_experts."] = config["moe_intermediate_size"] * config["n_shared_experts"]
        for prefix, size in inner.items():
            shapes |= {layer + prefix + "gate_proj": (size, width), layer + prefix + "up_proj": (size, width), layer + prefix + "down_proj": (width, size)}
    weights = {}
    for name, shape in shapes.items():
        scale, mean = (0.3, 1.0) if len(shape) == 1 else (1.6 / shape[1] ** 0.5, 0.0)
        weights[name + ".weight"] = torch.from_numpy(rng.normal(mean, scale, shape)).to(getattr(torch, dtype)).double().numpy()
    return weights


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class Forward:
    def __init__(self, config, weights):
        self.config, self.weights = config, weights

    def logits(self, tokens):
        x = self.weights["model.embed_tokens.weight"][tokens]
        for i in range(self.config["num_hidden_layers"]):
            layer = f"model.layers.{i}."
            x = x + self.attention(layer + "self_attn.", self.norm(layer + "input_layernorm", x))
            inner = self.norm(layer + "post_attention_layernorm", x)
            x = x + (self.mixture(layer + "mlp.", inner) if has_experts(self.config, i) else self.feed_forward(layer + "mlp.", inner))
        return self.linear("lm_head", self.norm("model.norm", x))

    def linear(self, name, x):
        return x @ self.weights[name + ".weight"].T

    def norm(self, name, x):
        return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.config["rms_norm_eps"]) * self.weights[name + ".weight"]

    def rotate(self, x):
        """Elements i and i + size / 2 of a head turn by position * theta^(-2i / size). x: (positions, heads, size)."""
        half = x.shape[2] // 2
        angles = np.arange(x.shape[0])[:, None] * self.config["rope_theta"] ** (-np.arange(half) / half)
        cosine, sine = np.cos(angles)[:, None], np.sin(angles)[:, None]
        first, second = x[..., :half], x[..., half:]
        return np.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)

    def attention(self, layer, x):
        heads, kv = self.config["num_attention_heads"], self.config["num_key_value_heads"]
        size, length = self.config["hidden_size"] // heads, x.shape[0]
        query = self.rotate(self.linear(layer + "q_proj", x).reshape(length, heads, size))
        key = self.rotate(self.linear(layer + "k_proj", x).reshape(length, kv, size)).repeat(heads // kv, axis=1)
        value = self.linear(layer + "v_proj", x).reshape(length, kv, size).repeat(heads // kv, axis=1)
        scores = np.einsum("qhs,khs->hqk", query, key) / size**0.5
        scores[:, np.triu(np.ones((length, length), dtype=bool), 1)] = -np.inf
        return self.linear(layer + "o_proj", np.einsum("hqk,khs->qhs", softmax(scores), value).reshape(length, heads * size))

    def feed_forward(self, prefix, x):
        gate = self.linear(prefix + "gate_proj", x)
        return self.linear(prefix + "down_proj", gate / (1 + np.exp(-gate)) * self.linear(prefix + "up_proj", x))

    def mixture(self, prefix, x):
        """Equations 9 to 11 of the paper: the shared experts, and the best of the routed ones by their affinity."""
        affinity = softmax(self.linear(prefix + "gate", x))
        chosen = np.argsort(-affinity, axis=-1, kind="stable")[:, : self.config["num_experts_per_tok"]]
        gates = np.take_along_axis(affinity, chosen, axis=-1)
        if self.config["norm_topk_prob"]:
            gates = gates / gates.sum(axis=-1, keepdims=True)
        sums = self.feed_forward(prefix + "shared_experts.", x) if self.config["n_shared_experts"] else np.zeros_like(x)
        for row in range(x.shape[0]):
            for expert, gate in zip(chosen[row], gates[row]):
                sums[row] += gate * self.feed_forward(f"{prefix}experts.{expert}.", x[row])
        return sums


def check_forward(rng):
    config = sizes(24, 6, 2, 3, 61, 35, 9, 4, 7, 2, first=3)  # every layer is dense
    weights = make_weights(config, "float32", rng)
    llama = LlamaForCausalLM(LlamaConfig(**{k: config[k] for k in (
        "hidden_size", "num_attention_heads", "num_key_value_heads", "num_hidden_layers", "vocab_size", "intermediate_size", "rms_norm_eps",
        "max_position_embeddings", "tie_word_embeddings")}, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})).double().eval()
    llama.load_state_dict({k: torch.from_numpy(w) for k, w in weights.items()})
    tokens = rng.integers(0, 61, 100)
    with torch.no_grad():
        expected = llama(torch.from_numpy(tokens)[None], use_cache=False).logits[0].numpy()
    # transformers computes angles and the norms of this class in float32.
    np.testing.assert_allclose(Forward(config, weights).logits(tokens), expected, atol=1e-4)

    config["first_k_dense_replace"] = 0
    weights = make_weights(config, "float32", rng)
    prefix = "model.layers.0.mlp."
    mixture = DeepseekV2Moe(DeepseekV2Config(hidden_size=24, num_attention_heads=6, moe_intermediate_size=7, n_routed_experts=9, num_experts_per_tok=4, n_shared_experts=2,
                                             topk_method="greedy", n_group=None, topk_group=None,
                                             routed_scaling_factor=1.0)).double().eval()
    parts = {k.removeprefix(prefix): torch.from_numpy(w) for k, w in weights.items() if k.startswith(prefix)}
    stacked = lambda part: torch.stack([parts.pop(f"experts.{e}.{part}.weight") for e in range(9)])
    parts["experts.gate_up_proj"] = torch.cat([stacked("gate_proj"), stacked("up_proj")], dim=1)
    parts["experts.down_proj"] = stacked("down_proj")
    mixture.load_state_dict(parts)
    x = rng.normal(size=(50, 24))
    with torch.no_grad():
        expected = mixture(torch.from_numpy(x)[None])[0].numpy()
    np.testing.assert_allclose(Forward(config, weights).mixture(prefix, x), expected, atol=1e-5)


def write_folder(name, config, weights, dtype):
    folder = OUT / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config | {"torch_dtype": dtype}, indent=1) + "\n")
    stored = {k: torch.from_numpy(w).to(getattr(torch, dtype)) for k, w in weights.items()}
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})


def stack_experts(weights, count):
    """The tensors in files' order, the experts of a layer as one tensor for each part."""
    for name, w in weights.items():
        if ".experts." not in name:
            yield name, w
        elif ".experts.0." in name:
            yield name.replace("experts.0.", "experts."), np.stack([weights[name.replace("experts.0.", f"experts.{e}.")] for e in range(count)])


def write_gguf(name, config, weights):
    heads, kv = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", "deepseek")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_expert_count(config["n_routed_experts"])
    writer.add_expert_used_count(config["num_experts_per_tok"])
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SOFTMAX)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_rope_scaling_type(gguf.RopeScalingType.NONE)
    writer.add_leading_dense_block_count(config["first_k_dense_replace"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    writer.add_expert_weights_scale(1.0)
    writer.add_expert_shared_count(config["n_shared_experts"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.DEEPSEEK, config["num_hidden_layers"])
    for key, w in stack_experts(weights, config["n_routed_experts"]):
        if "q_proj" in key or "k_proj" in key:
            w = permute(w, heads if "q_proj" in key else kv)
        kind = gguf.GGMLQuantizationType.F32 if w.ndim == 1 or "mlp.gate.weight" in key else gguf.GGMLQuantizationType.F16
        add_tensor(writer, names.get_name(key, try_suffixes=(".weight",)), w.astype(np.float32), kind)
    finish(writer)


def expected(forward, rng):
    vocabulary = forward.config["vocab_size"]
    sequences = []
    for length in (2, 17, 70, 200):
        tokens = [int(t) for t in rng.integers(0, vocabulary, length)]
        table = np.log(softmax(forward.logits(tokens)))
        sequences.append({"tokens": tokens, "logprobs": [round(float(table[i, tokens[i + 1]]), 6) for i in range(length - 1)],
                          "best": [int(table[i].argmax()) for i in range(length - 1)]})
    prompt = [int(t) for t in rng.integers(0, vocabulary, 30)]
    text = list(prompt)
    while len(text) < 110:
        text.append(int(forward.logits(text)[-1].argmax()))
    return {"sequences": sequences, "greedy": {"prompt": prompt, "tokens": text[len(prompt):]}}


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    check_forward(np.random.default_rng(1))
    golden = []
    for seed, (name, m) in enumerate(MODELS.items()):
        rng = np.random.default_rng(300 + seed)
        config = m["config"]
        weights = make_weights(config, m["dtype"], rng)
        write_folder(name, config, weights, m["dtype"])
        files = [(name, 2e-4)]
        if m["gguf"]:
            write_gguf(name, config, weights)
            files.append((f"{name}.gguf", 2e-4))
        golden.append(entry(files, False, config["vocab_size"], **expected(Forward(config, weights), rng)))
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
