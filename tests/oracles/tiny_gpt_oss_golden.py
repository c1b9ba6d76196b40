"""Makes tests/golden/tiny_gpt_oss/: tiny random gpt-oss models, their log-probabilities and greedy texts in float32.

Run: python tests/oracles/tiny_gpt_oss_golden.py   (torch 2.15, transformers 5.23, gguf 0.19, safetensors 0.8)

Expected values come from transformers' GptOssForCausalLM in float32 on exactly the weights in the files; those of MXFP4 experts are what
transformers' own `convert_moe_packed_tensors` makes of the blocks. Folders have the configuration of openai/gpt-oss-20b ("old") or are as
transformers saves them; GGUF files have the metadata, names and order of llama.cpp's converter, which parts the rows of gate and up. It
does not write that the ends of YaRN's ramp are no whole pairs: whoever reads such a file has to know it.

expected.json: as that of tiny_families, and of MXFP4 models "weights": {tensor: SHA-256 of its float32 values}.
"""

import copy
import hashlib
import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import GptOssConfig, GptOssForCausalLM
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

from tiny_models import add_tensor, entry, expected, finish, randomise, write_expected

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_gpt_oss"
CONTEXT = 256
F32, F16, MXFP4 = gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.MXFP4

MODELS = {
    # No panel, page or vector divides the sizes, where blocks of 32 leave the choice. `large`: experts' inputs reach the clamps.
    "bf16": dict(width=30, heads=6, kv=2, head=10, layers=3, vocab=67, experts=5, used=2, expert=22, window=19, dtype="bfloat16", gguf=None),
    "f16": dict(width=28, heads=4, kv=1, head=14, layers=2, vocab=61, experts=7, used=4, expert=17, window=83, dtype="float16", gguf=F16, large=True,
                old=True),
    "mxfp4": dict(width=64, heads=4, kv=2, head=12, layers=2, vocab=59, experts=4, used=3, expert=96, window=45, dtype="bfloat16", gguf=MXFP4, old=True),
}


def config_of(m):
    return GptOssConfig(
        hidden_size=m["width"], num_attention_heads=m["heads"], num_key_value_heads=m["kv"], head_dim=m["head"], num_hidden_layers=m["layers"],
        vocab_size=m["vocab"], num_local_experts=m["experts"], num_experts_per_tok=m["used"], intermediate_size=m["expert"],
        sliding_window=m["window"], max_position_embeddings=CONTEXT, tie_word_embeddings=False, eos_token_id=2, pad_token_id=1,
        # The published base is 150000, with which the ramp would end before the second pair of such small heads.
        rope_parameters={"rope_type": "yarn", "rope_theta": 500.0, "factor": 8.0, "beta_fast": 32.0, "beta_slow": 1.0, "truncate": False,
                         "original_max_position_embeddings": 32})


def make_model(m, seed):
    torch.manual_seed(400 + seed)
    model = GptOssForCausalLM._from_config(config_of(m), attn_implementation="eager", experts_implementation="eager")
    model = randomise(model.float().eval(), m["dtype"])
    with torch.no_grad():
        for name, p in model.named_parameters():
            scale = 1.0
            if name.endswith("sinks"):
                scale = 4.0  # as much as a strong score
            elif "experts" in name and name.endswith("_bias"):
                scale = 12.0 if m.get("large") and "gate_up" in name else 1.0
            elif name.endswith(("experts.gate_up_proj", "experts.down_proj")):
                scale = (p.shape[-1] / p.shape[-2]) ** 0.5  # their inputs are the second dimension
            p.copy_((p * scale).to(getattr(torch, m["dtype"])).float())
    return model


# MXFP4: 16 levels of a sign, two bits of exponent and one of mantissa, times a power of two.
LEVELS = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], dtype=np.float32)


def to_mxfp4(w):
    """{experts, outputs, inputs} to blocks of two codes in a byte, the first in the low half, and the powers' biased exponents."""
    groups = w.reshape(*w.shape[:2], -1, 32)
    powers = np.floor(np.log2(np.abs(groups).max(axis=-1))) - 2
    codes = np.abs(groups[..., None] / 2.0 ** powers[..., None, None] - LEVELS).argmin(axis=-1).astype(np.uint8)
    return codes[..., 0::2] | codes[..., 1::2] << 4, (powers + 127).astype(np.uint8)


def quantise(model):
    """The experts' matrices become what their blocks hold; returns the blocks by name, and the hashes of their values."""
    packed, hashes = {}, {}
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith(("experts.gate_up_proj", "experts.down_proj")):
                blocks, scales = (torch.from_numpy(np.ascontiguousarray(part)) for part in to_mxfp4(p.transpose(1, 2).numpy()))
                packed |= {name + "_blocks": blocks, name + "_scales": scales}
                p.copy_(convert_moe_packed_tensors(blocks, scales, dtype=torch.float32))
                hashes[name + "_blocks"] = hashlib.sha256(p.transpose(1, 2).contiguous().numpy().astype("<f4").tobytes()).hexdigest()
    return packed, hashes


def published_config(model, m, packed):
    """The keys of openai/gpt-oss-20b."""
    config = model.config
    parameters = dict(config.rope_parameters)
    theta = parameters.pop("rope_theta")
    out = {
        "architectures": ["GptOssForCausalLM"], "attention_bias": True, "attention_dropout": 0.0, "eos_token_id": 2, "experts_per_token": m["used"],
        "head_dim": m["head"], "hidden_act": "silu", "hidden_size": m["width"], "initial_context_length": 32, "initializer_range": 0.02,
        "intermediate_size": m["expert"], "layer_types": list(config.layer_types), "max_position_embeddings": CONTEXT, "model_type": "gpt_oss",
        "num_attention_heads": m["heads"], "num_experts_per_tok": m["used"], "num_hidden_layers": m["layers"], "num_key_value_heads": m["kv"],
        "num_local_experts": m["experts"], "output_router_logits": False, "pad_token_id": 1, "rms_norm_eps": config.rms_norm_eps,
        "rope_scaling": parameters, "rope_theta": theta, "router_aux_loss_coef": 0.9, "sliding_window": m["window"], "swiglu_limit": 7.0,
        "tie_word_embeddings": False, "transformers_version": "4.55.0.dev0", "use_cache": True, "vocab_size": m["vocab"]}
    if packed:
        out["quantization_config"] = {
            "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
            "quant_method": "mxfp4"}
    return out


def write_folder(name, model, m, packed):
    folder = OUT / name
    if not m.get("old"):
        copy.deepcopy(model).to(getattr(torch, m["dtype"])).save_pretrained(folder)
        (folder / "generation_config.json").unlink()
        return
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(published_config(model, m, packed), indent=1) + "\n")
    stored = {k: w.to(getattr(torch, m["dtype"])) for k, w in model.state_dict().items() if k + "_blocks" not in packed}
    save_file(stored | packed, folder / "model.safetensors", metadata={"format": "pt"})


def gguf_tensors(model):
    for key, w in model.state_dict().items():
        w = w.numpy()
        if key.endswith("sinks"):
            yield key + ".weight", w
        elif key.endswith(("gate_up_proj", "gate_up_proj_bias")):
            w = w.swapaxes(1, 2) if w.ndim == 3 else w
            kind = ".weight" if w.ndim == 3 else ".bias"
            for i, part in enumerate(("gate_proj", "up_proj")):
                yield key.removesuffix("_bias").replace("gate_up_proj", part) + kind, w[:, i::2]
        elif key.endswith("experts.down_proj"):
            yield key + ".weight", w.swapaxes(1, 2)
        elif key.endswith("experts.down_proj_bias"):
            yield key.removesuffix("_bias") + ".bias", w
        else:
            yield key, w


def write_gguf(name, model, m):
    config, parameters = model.config, model.config.rope_parameters
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", "gpt-oss")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(m["width"])
    writer.add_block_count(m["layers"])
    writer.add_feed_forward_length(m["expert"])
    writer.add_head_count(m["heads"])
    writer.add_head_count_kv(m["kv"])
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(parameters["factor"])
    writer.add_rope_scaling_orig_ctx_len(parameters["original_max_position_embeddings"])
    writer.add_rope_scaling_yarn_beta_fast(parameters["beta_fast"])
    writer.add_rope_scaling_yarn_beta_slow(parameters["beta_slow"])
    writer.add_rope_freq_base(parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_expert_count(m["experts"])
    writer.add_expert_used_count(m["used"])
    writer.add_key_length(m["head"])
    writer.add_value_length(m["head"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_sliding_window(m["window"])
    writer.add_expert_feed_forward_length(m["expert"])
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT_OSS, m["layers"])
    for key, w in gguf_tensors(model):
        experts = "experts" in key and w.ndim == 3
        kind = m["gguf"] if experts else F16 if w.ndim >= 2 and "mlp" not in key and m["dtype"] == "float16" else F32
        if kind == MXFP4:
            assert np.array_equal(gguf.quants.dequantize(gguf.quants.quantize(np.ascontiguousarray(w), kind), kind), w), key
        add_tensor(writer, names.get_name(key, try_suffixes=(".weight", ".bias")), w, kind)
    finish(writer)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    golden = []
    for seed, (name, m) in enumerate(MODELS.items()):
        model = make_model(m, seed)
        packed, hashes = quantise(model) if name == "mxfp4" else ({}, {})
        write_folder(name, model, m, packed)
        files = [(name, 2e-4)]
        if m["gguf"] is not None:
            write_gguf(name, model, m)
            files.append((f"{name}.gguf", 2e-4))
        golden.append(entry(files, False, m["vocab"], weights=hashes, **expected(model, np.random.default_rng(400 + seed), m["vocab"])))
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
