"""Makes tests/golden/tiny_gemma/: tiny random models of Gemma 3n and Gemma 4, their text part alone and as a part of multimodal ones.

Run: python tests/oracles/tiny_gemma_golden.py   (torch 2.15, transformers 5.23, gguf 0.19, safetensors 0.8)

Folders are as transformers saves them, or with the keys of published ones ("published"); GGUF files have the names, metadata and stacked
matrices of llama.cpp's converter. Expected values come from transformers' own classes, in float32 on exactly the weights in the files.
"""

import copy
import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, Gemma4ForConditionalGeneration, Gemma4UnifiedForConditionalGeneration
from transformers.models.gemma3n import Gemma3nTextConfig
from transformers.models.gemma4 import Gemma4Config, Gemma4TextConfig
from transformers.models.gemma4_unified import Gemma4UnifiedConfig, Gemma4UnifiedTextConfig

from tiny_models import add_tensor, entry, expected, finish, logits_of, randomise, write_expected, write_files

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_gemma"
CONTEXT = 256
KINDS = {kind: getattr(gguf.GGMLQuantizationType, kind) for kind in ("F32", "F16", "BF16", "Q8_0")}


def kinds(pattern):
    return [{"s": "sliding_attention", "f": "full_attention"}[letter] for letter in pattern]


def sizes(width, heads, kv, ffn, vocab, pattern, window, head, columns, rows=None, **more):
    """No panel, page or vector divides them."""
    tokens = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    return dict(hidden_size=width, num_attention_heads=heads, num_key_value_heads=kv, intermediate_size=ffn, vocab_size=vocab, head_dim=head,
                num_hidden_layers=len(pattern), layer_types=kinds(pattern), sliding_window=window, max_position_embeddings=CONTEXT,
                **({} if columns is None else dict(hidden_size_per_layer_input=columns, vocab_size_per_layer_input=rows or vocab))) | tokens | more


def rotary(full, sliding=10000.0, **more):
    return {"full_attention": {"rope_type": "default", "rope_theta": full} | more, "sliding_attention": {"rope_type": "default", "rope_theta": sliding}}


def proportional(part, theta=1e6):
    return rotary(theta, rope_type="proportional", partial_rotary_factor=part)


def experts(count, used, width):
    return dict(enable_moe_block=True, num_experts=count, top_k_experts=used, moe_intermediate_size=width)


MODELS = {
    # name: configuration, stored type of the folder, type of matrices in the GGUF file (None: no file)
    # The embeddings of layers lack the last tokens, which get those of the first.
    "gemma3n": dict(config=Gemma3nTextConfig(**sizes(28, 4, 2, 37, 67, "ssfssfssf", 19, 6, 5, num_kv_shared_layers=3, laurel_rank=7,
                                                     activation_sparsity_pattern=[0.95, 0.6, 0.3] + [0.0] * 6, rms_norm_eps=1e-5,
                                                     rope_parameters=rotary(1e6))), dtype="float32", gguf="F32"),
    "gemma3n_streams": dict(config=Gemma3nTextConfig(**sizes(20, 2, 1, [31, 45, 31, 45], 59, "sfsf", 83, 10, 6, rows=53, num_kv_shared_layers=2,
                                                             laurel_rank=3, altup_num_inputs=3, altup_active_idx=1, altup_correct_scale=False,
                                                             activation_sparsity_pattern=[0.8, 0.8, 0.0, 0.0], final_logit_softcapping=4.0,
                                                             rope_parameters=rotary(5e5))), dtype="bfloat16", gguf=None),
    "gemma3n_q8_0": dict(config=Gemma3nTextConfig(**sizes(64, 4, 2, 96, 53, "sfsf", 40, 16, 32, num_kv_shared_layers=2, laurel_rank=32,
                                                          activation_sparsity_pattern=[0.9, 0.0, 0.0, 0.0])), dtype="float32", gguf="Q8_0"),
    # As a part of a model with vision and audio, of which only names are left.
    "gemma3n_multimodal": dict(config=Gemma3nTextConfig(**sizes(24, 3, 1, 33, 61, "ssfssf", 23, 8, 4, num_kv_shared_layers=3, laurel_rank=5,
                                                                activation_sparsity_pattern=[0.5] * 2 + [0.0] * 4)), dtype="bfloat16", gguf=None, multimodal=True),
    # Keys that are values, in layers with larger and fewer heads; no embeddings of layers.
    "gemma4": dict(config=Gemma4TextConfig(**sizes(30, 4, 2, 41, 71, "ssfsf", 21, 6, 0, global_head_dim=10, num_global_key_value_heads=1,
                                                   attention_k_eq_v=True, final_logit_softcapping=5.0, rope_parameters=proportional(0.4))),
                   dtype="float16", gguf="F16"),
    "gemma4_published": dict(config=Gemma4TextConfig(**sizes(26, 6, 3, 35, 57, "ssssf", 70, 8, 5, global_head_dim=12, num_global_key_value_heads=2,
                                                             attention_k_eq_v=True)), dtype="bfloat16", gguf=None, published=True),
    "gemma4_layers": dict(config=Gemma4TextConfig(**sizes(22, 2, 1, 33, 63, "ssfssfsf", 17, 8, 6, global_head_dim=14, num_kv_shared_layers=4,
                                                          use_double_wide_mlp=True)), dtype="float32", gguf="F32"),
    "gemma4_experts": dict(config=Gemma4TextConfig(**sizes(24, 4, 2, 29, 59, "ssf", 45, 10, 0, global_head_dim=10, **experts(5, 2, 11))),
                           dtype="bfloat16", gguf="BF16"),
    "gemma4_q8_0": dict(config=Gemma4TextConfig(**sizes(64, 4, 2, 96, 51, "sf", 30, 16, 32, global_head_dim=32, **experts(4, 2, 64))), dtype="float32", gguf="Q8_0"),
    "gemma4_multimodal": dict(config=Gemma4Config(text_config=Gemma4TextConfig(**sizes(20, 2, 2, 27, 55, "sfsf", 33, 6, 3, global_head_dim=8,
                                                                                       num_kv_shared_layers=2, **experts(3, 1, 9)))),
                              dtype="bfloat16", gguf=None, kind=Gemma4ForConditionalGeneration),
    "gemma4_unified": dict(config=Gemma4UnifiedConfig(text_config=Gemma4UnifiedTextConfig(**sizes(24, 2, 2, 31, 53, "ssf", 20, 8, None, global_head_dim=12,
                                                                                                  attention_k_eq_v=True))),
                           dtype="bfloat16", gguf=None, kind=Gemma4UnifiedForConditionalGeneration),
}

SMALL = ("altup.prediction_coefs.weight", "altup.correction_coefs.weight")


def text_of(config):
    return getattr(config, "text_config", config)


def spread(model, dtype):
    """Weights whose size matters: coefficients of streams, routers, and scales that models begin with at 0 or 1."""
    width = text_of(model.config).hidden_size
    stored = getattr(torch, dtype)
    with torch.no_grad():
        for name, p in list(model.named_parameters()) + list(model.named_buffers()):
            if name.endswith("altup.modality_router.weight"):
                p.copy_((p * width * 0.5).to(stored).float())
            elif name.endswith(SMALL):
                p.copy_((p * 0.25).to(stored).float())
            elif name.endswith(("layer_scalar", "per_expert_scale", "correct_output_scale")) or "layernorm_" in name:
                p.copy_((torch.rand(p.shape) + 0.5).to(stored).float())
            elif name.endswith("q_norm.weight"):  # scores have no other scale: softmax would choose one position
                p.copy_((p * 0.5).to(stored).float())
            elif name.endswith("router.scale"):
                p.copy_(((torch.rand(p.shape) + 0.5) * width**0.5).to(stored).float())


def make_model(name, m, seed):
    torch.manual_seed(400 + seed)
    if "kind" in m:
        model = m["kind"]._from_config(m["config"], attn_implementation="eager")
    else:
        model = AutoModelForCausalLM.from_config(m["config"], attn_implementation="eager")
    model = randomise(model.float().eval(), m["dtype"])
    spread(model, m["dtype"])
    model.set_experts_implementation("eager")
    return model


def published_keys(config):
    """Which sizes of heads differ is said once, not for each layer."""
    layers = config.pop("per_layer_config")
    one = next(iter(layers.values()))
    config.update(global_head_dim=one["head_dim"], num_global_key_value_heads=one.get("num_key_value_heads"))
    return config


def as_part(config, tensors):
    """Of a multimodal model: the names that transformers gives its text part, and something of the other parts."""
    whole = {"architectures": ["Gemma3nForConditionalGeneration"], "model_type": "gemma3n", "text_config": config, "vision_config": {"hidden_size": 8},
             "audio_config": {"hidden_size": 8}, "audio_soft_tokens_per_image": 188, "boi_token_id": 255999, "dtype": config["dtype"]}
    named = {key.replace("model.", "model.language_model.", 1): w for key, w in tensors.items()}
    return whole, named | {"model.vision_tower.timm_model.conv_stem.conv.weight": torch.zeros(2, 2), "model.embed_audio.embedding.weight": torch.zeros(2, 2)}


def write_folder(name, model, m):
    folder = OUT / name
    copy.deepcopy(model).to(getattr(torch, m["dtype"])).save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    file, weights = folder / "config.json", folder / "model.safetensors"
    config, tensors = json.loads(file.read_text()), load_file(weights)
    if m.get("published"):
        config = published_keys(config)
    if m.get("multimodal"):
        config, tensors = as_part(config, tensors)
    file.write_text(json.dumps(config, indent=1) + "\n")
    save_file(tensors, weights, metadata={"format": "pt"})
    if m.get("multimodal"):
        return
    text = [int(t) for t in torch.arange(150) % text_of(model.config).vocab_size]
    again = type(model).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    again.set_experts_implementation("eager")
    assert torch.equal(logits_of(again, text), logits_of(model, text)), folder


def write_metadata(writer, architecture, config):
    """What llama.cpp's converter writes for these two."""
    sliding = [kind == "sliding_attention" for kind in config.layer_types]
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["full_attention"]["rope_theta"])
    writer.add_rope_freq_base_swa(config.rope_parameters["sliding_attention"]["rope_theta"])
    writer.add_sliding_window(config.sliding_window)
    writer.add_sliding_window_pattern(sliding)
    writer.add_shared_kv_layers(config.num_kv_shared_layers)
    writer.add_embedding_length_per_layer_input(config.hidden_size_per_layer_input)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    if config.final_logit_softcapping:
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if architecture == "gemma3n":
        writer.add_feed_forward_length(config.intermediate_size)
        writer.add_head_count_kv(config.num_key_value_heads)
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
        writer.add_altup_active_idx(config.altup_active_idx)
        writer.add_altup_num_inputs(config.altup_num_inputs)
        normal = torch.distributions.normal.Normal(0, 1)
        writer.add_activation_sparsity_scale([normal.icdf(torch.tensor(s, dtype=torch.float32)).item() for s in config.activation_sparsity_pattern])
        return
    window = config.per_layer_config[config.layer_types.index("sliding_attention")]
    own = config.per_layer_config[config.layer_types.index("full_attention")]
    writer.add_key_length(own.head_dim)
    writer.add_value_length(own.head_dim)
    writer.add_key_length_swa(window.head_dim)
    writer.add_value_length_swa(window.head_dim)
    writer.add_rope_dimension_count(own.head_dim)
    writer.add_rope_dimension_count_swa(window.head_dim)
    if own.num_key_value_heads != window.num_key_value_heads:
        writer.add_head_count_kv([window.num_key_value_heads if s else own.num_key_value_heads for s in sliding])
    else:
        writer.add_head_count_kv(window.num_key_value_heads)
    if config.use_double_wide_mlp:
        first = config.num_hidden_layers - config.num_kv_shared_layers
        writer.add_feed_forward_length([config.intermediate_size * (1 if i < first else 2) for i in range(config.num_hidden_layers)])
    else:
        writer.add_feed_forward_length(config.intermediate_size)
    if config.enable_moe_block:
        writer.add_expert_count(config.num_experts)
        writer.add_expert_used_count(config.top_k_experts)
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    turned = int(own.head_dim * config.rope_parameters["full_attention"].get("partial_rotary_factor", 1.0) / 2)
    writer.add_tensor("rope_freqs.weight", np.array([1.0] * turned + [1e30] * (own.head_dim // 2 - turned), dtype=np.float32))


def converted(model):
    """Tensors with the names under which the converter looks for theirs in the table."""
    stacks = {"model.altup_projections": [], "model.altup_unembed_projections": []}
    for key, w in model.state_dict().items():
        if key == "lm_head.weight":
            continue
        stack = next((s for s in stacks if key.startswith(s + ".")), None)
        if stack:
            stacks[stack].append(w)
            continue
        if key.endswith(("correct_output_scale", "layer_scalar", "gate_up_proj", "experts.down_proj")):
            key += ".weight"
        yield key, w
    for key, matrices in stacks.items():
        if matrices:
            yield key + ".weight", torch.stack(matrices)


def write_gguf(name, model, m):
    config = text_of(model.config)
    architecture = {"gemma3n_text": "gemma3n", "gemma4_text": "gemma4"}[config.model_type]
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", architecture)
    write_metadata(writer, architecture, config)
    names = gguf.get_tensor_name_map(next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture), config.num_hidden_layers)
    for key, w in converted(model):
        layer = key.split(".")[2] if ".layers." in key else ""
        special = {"router.scale": f"blk.{layer}.ffn_gate_inp.scale", "router.per_expert_scale": f"blk.{layer}.ffn_down_exps.scale"}
        named = next((v for k, v in special.items() if key.endswith(k)), None) or names.get_name(key, try_suffixes=(".weight",))
        assert named, key
        plain = w.ndim < 2 or key.endswith(SMALL + ("modality_router.weight", "router.proj.weight"))
        add_tensor(writer, named, w.numpy(), KINDS["F32" if plain else m["gguf"]])
    finish(writer)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    golden = []
    for seed, (name, m) in enumerate(MODELS.items()):
        model = make_model(name, m, seed)
        config = text_of(model.config)
        files = write_files(name, model, m, write_folder, write_gguf, kept=SMALL + ("modality_router.weight", "router.proj.weight"))
        rng = np.random.default_rng(400 + seed)
        vocabulary = config.vocab_size
        golden.append(entry(files, True, vocabulary, **expected(model, rng, vocabulary)))
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
