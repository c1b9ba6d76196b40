"""What the makers of tiny random models share: weights, GGUF files as llama.cpp's converter writes them, expected values."""

import json
import re

import gguf
import numpy as np
import torch


NORM_WEIGHT = re.compile(r"(norm|\.ln_\w+)\.weight$")


def randomise(model, dtype, norms=1.0):
    """Weights that `dtype` holds; norms about `norms` (0 where a class adds 1), biases and all else about 0."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            scale = 1.6 / p.shape[-1] ** 0.5 if p.dim() >= 2 else 0.3
            p.copy_((torch.randn(p.shape) * scale + (norms if NORM_WEIGHT.search(name) else 0.0)).to(getattr(torch, dtype)).float())
    return model


def permute(w, heads):
    """llama.cpp's convert_hf_to_gguf.py: from halves of a head to neighbouring elements."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def round_to_blocks(model, kept=(), transposed=()):
    """The weights that a Q8_0 file holds; matrices with a name that ends in one of `kept` stay as they are, those of `transposed` have their
    outputs side by side and rounded as the file has them, one above another."""
    kind = gguf.GGMLQuantizationType.Q8_0
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() >= 2 and not name.endswith(tuple(kept)):
                w = p.numpy().T if name.endswith(tuple(transposed)) else p.numpy()
                rounded = gguf.quants.dequantize(gguf.quants.quantize(np.ascontiguousarray(w), kind), kind)
                p.copy_(torch.from_numpy(rounded.T if name.endswith(tuple(transposed)) else rounded))


def add_tensor(writer, name, w, kind):
    writer.add_tensor(name, gguf.quants.quantize(np.ascontiguousarray(w), kind), raw_dtype=kind)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def logits_of(model, tokens):
    with torch.no_grad():
        return model(torch.tensor([tokens]), use_cache=False).logits[0].float()


def sequences_of(model, rng, vocabulary, lengths, digits=7):
    """Random tokens with what the model makes of them."""
    sequences = []
    for length in lengths:
        tokens = [int(t) for t in rng.integers(0, vocabulary, length)]
        table = torch.log_softmax(logits_of(model, tokens), dim=-1)
        sequences.append({
            "tokens": tokens,  # logprobs[i] and best[i] are of token i + 1
            "logprobs": [round(float(table[i, tokens[i + 1]]), digits) for i in range(length - 1)],
            "best": [int(table[i].argmax()) for i in range(length - 1)],
        })
    return sequences


def greedy_of(model, rng, vocabulary, length):
    """A random prompt of 30 tokens and what the model makes of it, up to `length` tokens together."""
    prompt = [int(t) for t in rng.integers(0, vocabulary, 30)]
    text = list(prompt)
    while len(text) < length:
        text.append(int(logits_of(model, text)[-1].argmax()))
    return {"prompt": prompt, "tokens": text[len(prompt):]}


def expected(model, rng, vocabulary, longest=200):
    """Of an entry: sequences of up to `longest` tokens and a greedy text."""
    return {"sequences": sequences_of(model, rng, vocabulary, (2, 17, 70, longest), digits=6),
            "greedy": greedy_of(model, rng, vocabulary, min(longest, 150))}


def write_files(name, model, m, write_folder, write_gguf, **rounding):
    """The model in the forms that `m["gguf"]` says, as `entry` wants them: a folder, a GGUF file too, or a Q8_0 file alone, whose blocks the
    model then holds but for what `rounding` says (round_to_blocks)."""
    if m["gguf"] == "Q8_0":
        write_gguf(name, model, m)
        round_to_blocks(model, **rounding)
        return [(f"{name}.gguf", 1e-3)]
    write_folder(name, model, m)
    files = [(name, 2e-4)]
    if m["gguf"]:
        write_gguf(name, model, m)
        files.append((f"{name}.gguf", 2e-4))
    return files


def entry(files, tied, vocabulary, **more):
    """Of expected.json: files is [(path, bound)]."""
    return {"files": [{"path": p, "bound": b} for p, b in files], "tied": tied, "vocabulary": vocabulary, **more}


def write_expected(folder, entries):
    for file in folder.rglob("*.safetensors"):
        file.chmod(0o644)  # the library makes them private
    (folder / "expected.json").write_text("[\n" + ",\n".join(json.dumps(e) for e in entries) + "\n]\n")
