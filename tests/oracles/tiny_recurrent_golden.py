"""Makes tests/golden/tiny_recurrent/: tiny random models with gated delta rules (Qwen3-Next, Qwen3.5), their log-probabilities and greedy texts in
float32.

Run: python tests/oracles/tiny_recurrent_golden.py   (torch 2.15, transformers 5.24, gguf 0.19, safetensors 0.8)

Folders are as transformers saves them; one has what published files have beside the text model. GGUF files have the names, metadata, row orders
and values of llama.cpp's converter: Qwen3-Next's projection by part, Qwen3.5's value heads so that neighbours have different key heads, norms with
the 1 that the classes add, and -exp(A_log). Expected values come from transformers' own classes, in float32 on exactly the weights in the files.
"""

import copy
import pathlib
import shutil

import gguf
import numpy as np
import safetensors.torch
import torch
from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.models.qwen3_5 import Qwen3_5Config, Qwen3_5TextConfig
from transformers.models.qwen3_5_moe import Qwen3_5MoeConfig, Qwen3_5MoeTextConfig
from transformers.models.qwen3_next import Qwen3NextConfig

from tiny_models import add_tensor, entry, expected, finish, randomise, write_expected, write_files

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_recurrent"
KINDS = {"F16": gguf.GGMLQuantizationType.F16, "BF16": gguf.GGMLQuantizationType.BF16, "Q8_0": gguf.GGMLQuantizationType.Q8_0,
         "F32": gguf.GGMLQuantizationType.F32}
LINEAR, FULL = "linear_attention", "full_attention"


def rope(part, **more):
    return {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": part, **more}


def sizes(width, heads, kv, head, vocab, delta, **more):
    """No panel, page or vector divides them. delta: key heads, value heads, key size, value size, taps."""
    keys, values, key_size, value_size, taps = delta
    return dict(hidden_size=width, num_attention_heads=heads, num_key_value_heads=kv, head_dim=head, vocab_size=vocab, max_position_embeddings=256,
                rms_norm_eps=1e-5, linear_num_key_heads=keys, linear_num_value_heads=values, linear_key_head_dim=key_size,
                linear_value_head_dim=value_size, linear_conv_kernel_dim=taps, **more)


def experts(count, used, width, shared):
    return dict(num_experts=count, num_experts_per_tok=used, moe_intermediate_size=width, shared_expert_intermediate_size=shared)


MROPE = dict(mrope_section=[1, 1, 0], mrope_interleaved=True)
VISION = dict(depth=1, hidden_size=8, intermediate_size=12, num_heads=2, patch_size=4, spatial_merge_size=2, temporal_patch_size=1,
              num_position_embeddings=16)

MODELS = {
    # name: configuration, stored type of the folder, type of matrices in the GGUF file (None: no file)
    # Its first draw has a token at which transformers' float32 is 1.7e-4 from its float64: nearly as much as the test allows.
    "next": dict(config=Qwen3NextConfig(**sizes(26, 3, 1, 10, 61, (2, 4, 7, 9, 4), num_hidden_layers=4, intermediate_size=31, rope_parameters=rope(0.4)),
                                        **experts(5, 2, 11, 13)), dtype="float16", gguf="F16", published=True, draw=1),
    "next_order": dict(config=Qwen3NextConfig(**sizes(22, 4, 2, 6, 57, (3, 3, 18, 5, 3), num_hidden_layers=3, layer_types=[FULL, LINEAR, LINEAR],
                                                      intermediate_size=29, mlp_only_layers=[1], norm_topk_prob=False, tie_word_embeddings=True,
                                                      rope_parameters=rope(1.0)), **experts(4, 2, 9, 7)), dtype="bfloat16", gguf=None),
    "dense": dict(config=Qwen3_5TextConfig(**sizes(30, 3, 1, 12, 67, (2, 6, 17, 20, 4), num_hidden_layers=4, intermediate_size=41,
                                                   tie_word_embeddings=True, rope_parameters=rope(0.34, **MROPE))), dtype="bfloat16", gguf="BF16"),
    "dense_q8_0": dict(config=Qwen3_5TextConfig(**sizes(32, 2, 1, 16, 53, (2, 4, 16, 32, 4), num_hidden_layers=4, intermediate_size=64,
                                                        rope_parameters=rope(0.25, **MROPE))), dtype="float32", gguf="Q8_0"),
    "multimodal": dict(config=Qwen3_5Config(text_config=dict(**sizes(24, 2, 2, 14, 59, (1, 3, 11, 16, 2), num_hidden_layers=2,
                                                                     layer_types=[LINEAR, FULL], intermediate_size=35, rope_parameters=rope(0.6, **MROPE))),
                                            vision_config=dict(VISION, out_hidden_size=24)), dtype="bfloat16", gguf=None),
    "mixture": dict(config=Qwen3_5MoeTextConfig(**sizes(28, 2, 1, 10, 63, (2, 4, 8, 12, 4), num_hidden_layers=4, rope_parameters=rope(0.4, **MROPE)),
                                                **experts(6, 3, 10, 9)), dtype="float16", gguf="F16"),
    "mixture_multimodal": dict(config=Qwen3_5MoeConfig(text_config=dict(**sizes(20, 2, 1, 8, 51, (2, 2, 6, 10, 4), num_hidden_layers=2,
                                                                                layer_types=[LINEAR, FULL], rope_parameters=rope(0.5, **MROPE)),
                                                                        **experts(4, 1, 7, 6)), vision_config=dict(VISION, out_hidden_size=20)),
                               dtype="bfloat16", gguf=None),
}


def text_of(config):
    return getattr(config, "text_config", config)


def make_model(m, seed):
    torch.manual_seed(500 + seed + 100 * m.get("draw", 0))
    kind = AutoModelForImageTextToText if hasattr(m["config"], "text_config") else AutoModelForCausalLM
    model = randomise(kind.from_config(m["config"], attn_implementation="eager", experts_implementation="eager").float().eval(), m["dtype"], norms=0.0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("linear_attn.norm.weight"):  # the only one about 1
                p.add_(1.0)
            if name.endswith("A_log"):  # heads that forget within a few tokens and heads that remember hundreds
                p.copy_(torch.linspace(-4.0, 0.5, p.numel()))
            if name.endswith(("linear_attn.norm.weight", "A_log")):
                p.copy_(p.to(getattr(torch, m["dtype"])).float())
    return model


def write_folder(name, model, m):
    folder = OUT / name
    copy.deepcopy(model).to(getattr(torch, m["dtype"])).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if m.get("published"):
        file = folder / "model.safetensors"
        tensors = safetensors.torch.load_file(file)
        tensors["mtp.norm.weight"] = torch.ones(3, dtype=torch.float16)
        safetensors.torch.save_file(tensors, file, metadata={"format": "pt"})


ARCHITECTURES = {"qwen3_next": "qwen3next", "qwen3_5_text": "qwen35", "qwen3_5_moe_text": "qwen35moe"}
NAMES = {  # after a layer's prefix
    "input_layernorm.weight": "attn_norm.weight", "post_attention_layernorm.weight": "post_attention_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight", "self_attn.k_proj.weight": "attn_k.weight", "self_attn.v_proj.weight": "attn_v.weight",
    "self_attn.o_proj.weight": "attn_output.weight", "self_attn.q_norm.weight": "attn_q_norm.weight", "self_attn.k_norm.weight": "attn_k_norm.weight",
    "linear_attn.in_proj_qkv.weight": "attn_qkv.weight", "linear_attn.in_proj_z.weight": "attn_gate.weight",
    "linear_attn.in_proj_b.weight": "ssm_beta.weight", "linear_attn.in_proj_a.weight": "ssm_alpha.weight",
    "linear_attn.in_proj_ba.weight": "ssm_ba.weight", "linear_attn.conv1d.weight": "ssm_conv1d.weight", "linear_attn.A_log": "ssm_a",
    "linear_attn.dt_bias": "ssm_dt.bias", "linear_attn.norm.weight": "ssm_norm.weight", "linear_attn.out_proj.weight": "ssm_out.weight",
    "mlp.gate_proj.weight": "ffn_gate.weight", "mlp.up_proj.weight": "ffn_up.weight", "mlp.down_proj.weight": "ffn_down.weight",
    "mlp.gate.weight": "ffn_gate_inp.weight", "mlp.shared_expert_gate.weight": "ffn_gate_inp_shexp.weight",
    "mlp.shared_expert.gate_proj.weight": "ffn_gate_shexp.weight", "mlp.shared_expert.up_proj.weight": "ffn_up_shexp.weight",
    "mlp.shared_expert.down_proj.weight": "ffn_down_shexp.weight", "mlp.experts.down_proj": "ffn_down_exps.weight",
}
ENDS = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}


def by_part(w, config):
    """Qwen3-Next's projection: of each key head query, key, values, gates; becomes query | key | value and gate."""
    keys, size = config.linear_num_key_heads, config.linear_key_head_dim
    group = config.linear_num_value_heads // keys * config.linear_value_head_dim
    parts = np.split(w.reshape(keys, -1, w.shape[1]), np.cumsum([size, size, group]), axis=1)
    query, key, value, gate = (p.reshape(-1, w.shape[1]) for p in parts)
    return np.concatenate([query, key, value]), gate


def tiled(w, config, size, axis=0):
    """Value heads from groups of a key head to neighbours of different key heads."""
    keys = config.linear_num_key_heads
    w = np.moveaxis(w, axis, 0)
    rest = w.shape[1:]
    w = w.reshape(keys, -1, size, *rest).swapaxes(0, 1).reshape(-1, *rest)
    return np.moveaxis(w, 0, axis)


def reorder(part, w, config):
    """What the converter does for Qwen3.5."""
    size = config.linear_value_head_dim
    first = 2 * config.linear_num_key_heads * config.linear_key_head_dim
    if part.endswith(("in_proj_qkv.weight", "conv1d.weight")):
        return np.concatenate([w[:first], tiled(w[first:], config, size)])
    if part.endswith("in_proj_z.weight"):
        return tiled(w, config, size)
    if part.endswith(("in_proj_b.weight", "in_proj_a.weight", "A_log", "dt_bias")):
        return tiled(w, config, 1)
    if part.endswith("out_proj.weight"):
        return tiled(w, config, size, axis=1)
    return w


def gguf_tensors(model):
    """(name, values, of a matrix that may be quantised)"""
    config = model.config
    for key, w in model.state_dict().items():
        w = w.numpy()
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if key in ENDS:
            yield ENDS[key], w + 1 if key == "model.norm.weight" else w, w.ndim == 2
            continue
        layer, part = key.removeprefix("model.layers.").split(".", 1)
        if part.startswith("linear_attn."):
            w = w.squeeze(1) if part.endswith("conv1d.weight") else w
            w = w if config.model_type == "qwen3_next" else reorder(part, w, config)
            w = -np.exp(w) if part.endswith("A_log") else w
        elif part.endswith("norm.weight"):
            w = w + 1
        prefix = f"blk.{layer}."
        if part.endswith("in_proj_qkvz.weight"):
            for name, rows in zip(("attn_qkv.weight", "attn_gate.weight"), by_part(w, config)):
                yield prefix + name, rows, True
        elif part == "mlp.experts.gate_up_proj":
            for name, rows in zip(("ffn_gate_exps.weight", "ffn_up_exps.weight"), np.split(w, 2, axis=1)):
                yield prefix + name, rows, True
        elif part == "mlp.shared_expert_gate.weight":
            yield prefix + NAMES[part], w.reshape(-1), False
        else:
            small = part.endswith(("mlp.gate.weight", "conv1d.weight", "in_proj_b.weight", "in_proj_a.weight", "in_proj_ba.weight"))
            yield prefix + NAMES[part], w, w.ndim >= 2 and not small


def write_gguf(name, model, m):
    config = model.config
    architecture = ARCHITECTURES[config.model_type]
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    if hasattr(config, "intermediate_size"):
        writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(int(config.head_dim * config.rope_parameters["partial_rotary_factor"]))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    if hasattr(config, "num_experts"):
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.num_experts_per_tok)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
        writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)
    writer.add_ssm_conv_kernel(config.linear_conv_kernel_dim)
    writer.add_ssm_state_size(config.linear_key_head_dim)
    writer.add_ssm_group_count(config.linear_num_key_heads)
    writer.add_ssm_time_step_rank(config.linear_num_value_heads)
    writer.add_ssm_inner_size(config.linear_value_head_dim * config.linear_num_value_heads)
    writer.add_uint32(f"{architecture}.full_attention_interval", 4)
    if architecture != "qwen3next":
        writer.add_array(f"{architecture}.attention.recurrent_layers", [t == LINEAR for t in config.layer_types])
        writer.add_rope_dimension_sections([11, 11, 10, 0])
    for tensor, w, matrix in gguf_tensors(model):
        add_tensor(writer, tensor, w, KINDS[m["gguf"] if matrix else "F32"])
    finish(writer)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    golden = []
    for seed, (name, m) in enumerate(MODELS.items()):
        model = make_model(m, seed)
        files = write_files(name, model, m, write_folder, write_gguf, kept=("conv1d.weight", "in_proj_b.weight", "in_proj_a.weight"))
        rng = np.random.default_rng(500 + seed)
        vocabulary = text_of(model.config).vocab_size
        golden.append(entry(files, bool(getattr(model.config, "tie_word_embeddings", False)), vocabulary,
                            **expected(model, rng, vocabulary)))
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
