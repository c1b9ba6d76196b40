"""Makes tests/golden/tiny_mixture/: tiny random models with experts and their log-probabilities in float32.

Run: python tests/oracles/tiny_mixture_golden.py   (torch 2.15, transformers 5.23, gguf 0.19, safetensors 0.8)

As tiny_llama_golden.py, whose parts it uses: expected values come from transformers' MixtralForCausalLM and
Qwen2MoeForCausalLM in float32 on exactly the weights in the files.
"""

import json
import pathlib
import shutil

import gguf
import torch
from safetensors.torch import save_file
from transformers import MixtralConfig, MixtralForCausalLM, Qwen2MoeConfig, Qwen2MoeForCausalLM

import tiny_llama_golden as llama
from tiny_models import add_tensor, entry, finish, permute, randomise, round_to_blocks, write_expected

OUT = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tiny_mixture"
CONTEXT = llama.CONTEXT

MODELS = {
    # No panel, page or vector divides the sizes; a "dense" layer has no experts; "stacked": one tensor for all experts in the folder, too.
    "mixtral_f32": dict(kind="mixtral", width=24, heads=6, kv=2, head=4, layers=2, vocab=61, tied=False, dtype="float32", experts=5, used=2, expert=19),
    "qwen2_moe_bf16": dict(kind="qwen2", width=30, heads=5, kv=1, head=6, layers=3, vocab=83, tied=True, dtype="bfloat16", experts=7, used=3, expert=21,
                           ffn=37, shared=11, dense=[1]),
    "qwen2_moe_f32": dict(kind="qwen2", width=28, heads=2, kv=2, head=14, layers=2, vocab=71, tied=False, dtype="float32", experts=9, used=4, expert=13,
                          ffn=29, shared=18, normalised=True, stacked=True),
    "qwen2_moe_q8_0": dict(kind="qwen2", width=64, heads=4, kv=2, head=16, layers=2, vocab=97, tied=False, dtype="float32", experts=4, used=2, expert=32,
                           ffn=96, shared=64),
}


def config_of(m):
    common = dict(hidden_size=m["width"], num_hidden_layers=m["layers"], num_attention_heads=m["heads"], num_key_value_heads=m["kv"],
                  vocab_size=m["vocab"], max_position_embeddings=CONTEXT, rms_norm_eps=1e-5, tie_word_embeddings=m["tied"],
                  num_experts_per_tok=m["used"], rope_parameters={"rope_type": "default", "rope_theta": 10000.0}, attn_implementation="eager", experts_implementation="eager",
                  bos_token_id=1, eos_token_id=2, pad_token_id=None)
    if m["kind"] == "mixtral":
        return MixtralConfig(**common, head_dim=m["head"], intermediate_size=m["expert"], num_local_experts=m["experts"], sliding_window=None)
    return Qwen2MoeConfig(**common, intermediate_size=m["ffn"], num_experts=m["experts"], moe_intermediate_size=m["expert"],
                          shared_expert_intermediate_size=m["shared"], norm_topk_prob=m.get("normalised", False), decoder_sparse_step=1,
                          mlp_only_layers=m.get("dense", []))


def make_model(m, seed):
    torch.manual_seed(100 + seed)
    config = config_of(m)
    model = (MixtralForCausalLM if m["kind"] == "mixtral" else Qwen2MoeForCausalLM)(config)
    return randomise(model.float().eval(), m["dtype"])


def hugging_face_config(m):
    config = {k: v for k, v in config_of(m).to_diff_dict().items() if not k.startswith("_") and k != "transformers_version"}
    name = "MixtralForCausalLM" if m["kind"] == "mixtral" else "Qwen2MoeForCausalLM"
    return {"architectures": [name], **config, "dtype": m["dtype"], "num_hidden_layers": m["layers"], "num_attention_heads": m["heads"],
            "num_key_value_heads": m["kv"], "tie_word_embeddings": m["tied"], "hidden_act": "silu"}


def one_by_one(state, m):
    """Published checkpoints have a tensor for each expert, and Mixtral its own names."""
    out = {}
    for key, w in state.items():
        if m["kind"] == "mixtral":
            key = key.replace(".mlp.", ".block_sparse_moe.")
        if key.endswith("experts.gate_up_proj"):
            names = ("w1", "w3") if m["kind"] == "mixtral" else ("gate_proj", "up_proj")
            for e in range(m["experts"]):
                for name, part in zip(names, w[e].chunk(2)):
                    out[key.replace("gate_up_proj", f"{e}.{name}.weight")] = part.clone()
        elif key.endswith("experts.down_proj"):
            for e in range(m["experts"]):
                out[key.replace("down_proj", f"{e}.{'w2' if m['kind'] == 'mixtral' else 'down_proj'}.weight")] = w[e].clone()
        else:
            out[key] = w
    return out


def write_hugging_face(name, state, m):
    folder = OUT / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(hugging_face_config(m), indent=1) + "\n")
    stored = {k: v.to(getattr(torch, m["dtype"])) for k, v in state.items()}
    save_file(stored, folder / "model.safetensors", metadata={"format": "pt"})


GGUF_NAMES = {"mlp.gate.weight": "ffn_gate_inp.weight", "mlp.experts.down_proj": "ffn_down_exps.weight",
              "mlp.shared_expert_gate.weight": "ffn_gate_inp_shexp.weight", "mlp.shared_expert.gate_proj.weight": "ffn_gate_shexp.weight",
              "mlp.shared_expert.up_proj.weight": "ffn_up_shexp.weight", "mlp.shared_expert.down_proj.weight": "ffn_down_shexp.weight"}


def gguf_tensors(state, m):
    for key, w in state.items():
        w = w.numpy()
        rest = key.split(".", 3)[3] if key.startswith("model.layers.") else ""
        layer = "blk." + key.split(".")[2] + "." if rest else ""
        if m["kind"] == "mixtral" and ("q_proj" in key or "k_proj" in key):
            w = permute(w, m["heads"] if "q_proj" in key else m["kv"])
        if rest == "mlp.experts.gate_up_proj":
            half = w.shape[1] // 2
            yield layer + "ffn_gate_exps.weight", w[:, :half]
            yield layer + "ffn_up_exps.weight", w[:, half:]
        elif rest in GGUF_NAMES:
            yield layer + GGUF_NAMES[rest], w[0] if rest == "mlp.shared_expert_gate.weight" else w
        else:
            yield llama.gguf_name(key), w


def write_gguf(name, state, m, kind):
    architecture = "llama" if m["kind"] == "mixtral" else "qwen2moe"
    writer = gguf.GGUFWriter(OUT / f"{name}.gguf", architecture)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(m["width"])
    writer.add_block_count(m["layers"])
    writer.add_feed_forward_length(m["expert"] if m["kind"] == "mixtral" else m["ffn"])
    writer.add_head_count(m["heads"])
    writer.add_head_count_kv(m["kv"])
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_expert_count(m["experts"])
    writer.add_expert_used_count(m["used"])
    if m["kind"] == "qwen2":
        writer.add_expert_feed_forward_length(m["expert"])
        writer.add_expert_shared_feed_forward_length(m["shared"])
        if m.get("normalised"):
            writer.add_expert_weights_norm(True)
    for key, w in gguf_tensors(state, m):
        wanted = kind if w.ndim >= 2 and "ffn_gate_inp" not in key else gguf.GGMLQuantizationType.F32
        add_tensor(writer, key, w, wanted)
    finish(writer)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    golden = []
    for seed, (name, m) in enumerate(MODELS.items()):
        model = make_model(m, seed)
        state = llama.weights(model, m)
        if name.endswith("q8_0"):
            write_gguf(name, state, m, gguf.GGMLQuantizationType.Q8_0)
            round_to_blocks(model, kept=("mlp.gate.weight", "shared_expert_gate.weight"))  # they choose in float32
            files = [(f"{name}.gguf", 1e-3)]
        else:
            write_hugging_face(name, one_by_one(state, m), m)
            files = [(name, 2e-4)]
            if m.get("stacked"):
                write_hugging_face(name + "_stacked", state, m)
                files.append((name + "_stacked", 2e-4))
            if m["dtype"] == "float32":
                write_gguf(name, state, m, gguf.GGMLQuantizationType.F32)
                files.append((f"{name}.gguf", 2e-4))
        golden.append(entry(files, m["tied"], m["vocab"], sequences=llama.expected(model, m, 100 + seed)))
    write_expected(OUT, golden)


if __name__ == "__main__":
    main()
