"""Expected values for `sizeup quant-loss` and its statistics: writes tests/golden/quant_loss/.

Run: python tests/oracles/quant_loss_golden.py [MODELS]   (torch, transformers, gguf, scipy, statsmodels)

`expected.json` has two parts. `statistics`: invented distributions, and what SciPy, NumPy and statsmodels make of them.
`models`: pairs of files, a text, its ids, and the loss of the second file against the first, from transformers'
LlamaForCausalLM in float32 on the weights that gguf's dequantisation gives. One pair is made here (tiny, random); the
other is stories260K in MODELS (default ../shared/models), which is not part of the repository.
"""

import json
import pathlib
import sys

import gguf
import numpy as np
import torch
from scipy import special, stats
from statsmodels.api import OLS
from statsmodels.stats.proportion import proportion_confint
from transformers import LlamaConfig, LlamaForCausalLM

from tiny_models import finish, permute

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OUT = ROOT / "tests" / "golden" / "quant_loss"
TEXT = """Once upon a time there was a small dog who lived in a red house near the sea. Every day he ran down to the water and
looked for his friend, a big white bird. One day the bird was not there. The dog looked under the boat and behind the tree,
but he could not see the bird. "Where are you?" he said. He was very sad and sat down in the sand. Then he heard a soft
sound. It came from a box. The dog ran to the box and opened it with his nose. Inside was the bird! "Thank you," said the
bird. "I wanted to play a game, but the box was too small and I could not get out." The dog was so happy that he jumped up
and down. They played together until the sun went away, and then they went home. From that day on the bird told the dog
where it was going, and they never lost each other again.
"""


def clustered_interval(values, windows):
    if len(set(windows)) < 2 or np.ptp(values) == 0:
        return None  # nothing for a library to estimate
    fit = OLS(np.asarray(values), np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": np.asarray(windows)}, use_t=True)
    return [float(end) for end in fit.conf_int(0.05)[0]]


def mean(values, windows):
    n = len(values)
    error = np.sqrt(np.var(values) / (n - 1))
    low, high = stats.t.interval(0.95, n - 1, np.mean(values), error)
    return {"value": float(np.mean(values)), "standard_error": float(error), "interval": [float(low), float(high)],
            "by_window": clustered_interval(values, windows)}


def share(values, windows):
    n, s = len(values), float(np.mean(values))
    low, high = proportion_confint(sum(values), n, method="wilson")
    by_window = clustered_interval(values, windows)
    return {"value": s, "standard_error": float(np.sqrt(s * (1 - s) / (n - 1))), "interval": [float(low), float(high)],
            "by_window": by_window and [max(0.0, by_window[0]), min(1.0, by_window[1])]}


def perplexity(logprobs):
    n = len(logprobs)
    low, high = stats.t.interval(0.95, n - 1, np.mean(logprobs), stats.sem(logprobs))
    return {"value": float(np.exp(-np.mean(logprobs))), "interval": [float(np.exp(-high)), float(np.exp(-low))]}


def loss(base, variant, following, windows):
    """From rows of logits or log-probabilities over the vocabulary, in float64."""
    p, q = special.log_softmax(base, axis=1), special.log_softmax(variant, axis=1)
    divergence = special.rel_entr(np.exp(p), np.exp(q)).sum(axis=1)
    rows = np.arange(len(following))
    own, other = p[rows, following], q[rows, following]
    same = (p.argmax(axis=1) == q.argmax(axis=1)).astype(float)
    # sqrt(v1 + v2 - 2 cov), as for paired means
    cov = np.cov(own, other)
    ratio = mean(own - other, windows)
    assert np.isclose(ratio["standard_error"], np.sqrt((cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]) / len(own)))
    return {"positions": len(own), "windows": len(set(windows)), "divergence": mean(divergence, windows),
            "percentiles": [float(x) for x in np.percentile(divergence, [50, 90, 95, 99])],
            "maximum": float(divergence.max()), "same_top": share(same, windows), "base_perplexity": perplexity(own),
            "variant_perplexity": perplexity(other), "log_ratio": ratio, "absolute": mean(np.abs(own - other), windows),
            "absolute_maximum": float(np.abs(own - other).max())}


def invented():
    rng = np.random.default_rng(20261126)
    vocabulary, sizes = 6, [7, 3, 9, 5, 8]
    windows = [100 - w for w, size in enumerate(sizes) for _ in range(size)]
    base = rng.normal(0, 2, (len(windows), vocabulary))
    variant = base + rng.normal(0, 0.3, base.shape)
    following = [int(t) for t in rng.integers(0, vocabulary, len(windows))]
    p, q = (special.log_softmax(x, axis=1).astype(np.float32) for x in (base, variant))
    return {"windows": windows, "next": following, "base": [[float(x) for x in row] for row in p],
            "variant": [[float(x) for x in row] for row in q],
            "expected": loss(p.astype(np.float64), q.astype(np.float64), np.array(following), windows)}


def unpermute(w, heads):
    """llama.cpp's files have neighbouring elements of a head where Hugging Face has its halves."""
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


NAMES = {"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
         "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}


def hugging_face_name(name):
    if name.startswith("blk."):
        _, layer, rest = name.split(".", 2)
        stem, kind = rest.rsplit(".", 1)
        return f"model.layers.{layer}.{NAMES[stem]}.{kind}"
    return {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
            "output.weight": "lm_head.weight"}[name]


def field(reader, key):
    return reader.fields[key].contents()


def load(path):
    """The model that a GGUF file holds, dequantised, in float32."""
    reader = gguf.GGUFReader(path)
    heads, kv = field(reader, "llama.attention.head_count"), field(reader, "llama.attention.head_count_kv")
    config = LlamaConfig(
        hidden_size=field(reader, "llama.embedding_length"), intermediate_size=field(reader, "llama.feed_forward_length"),
        num_hidden_layers=field(reader, "llama.block_count"), num_attention_heads=heads, num_key_value_heads=kv,
        vocab_size=field(reader, "llama.vocab_size"), max_position_embeddings=field(reader, "llama.context_length"),
        rms_norm_eps=field(reader, "llama.attention.layer_norm_rms_epsilon"), tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": field(reader, "llama.rope.freq_base")},
        attn_implementation="eager")
    model = LlamaForCausalLM(config).float().eval()
    state = {}
    for tensor in reader.tensors:
        w = gguf.quants.dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if ".attn_q." in tensor.name or ".attn_k." in tensor.name:
            w = unpermute(w, heads if ".attn_q." in tensor.name else kv)
        state[hugging_face_name(tensor.name)] = torch.from_numpy(np.ascontiguousarray(w))
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert missing == ["lm_head.weight"] and not unexpected
    model.tie_weights()
    return reader, model


def tokenise(reader, text):
    """SentencePiece's merging by score over a GGUF file's vocabulary, in its plainest form."""
    pieces, scores = field(reader, "tokenizer.ggml.tokens"), field(reader, "tokenizer.ggml.scores")
    ids = {piece: i for i, piece in enumerate(pieces)}
    parts = list(("\u2581" + text.replace(" ", "\u2581")))
    while True:
        merges = [(scores[ids[a + b]], -i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in ids]
        if not merges:
            break
        i = -max(merges)[1]
        parts[i:i + 2] = [parts[i] + parts[i + 1]]
    tokens = [field(reader, "tokenizer.ggml.bos_token_id")]
    for part in parts:
        tokens += [ids[part]] if part in ids else [ids[f"<0x{byte:02X}>"] for byte in part.encode()]
    return tokens


def compare(base_path, variant_path, context):
    reader, base = load(base_path)
    _, variant = load(variant_path)
    tokens = tokenise(reader, TEXT)
    base_rows, variant_rows, following, windows = [], [], [], []
    for window in range(len(tokens) // context):
        ids = tokens[window * context:(window + 1) * context]
        ids[0] = tokens[0]
        with torch.no_grad():
            rows = [m(torch.tensor([ids])).logits[0].double().numpy()[context // 2:context - 1] for m in (base, variant)]
        base_rows.append(rows[0])
        variant_rows.append(rows[1])
        following += ids[context // 2 + 1:]
        windows += [window] * len(rows[0])
    return {"context": context, "ids": tokens,
            "expected": loss(np.concatenate(base_rows), np.concatenate(variant_rows), np.array(following), windows)}


def write_tiny(path, kind):
    """A random model whose tokenizer knows single letters, some pairs and all bytes."""
    width, heads, kv, ffn, layers, context = 64, 4, 2, 96, 2, 128
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)] + list("\u2581abcdefghijklmnopqrstuvwxyz.,")
    pieces += ["\u2581t", "he", "\u2581a", "in", "er", "\u2581the", "ou", "on"]
    types = [2, 3, 3] + [6] * 256 + [1] * (len(pieces) - 259)
    rng = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_rope_dimension_count(width // heads)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(pieces))
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(pieces)
    writer.add_token_scores([-float(i) for i in range(len(pieces))])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_add_bos_token(True)

    def add(name, *shape, scale=None):
        w = rng.normal(0, scale or 1.6 / np.sqrt(shape[-1]), shape).astype(np.float32)
        w = w.astype(np.float16).astype(np.float32)  # the base file's precision
        if len(shape) == 1:
            writer.add_tensor(name, 1 + w)
        else:
            writer.add_tensor(name, gguf.quants.quantize(w, kind), raw_dtype=kind)

    add("token_embd.weight", len(pieces), width, scale=0.35)
    add("output_norm.weight", width, scale=0.2)
    for layer in range(layers):
        for name, shape in (("attn_q", (width, width)), ("attn_k", (width // 2, width)), ("attn_v", (width // 2, width)),
                            ("attn_output", (width, width)), ("ffn_gate", (ffn, width)), ("ffn_up", (ffn, width)),
                            ("ffn_down", (width, ffn))):
            add(f"blk.{layer}.{name}.weight", *shape)
        for name in ("attn_norm", "ffn_norm"):
            add(f"blk.{layer}.{name}.weight", width, scale=0.2)
    finish(writer)


def main():
    models = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "models"
    OUT.mkdir(parents=True, exist_ok=True)
    write_tiny(OUT / "tiny_f16.gguf", gguf.GGMLQuantizationType.F16)
    write_tiny(OUT / "tiny_q8_0.gguf", gguf.GGMLQuantizationType.Q8_0)
    pairs = [{"in": "repository", "base": "tiny_f16.gguf", "variant": "tiny_q8_0.gguf",
              **compare(OUT / "tiny_f16.gguf", OUT / "tiny_q8_0.gguf", 100)},
             {"in": "shared", "base": "stories260K-F32.gguf", "variant": "stories260K-Q8_0.gguf",
              **compare(models / "stories260K-F32.gguf", models / "stories260K-Q8_0.gguf", 96)}]
    (OUT / "text.txt").write_text(TEXT)
    lines = ",\n".join(json.dumps(pair) for pair in pairs)
    (OUT / "expected.json").write_text(
        '{"statistics": ' + json.dumps(invented()) + ',\n"models": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
