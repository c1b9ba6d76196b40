"""Makes tests/golden/tiny_families/: tiny random models of several architectures, their log-probabilities and greedy texts in float32.

Run: python tests/oracles/tiny_families_golden.py   (torch 2.15, transformers 5.23, gguf 0.19, safetensors 0.8)

Folders are as transformers saves them, or with the keys of transformers 4 in config.json ("old"); GGUF files have the names of the gguf
package's table, and the metadata and row permutations of llama.cpp's converter. Expected values come from transformers' own classes, in
float32 on exactly the weights in the files.
"""

import copy
import json
import math
import pathlib
import shutil

import gguf
import numpy as np
import torch
from transformers import AutoModelForCausalLM
from transformers.models.llama import LlamaConfig
from transformers.models.mistral import MistralConfig
from transformers.models.phi3 import Phi3Config
from transformers.models.qwen2 import Qwen2Config
from transformers.models.qwen3 import Qwen3Config
from transformers.models.qwen3_moe import Qwen3MoeConfig
from transformers.models.smollm3 import SmolLM3Config

from tiny_models import add_tensor, entry, expected, finish, permute, randomise, write_expected, write_files

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_families"
CONTEXT = 256
KINDS = {"F32": gguf.GGMLQuantizationType.F32, "F16": gguf.GGMLQuantizationType.F16, "Q8_0": gguf.GGMLQuantizationType.Q8_0}


def rope(kind="default", theta=10000.0, **more):
    return {"rope_type": kind, "rope_theta": theta, **more}


def sizes(width, heads, kv, ffn, vocab, layers=2, head=None, tied=False, **more):
    """No panel, page or vector divides them."""
    head_dim = {} if head is None else {"head_dim": head}
    return dict(hidden_size=width, num_attention_heads=heads, num_key_value_heads=kv, intermediate_size=ffn, vocab_size=vocab,
                num_hidden_layers=layers, tie_word_embeddings=tied, max_position_embeddings=CONTEXT, rms_norm_eps=1e-5,
                **{"rope_parameters": rope()} | head_dim | more)


MODELS = {
    # name: configuration, stored type of the folder, type of matrices in the GGUF file (None: no file)
    "qwen2_tied": dict(config=Qwen2Config(**sizes(30, 5, 1, 41, 67, tied=True, rope_parameters=rope(theta=1e6))), dtype="float32", gguf="F32", old=True),
    "qwen2_untied": dict(config=Qwen2Config(**sizes(28, 2, 2, 35, 71)), dtype="float16", gguf="F16"),
    "linear": dict(config=LlamaConfig(**sizes(24, 3, 1, 37, 61, head=8, rope_parameters=rope("linear", factor=3.0))), dtype="bfloat16", gguf=None, old=True),
    "dynamic": dict(config=LlamaConfig(**sizes(20, 2, 2, 33, 59, rope_parameters=rope("dynamic", factor=4.0))), dtype="float16", gguf=None, old=True),
    "yarn": dict(config=Qwen2Config(**sizes(36, 3, 1, 29, 61, rope_parameters=rope("yarn", factor=4.0, original_max_position_embeddings=64))),
                 dtype="float16", gguf="F16"),
    "llama3": dict(config=LlamaConfig(**sizes(28, 4, 2, 45, 73, head=12, tied=True, rope_parameters=rope(
        "llama3", theta=5e5, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=64))), dtype="float16", gguf="F16"),
    "qwen3": dict(config=Qwen3Config(**sizes(26, 3, 1, 43, 79, head=10, tied=True)), dtype="float16", gguf="F16"),
    "qwen3_q8_0": dict(config=Qwen3Config(**sizes(32, 4, 2, 64, 53, head=16)), dtype="float32", gguf="Q8_0"),
    "qwen3_window": dict(config=Qwen3Config(**sizes(22, 4, 2, 31, 57, layers=3, head=6, use_sliding_window=True, sliding_window=19, max_window_layers=1,
                                                    attention_bias=True)), dtype="bfloat16", gguf=None, old=True),
    "qwen3_moe": dict(config=Qwen3MoeConfig(**sizes(24, 2, 1, 31, 59, head=14, num_experts=5, num_experts_per_tok=2, moe_intermediate_size=11,
                                                    norm_topk_prob=True, experts_implementation="eager")), dtype="float16", gguf="F16"),
    "mistral": dict(config=MistralConfig(**sizes(28, 6, 2, 39, 63, head=6, sliding_window=21)), dtype="float16", gguf="F16"),
    "mistral_pages": dict(config=MistralConfig(**sizes(18, 3, 1, 25, 51, head=6, sliding_window=83)), dtype="bfloat16", gguf=None),
    "smollm3": dict(config=SmolLM3Config(**sizes(24, 4, 2, 35, 55, layers=5, tied=True, no_rope_layer_interval=4, pad_token_id=0)), dtype="float16", gguf="F16"),
    "phi3_longrope": dict(config=Phi3Config(**sizes(24, 3, 1, 37, 61, bos_token_id=1, eos_token_id=2, pad_token_id=0, original_max_position_embeddings=160,
                                                    rope_parameters=rope("longrope", short_factor=[1.0, 1.3, 2.1], long_factor=[1.0, 4.0, 9.0],
                                                                         partial_rotary_factor=0.75, original_max_position_embeddings=160))),
                          dtype="float16", gguf="F16", longest=150),
    "phi3_window": dict(config=Phi3Config(**sizes(20, 2, 2, 27, 53, bos_token_id=1, eos_token_id=2, pad_token_id=0, sliding_window=45)), dtype="bfloat16",
                        gguf=None, old=True),
}


def make_model(m, seed):
    torch.manual_seed(200 + seed)
    model = AutoModelForCausalLM.from_config(m["config"], attn_implementation="eager")
    return randomise(model.float().eval(), m["dtype"])


def old_style(config):
    """The keys of transformers 4."""
    parameters = config.pop("rope_parameters")
    config["rope_theta"] = parameters.pop("rope_theta")
    for key in ("partial_rotary_factor", "original_max_position_embeddings"):
        if key in parameters and config["model_type"] == "phi3":
            config[key] = parameters.pop(key)
    kind = parameters.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {"type": kind, **parameters}
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    return config


def write_folder(name, model, m):
    folder = OUT / name
    copy.deepcopy(model).to(getattr(torch, m["dtype"])).save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    if m.get("old"):
        file = folder / "config.json"
        file.write_text(json.dumps(old_style(json.loads(file.read_text())), indent=1) + "\n")


GGUF_ARCHITECTURES = {"qwen2": "qwen2", "qwen3": "qwen3", "qwen3_moe": "qwen3moe", "llama": "llama", "mistral": "llama", "smollm3": "smollm3", "phi3": "phi3"}


def llama3_divisors(parameters, head):
    base, factor = parameters["rope_theta"], parameters["factor"]
    low, high, length = parameters["low_freq_factor"], parameters["high_freq_factor"], parameters["original_max_position_embeddings"]
    for i in range(0, head, 2):
        wave = 2 * math.pi * base ** (i / head)
        smooth = (length / wave - low) / (high - low)
        yield 1.0 if wave < length / high else factor if wave > length / low else 1 / ((1 - smooth) / factor + smooth)


def write_rotary(writer, config, head):
    parameters = config.rope_parameters
    kind = parameters["rope_type"]
    writer.add_rope_freq_base(parameters["rope_theta"])
    if kind in ("linear", "yarn"):
        writer.add_rope_scaling_type({"linear": gguf.RopeScalingType.LINEAR, "yarn": gguf.RopeScalingType.YARN}[kind])
        writer.add_rope_scaling_factor(parameters["factor"])
    if kind == "yarn":
        writer.add_rope_scaling_orig_ctx_len(parameters["original_max_position_embeddings"])
    if kind == "llama3":
        writer.add_tensor("rope_freqs.weight", np.array(list(llama3_divisors(parameters, head)), dtype=np.float32))
    if kind == "longrope":
        length = parameters["original_max_position_embeddings"]
        writer.add_rope_scaling_orig_ctx_len(length)
        writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(config.max_position_embeddings / length) / math.log(length)))
        for part in ("long", "short"):
            writer.add_tensor(f"rope_factors_{part}.weight", np.array(parameters[part + "_factor"], dtype=np.float32))


def write_gguf(name, model, m):
    config = model.config
    architecture = GGUF_ARCHITECTURES[config.model_type]
    heads, kv = config.num_attention_heads, config.num_key_value_heads
    given_head = getattr(config, "head_dim", None)
    head = given_head or config.hidden_size // heads
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    if given_head:
        writer.add_key_length(head)
        writer.add_value_length(head)
    if architecture in ("llama", "smollm3", "phi3"):
        writer.add_rope_dimension_count(int(head * config.rope_parameters.get("partial_rotary_factor", 1.0)))
        writer.add_vocab_size(config.vocab_size)
    if getattr(config, "sliding_window", None) or architecture == "phi3":
        writer.add_sliding_window(config.sliding_window or 0)
    if architecture == "qwen3moe":
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    write_rotary(writer, config, head)
    names = gguf.get_tensor_name_map(next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture), config.num_hidden_layers)
    for key, w in tensors_of(model):
        w = w.numpy()
        if architecture in ("llama", "smollm3") and ("q_proj" in key or "k_proj" in key):
            w = permute(w, heads if "q_proj" in key else kv)
        wanted = KINDS[m["gguf"] if w.ndim >= 2 and "mlp.gate.weight" not in key else "F32"]
        add_tensor(writer, names.get_name(key, try_suffixes=(".weight", ".bias")), w, wanted)
    finish(writer)


def tensors_of(model):
    for key, w in model.state_dict().items():
        if key == "lm_head.weight" and model.config.tie_word_embeddings:
            continue
        if key.endswith("experts.gate_up_proj"):
            for part, rows in zip(("gate_proj", "up_proj"), w.chunk(2, dim=1)):
                yield key.replace("gate_up_proj", part + ".weight"), rows
        elif key.endswith("experts.down_proj"):
            yield key + ".weight", w
        else:
            yield key, w


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    golden = []
    for seed, (name, m) in enumerate(MODELS.items()):
        model = make_model(m, seed)
        files = write_files(name, model, m, write_folder, write_gguf, kept=("mlp.gate.weight",))
        golden.append(entry(files, model.config.tie_word_embeddings, model.config.vocab_size,
                            **expected(model, np.random.default_rng(200 + seed), model.config.vocab_size, m.get("longest", 200))))
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
