"""Makes tests/golden/tiny_llama/: tiny random Llama models and their log-probabilities in float32.

Run: python tests/oracles/tiny_llama_golden.py   (torch 2.15, transformers 5.23, gguf 0.19, safetensors 0.8)

Each model is written as a Hugging Face folder or a GGUF file (query and key rows permuted as llama.cpp's converter
does); expected values come from transformers' LlamaForCausalLM in float32 on exactly the weights in the file.
"""

import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from tiny_models import add_tensor, entry, finish, permute, randomise, round_to_blocks, sequences_of, write_expected

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_llama"
CONTEXT = 96

MODELS = {
    # name: shape, stored type, options. Sizes are odd on purpose: no panel, page or vector divides them.
    "gqa_tied_f32": dict(width=24, heads=6, kv=2, head=4, ffn=37, layers=2, vocab=61, tied=True, theta=10000.0, dtype="float32"),
    "wide_heads_bf16": dict(width=21, heads=3, kv=1, head=14, ffn=33, layers=2, vocab=83, tied=False, theta=500000.0, dtype="bfloat16", shards=3),
    "biased_f16": dict(width=30, heads=5, kv=5, head=6, ffn=41, layers=3, vocab=71, tied=False, theta=1000.0, dtype="float16", bias=True),
    "blocks_q8_0": dict(width=64, heads=4, kv=2, head=16, ffn=96, layers=2, vocab=97, tied=False, theta=10000.0, dtype="float32"),
}


def make_model(m, seed):
    torch.manual_seed(seed)
    config = LlamaConfig(
        hidden_size=m["width"], intermediate_size=m["ffn"], num_hidden_layers=m["layers"], num_attention_heads=m["heads"],
        num_key_value_heads=m["kv"], head_dim=m["head"], vocab_size=m["vocab"], max_position_embeddings=CONTEXT, rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": m["theta"]}, tie_word_embeddings=m["tied"],
        attention_bias=m.get("bias", False), mlp_bias=m.get("bias", False), attn_implementation="eager",
        bos_token_id=1, eos_token_id=2, pad_token_id=None)
    return randomise(LlamaForCausalLM(config).float().eval(), m["dtype"])


def weights(model, m):
    state = {k: v.detach().clone() for k, v in model.state_dict().items()}
    if m["tied"]:
        state.pop("lm_head.weight", None)
    return state


def hugging_face_config(m, old_style):
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": m["width"], "intermediate_size": m["ffn"],
        "num_hidden_layers": m["layers"], "num_attention_heads": m["heads"], "num_key_value_heads": m["kv"], "head_dim": m["head"],
        "vocab_size": m["vocab"], "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5, "hidden_act": "silu",
        "tie_word_embeddings": m["tied"], "attention_bias": m.get("bias", False), "mlp_bias": m.get("bias", False),
    }
    if old_style:  # transformers 4
        config.update(rope_theta=m["theta"], rope_scaling=None, torch_dtype=m["dtype"])
    else:  # transformers 5
        config.update(rope_parameters={"rope_type": "default", "rope_theta": m["theta"]}, dtype=m["dtype"])
    return config


def write_hugging_face(name, model, m, old_style):
    folder = OUT / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(hugging_face_config(m, old_style), indent=1) + "\n")
    stored = {k: v.to(getattr(torch, m["dtype"])) for k, v in weights(model, m).items()}
    count = m.get("shards", 1)
    if count == 1:
        save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})
        return
    names, index = sorted(stored), {}
    for i in range(count):
        file = f"model-{i + 1:05}-of-{count:05}.safetensors"
        part = {k: stored[k] for k in names[i::count]}
        save_file(part, folder / file, metadata={"format": "pt"})
        index.update(dict.fromkeys(part, file))
    size = sum(v.numel() * v.element_size() for v in stored.values())
    content = {"metadata": {"total_size": size}, "weight_map": dict(sorted(index.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(content, indent=1) + "\n")


GGUF_NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}


def gguf_name(name):
    stem, kind = name.rsplit(".", 1)
    if stem.startswith("model.layers."):
        _, _, layer, rest = stem.split(".", 3)
        return f"blk.{layer}.{GGUF_NAMES[rest]}.{kind}"
    return f"{GGUF_NAMES[stem]}.{kind}"


def write_gguf(name, model, m, kind, folder=OUT, **options):
    writer = gguf.GGUFWriter(folder / f"{name}.gguf", "llama", **options)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(m["width"])
    writer.add_block_count(m["layers"])
    writer.add_feed_forward_length(m["ffn"])
    writer.add_head_count(m["heads"])
    writer.add_head_count_kv(m["kv"])
    writer.add_key_length(m["head"])
    writer.add_value_length(m["head"])
    writer.add_rope_dimension_count(m["head"])
    writer.add_rope_freq_base(m["theta"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(m["vocab"])
    for key, w in weights(model, m).items():
        w = w.numpy()
        if "q_proj" in key or "k_proj" in key:
            w = permute(w, m["heads"] if "q_proj" in key else m["kv"])
        wanted = kind if w.ndim == 2 else gguf.GGMLQuantizationType.F32
        add_tensor(writer, gguf_name(key), w, wanted)
    finish(writer)


def expected(model, m, seed):
    return sequences_of(model, np.random.default_rng(seed), m["vocab"], (2, 17, 40, CONTEXT))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    golden = []
    for seed, (name, m) in enumerate(MODELS.items()):
        model = make_model(m, seed)
        files = []
        if name == "blocks_q8_0":
            write_gguf(name, model, m, gguf.GGMLQuantizationType.Q8_0)
            round_to_blocks(model)
            files = [(f"{name}.gguf", 1e-3)]
        else:
            write_hugging_face(name, model, m, old_style=seed % 2 == 0)
            files = [(name, 2e-4)]
        if m["dtype"] != "bfloat16" and name != "blocks_q8_0":
            kind = gguf.GGMLQuantizationType.F16 if m["dtype"] == "float16" else gguf.GGMLQuantizationType.F32
            write_gguf(name, model, m, kind)
            files.append((f"{name}.gguf", 2e-4))
        golden.append(entry(files, m["tied"], m["vocab"], sequences=expected(model, m, seed)))
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
