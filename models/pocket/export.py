"""Writes a pocket model as GGUF in llama.cpp's conventions: Q8_0 matrices, float32 norms, tokenizer and chat template inside."""

import json

import gguf
import numpy as np

from model import BEGIN, CHAT_TEMPLATE, END, PAD, SPECIAL


def permute(weight, heads):
    """Hugging Face's half-and-half rotary order to the interleaved one of ggml, as llama.cpp's converter does it."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _tensors(model):
    state = {k: v.detach().float().cpu().numpy() for k, v in model.state_dict().items()}
    heads = model.shape.heads
    yield "token_embd.weight", state["embedding.weight"]
    yield "output_norm.weight", state["norm.weight"]
    names = {"attention_norm": "attn_norm", "ffn_norm": "ffn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
             "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down"}
    for layer in range(model.shape.layers):
        for ours, theirs in names.items():
            weight = state[f"blocks.{layer}.{ours}.weight"]
            yield f"blk.{layer}.{theirs}.weight", permute(weight, heads) if ours in ("q", "k") else weight


def write(model, tokenizer, path, size):
    s = model.shape
    writer = gguf.GGUFWriter(str(path) + ".new", "llama")
    writer.add_name(f"pocket-{size}")
    writer.add_description("Bundled test model of sizeup: invented helpdesk, invoice, handbook and quiz texts. See MODEL_CARD.md.")
    writer.add_license("CC0-1.0")
    writer.add_context_length(s.context)
    writer.add_embedding_length(s.width)
    writer.add_block_count(s.layers)
    writer.add_feed_forward_length(s.hidden)
    writer.add_head_count(s.heads)
    writer.add_head_count_kv(s.heads)
    writer.add_layer_norm_rms_eps(s.epsilon)
    writer.add_rope_dimension_count(s.width // s.heads)
    writer.add_rope_freq_base(s.theta)
    writer.add_vocab_size(s.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)

    stored = json.loads(tokenizer.to_str())["model"]
    tokens = [token for token, _ in sorted(stored["vocab"].items(), key=lambda item: item[1])]
    assert tokens[:len(SPECIAL)] == SPECIAL and len(tokens) == s.vocabulary
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * (len(tokens) - len(SPECIAL)))
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in stored["merges"]])
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_pad_token_id(PAD)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)

    for name, weight in _tensors(model):
        weight = np.ascontiguousarray(weight, dtype=np.float32)
        if weight.ndim == 1:
            writer.add_tensor(name, weight)
        else:
            packed = gguf.quants.quantize(weight, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (path.parent / (path.name + ".new")).replace(path)
