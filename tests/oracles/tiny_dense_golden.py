"""Makes tests/golden/tiny_dense/: tiny random models with the norms, positions and feed-forwards that Llama does not have.

Run: python tests/oracles/tiny_dense_golden.py   (torch 2.15, transformers 5.23, gguf 0.19, safetensors 0.8)

Folders are as transformers saves them, or with what older ones hold: the keys of transformers 4 in config.json, tensors without their first
prefix, masks that were saved as buffers. GGUF files have the names, metadata, fused and transposed matrices of llama.cpp's converter.
Expected values come from transformers' own classes, in float32 on exactly the weights in the files.
"""

import copy
import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, Gemma3ForConditionalGeneration
from transformers.models.gemma import GemmaConfig
from transformers.models.gemma2 import Gemma2Config
from transformers.models.gemma3 import Gemma3Config, Gemma3TextConfig
from transformers.models.gpt2 import GPT2Config
from transformers.models.gpt_neox import GPTNeoXConfig
from transformers.models.olmo2 import Olmo2Config
from transformers.models.phi import PhiConfig

from tiny_models import add_tensor, entry, expected, finish, logits_of, randomise, write_expected, write_files

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_dense"
CONTEXT = 256
KINDS = {kind: getattr(gguf.GGMLQuantizationType, kind) for kind in ("F32", "F16", "BF16", "Q8_0")}


def rope(kind="default", theta=10000.0, **more):
    return {"rope_type": kind, "rope_theta": theta, **more}


def sizes(width, heads, ffn, vocab, layers=2, **more):
    """No panel, page or vector divides them."""
    tokens = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
    return dict(hidden_size=width, num_attention_heads=heads, intermediate_size=ffn, vocab_size=vocab, num_hidden_layers=layers,
                max_position_embeddings=CONTEXT) | tokens | more


def gpt2(width, heads, vocab, layers=2, positions=CONTEXT, **more):
    return GPT2Config(n_embd=width, n_head=heads, n_layer=layers, n_positions=positions, vocab_size=vocab, bos_token_id=1, eos_token_id=2, **more)


def gemma3(layers, window, pattern=None, scaling=None, **more):
    rotary = {"full_attention": scaling or rope(theta=1e6), "sliding_attention": rope()}
    kinds = {} if pattern is None else {"layer_types": [("sliding" if (i + 1) % pattern else "full") + "_attention" for i in range(layers)]}
    return Gemma3TextConfig(**sizes(**{"width": 24, "heads": 4, "ffn": 35, "vocab": 67} | more, layers=layers, num_key_value_heads=2, sliding_window=window,
                                    rope_parameters=rotary, **kinds))


def vision():
    """As small as it may be: nothing of it is read."""
    return dict(model_type="siglip_vision_model", hidden_size=4, intermediate_size=4, num_hidden_layers=1, num_attention_heads=1, image_size=4, patch_size=2)


MODELS = {
    # name: configuration, stored type of the folder, type of matrices in the GGUF file (None: no file)
    "gpt2": dict(config=gpt2(30, 5, 61), dtype="float16", gguf="F16"),
    # The published ones: no prefix, masks among the tensors; the context is short because the masks are its square.
    "gpt2_published": dict(config=gpt2(20, 2, 59, positions=90), dtype="float32", gguf=None, old=True, longest=89),
    "gpt2_scales": dict(config=gpt2(24, 3, 55, layers=3, n_inner=37, tie_word_embeddings=False, scale_attn_by_inverse_layer_idx=True,
                                    activation_function="gelu", layer_norm_epsilon=1e-3), dtype="bfloat16", gguf=None),
    "gpt2_q8_0": dict(config=gpt2(32, 2, 53), dtype="float32", gguf="Q8_0"),
    "neox": dict(config=GPTNeoXConfig(**sizes(48, 2, 45, 63), rope_parameters=rope(partial_rotary_factor=0.25)), dtype="float16", gguf="F16"),
    "neox_serial": dict(config=GPTNeoXConfig(**sizes(36, 3, 51, 57), use_parallel_residual=False, hidden_act="gelu_new",
                                             rope_parameters=rope(partial_rotary_factor=0.5)), dtype="bfloat16", gguf=None, old=True),
    # GGUF does not say the kind of activation: "gelu", as all published ones have it.
    "neox_serial_gelu": dict(config=GPTNeoXConfig(**sizes(20, 1, 33, 65), use_parallel_residual=False, rope_parameters=rope(partial_rotary_factor=1.0)),
                             dtype="float32", gguf="F32"),
    "neox_unbiased": dict(config=GPTNeoXConfig(**sizes(24, 2, 39, 71, tie_word_embeddings=True), attention_bias=False,
                                               rope_parameters=rope("linear", theta=5000.0, partial_rotary_factor=0.5, factor=2.0)),
                          dtype="float16", gguf=None),
    "phi": dict(config=PhiConfig(**sizes(30, 3, 120, 67), rope_parameters=rope(partial_rotary_factor=0.4)), dtype="float16", gguf="F16"),
    "phi_old": dict(config=PhiConfig(**sizes(40, 4, 49, 61, num_key_value_heads=2), rope_parameters=rope(partial_rotary_factor=0.6)),
                    dtype="bfloat16", gguf=None, old=True),
    "phi_head_norms": dict(config=PhiConfig(**sizes(24, 2, 43, 59), qk_layernorm=True, rope_parameters=rope(partial_rotary_factor=0.5)),
                           dtype="float16", gguf=None),
    "gemma": dict(config=GemmaConfig(**sizes(26, 3, 43, 73, num_key_value_heads=1, head_dim=10)), dtype="bfloat16", gguf="BF16"),
    "gemma_old": dict(config=GemmaConfig(**sizes(22, 2, 31, 53, num_key_value_heads=2, head_dim=14)), dtype="bfloat16", gguf=None, old=True),
    "gemma2": dict(config=Gemma2Config(**sizes(24, 4, 37, 63, layers=3, num_key_value_heads=2, head_dim=10, sliding_window=21, query_pre_attn_scalar=10,
                                               attn_logit_softcapping=1.5, final_logit_softcapping=4.0)), dtype="bfloat16", gguf="BF16"),
    "gemma2_old": dict(config=Gemma2Config(**sizes(20, 2, 35, 59, layers=2, num_key_value_heads=1, head_dim=12, sliding_window=83, query_pre_attn_scalar=7,
                                                   attn_logit_softcapping=2.5)), dtype="bfloat16", gguf=None, old=True),
    "gemma2_q8_0": dict(config=Gemma2Config(**sizes(32, 2, 64, 51, layers=2, num_key_value_heads=1, head_dim=16, sliding_window=40, query_pre_attn_scalar=16,
                                                    attn_logit_softcapping=3.0)), dtype="float32", gguf="Q8_0"),
    "gemma3": dict(config=gemma3(7, 19, scaling=rope("linear", theta=1e6, factor=8.0), head_dim=6, query_pre_attn_scalar=6), dtype="bfloat16", gguf="BF16"),
    "gemma3_old": dict(config=gemma3(4, 70, pattern=3, scaling=rope("linear", theta=5e5, factor=3.0), head_dim=10, query_pre_attn_scalar=17), dtype="bfloat16",
                       gguf=None, old=True, pattern=3),
    "gemma3_capped": dict(config=gemma3(3, 33, pattern=2, head_dim=8, query_pre_attn_scalar=8, final_logit_softcapping=3.0, tie_word_embeddings=False),
                          dtype="float16", gguf=None),
    # With a text and a vision part; the file's GGUF is the text part alone.
    "gemma3_multimodal": dict(config=Gemma3Config(text_config=gemma3(6, 45, width=20, heads=2, head_dim=8, query_pre_attn_scalar=8), vision_config=vision(),
                                                  mm_tokens_per_image=1), dtype="bfloat16", gguf="BF16", inner_names=True),
    "gemma3_published": dict(config=Gemma3Config(text_config=gemma3(4, 30, pattern=2, width=28, heads=4, head_dim=6, query_pre_attn_scalar=6),
                                                 vision_config=vision(), mm_tokens_per_image=1), dtype="bfloat16", gguf=None, old=True, pattern=2),
    "olmo2": dict(config=Olmo2Config(**sizes(30, 3, 43, 61), rope_parameters=rope(theta=5e5)), dtype="float16", gguf="F16"),
    "olmo2_grouped": dict(config=Olmo2Config(**sizes(36, 6, 47, 57, num_key_value_heads=2, tie_word_embeddings=True, rms_norm_eps=1e-3)), dtype="bfloat16",
                          gguf=None, old=True),
    "olmo2_q8_0": dict(config=Olmo2Config(**sizes(64, 4, 96, 53, num_key_value_heads=2)), dtype="float32", gguf="Q8_0"),
}


def text_of(config):
    return getattr(config, "text_config", config)


def make_model(m, seed):
    torch.manual_seed(300 + seed)
    config = m["config"]
    kind = Gemma3ForConditionalGeneration if hasattr(config, "text_config") else AutoModelForCausalLM
    model = (kind._from_config if kind is not AutoModelForCausalLM else kind.from_config)(config, attn_implementation="eager")
    return randomise(model.float().eval(), m["dtype"], norms=0.0 if text_of(config).model_type.startswith("gemma") else 1.0)


def old_rotary(config):
    """The keys of transformers 4 for positions, which several families spelled in their own way."""
    kind = config["model_type"]
    parameters = config.pop("rope_parameters")
    if kind == "gemma3_text":
        config["rope_local_base_freq"] = parameters["sliding_attention"]["rope_theta"]
        parameters = parameters["full_attention"]
    base = parameters.pop("rope_theta")
    turned = parameters.pop("partial_rotary_factor", None)
    if kind == "gpt_neox":
        config.update(rotary_emb_base=base, rotary_pct=turned)
    else:
        config["rope_theta"] = base
        if turned is not None:
            config["partial_rotary_factor"] = turned
    scaling = parameters.pop("rope_type")
    config["rope_scaling"] = None if scaling == "default" else {"rope_type": scaling, **parameters}


def old_style(config, m):
    if "text_config" in config:
        old_style(config["text_config"], m)
        # Published ones say only what is not the default.
        for key in ("final_logit_softcapping", "attn_logit_softcapping", "attention_bias", "tie_word_embeddings", "rms_norm_eps", "hidden_activation"):
            config["text_config"].pop(key, None)
        config.pop("tie_word_embeddings", None)
    elif "rope_parameters" in config:
        old_rotary(config)
    config["torch_dtype"] = config.pop("dtype", m["dtype"])
    if m.get("pattern") and "layer_types" in config:
        config["sliding_window_pattern"] = m["pattern"]
    config.pop("layer_types", None)
    config.pop("_sliding_window_pattern", None)
    if config["model_type"] == "gpt2":
        config.update(n_ctx=config["n_positions"], task_specific_params={"text-generation": {"do_sample": True, "max_length": 50}})
    if config["model_type"] == "gemma":
        config.update(hidden_act="gelu", hidden_activation=None)
    if config["model_type"] == "gemma2":
        config.update(hidden_act="gelu_pytorch_tanh", cache_implementation="hybrid")
    return config


def old_tensors(tensors, config):
    """Names and buffers of the published files."""
    if config.model_type == "gpt2":
        mask = torch.ones(config.n_positions, config.n_positions).tril()[None, None]
        masks = {f"h.{i}.attn.bias": mask.clone() for i in range(config.n_layer)}
        return {key.removeprefix("transformer."): w for key, w in tensors.items()} | masks
    if config.model_type == "gpt_neox":
        layers = range(config.num_hidden_layers)
        return tensors | {f"gpt_neox.layers.{i}.attention.masked_bias": torch.tensor(-1e9) for i in layers}
    return tensors


def inner_names(tensors):
    """As the classes of transformers 4.52 and later name them; they are saved as older ones did."""
    names = {"language_model.model.": "model.language_model.", "vision_tower.": "model.vision_tower.", "multi_modal_": "model.multi_modal_"}
    return {next((new + key.removeprefix(old) for old, new in names.items() if key.startswith(old)), key): w for key, w in tensors.items()}


def write_folder(name, model, m):
    folder = OUT / name
    copy.deepcopy(model).to(getattr(torch, m["dtype"])).save_pretrained(folder)
    (folder / "generation_config.json").unlink()
    if m.get("old"):
        file = folder / "config.json"
        file.write_text(json.dumps(old_style(json.loads(file.read_text()), m), indent=1) + "\n")
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    if m.get("old"):
        tensors = old_tensors(tensors, model.config)
    if m.get("inner_names"):
        tensors = inner_names(tensors)
    save_file(tensors, weights, metadata={"format": "pt"})
    check_folder(folder, model, m)


def check_folder(folder, model, m):
    """transformers reads the folder, whatever was done to it, as the same model."""
    text = [int(t) for t in torch.arange(m.get("longest", 200)) % text_of(model.config).vocab_size]
    again = type(model).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    assert torch.equal(logits_of(again, text), logits_of(model, text)), folder


GGUF_ARCHITECTURES = {"gpt2": "gpt2", "gpt_neox": "gptneox", "phi": "phi2", "gemma": "gemma", "gemma2": "gemma2", "gemma3_text": "gemma3", "olmo2": "olmo2"}


def write_metadata(writer, architecture, config):
    """What each class of llama.cpp's conversion/ writes, no more: readers know the rest."""
    heads, width = config.num_attention_heads, config.hidden_size
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(4 * width if architecture in ("gpt2", "phi2") else config.intermediate_size)
    writer.add_head_count(heads)
    if architecture not in ("gpt2", "gptneox"):
        writer.add_head_count_kv(config.num_key_value_heads)
    if architecture in ("gpt2", "gptneox", "phi2"):
        writer.add_layer_norm_eps(config.layer_norm_epsilon if architecture == "gpt2" else config.layer_norm_eps)
    else:
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if architecture in ("gptneox", "phi2"):
        part = config.rope_parameters["partial_rotary_factor"]
        writer.add_rope_dimension_count(int(part * (width // heads)) if architecture == "gptneox" else int(part * width) // heads)
    if architecture == "gptneox":
        writer.add_parallel_residual(config.use_parallel_residual)
    if architecture.startswith("gemma"):
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if architecture == "gemma2":
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if architecture in ("gemma2", "gemma3"):
        writer.add_sliding_window(config.sliding_window)
    if architecture == "gemma3":
        full = config.rope_parameters["full_attention"]
        writer.add_rope_freq_base(full["rope_theta"])
        writer.add_rope_freq_base_swa(config.rope_parameters["sliding_attention"]["rope_theta"])
        if full["rope_type"] == "linear":
            writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(full["factor"])
    if architecture == "olmo2":
        writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def converted(architecture, config, name, w):
    """The tensor as the converter changes it."""
    if architecture == "gpt2" and name.endswith((".c_attn.weight", ".c_proj.weight", ".c_fc.weight")):
        return w.T
    if architecture == "gptneox" and "query_key_value" in name:  # a head's query, key and value -> all queries, all keys, all values
        heads = config.num_attention_heads
        return w.reshape(heads, 3, -1, *w.shape[1:]).swapaxes(0, 1).reshape(w.shape)
    if architecture.startswith("gemma") and name.endswith("norm.weight"):
        return w + 1
    return w


def write_gguf(name, model, m):
    config = text_of(model.config)
    architecture = GGUF_ARCHITECTURES[config.model_type]
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", architecture)
    write_metadata(writer, architecture, config)
    names = gguf.get_tensor_name_map(next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture), config.num_hidden_layers)
    for key, w in model.state_dict().items():
        if key == "lm_head.weight" and (config.tie_word_embeddings or architecture.startswith("gemma")):
            continue
        if key.startswith(("model.vision_tower.", "model.multi_modal_projector.")):
            continue
        key = key.replace("model.language_model.", "model.")
        w = converted(architecture, config, key, w.numpy())
        kind = KINDS[m["gguf"] if w.ndim >= 2 and "wpe" not in key else "F32"]
        add_tensor(writer, names.get_name(key, try_suffixes=(".weight", ".bias")), w, kind)
    finish(writer)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    golden = []
    for seed, (name, m) in enumerate(MODELS.items()):
        model = make_model(m, seed)
        config = text_of(model.config)
        files = write_files(name, model, m, write_folder, write_gguf, kept=("wpe.weight",), transposed=("c_attn.weight", "c_proj.weight", "c_fc.weight"))
        golden.append(entry(files, config.tie_word_embeddings, config.vocab_size,
                            **expected(model, np.random.default_rng(300 + seed), config.vocab_size, m.get("longest", 200))))
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
