"""Makes tests/fuzz/corpus/: small valid files from which the fuzzers start.

    python tests/fuzz/make_corpus.py

gguf/, safetensors/  files with one tensor of each kind, and none
tokenizer/           GGUF files with a byte-level and a SentencePiece vocabulary
"""

import json
import struct
from pathlib import Path

OUT = Path(__file__).resolve().parent / "corpus"
U32, I32, F32, STRING, ARRAY = 4, 5, 6, 8, 9


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def key(name, kind, value):
    return text(name) + struct.pack("<I", kind) + value


def strings(values):
    return struct.pack("<IQ", STRING, len(values)) + b"".join(text(value) for value in values)


def numbers(kind, code, values):
    return struct.pack("<IQ", kind, len(values)) + struct.pack(f"<{len(values)}{code}", *values)


def gguf(keys, tensors=(), data=b""):
    raw = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys)) + b"".join(keys) + b"".join(tensors)
    if data:
        raw += b"\0" * (-len(raw) % 32) + data
    return raw


def tensor(name, shape, kind, offset):
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def vocabulary(model, pre, tokens, types, merges):
    return gguf(
        [
            key("tokenizer.ggml.model", STRING, text(model)),
            key("tokenizer.ggml.pre", STRING, text(pre)),
            key("tokenizer.ggml.tokens", ARRAY, strings(tokens)),
            key("tokenizer.ggml.merges", ARRAY, strings(merges)),
            key("tokenizer.ggml.token_type", ARRAY, numbers(I32, "i", types)),
            key("tokenizer.ggml.scores", ARRAY, numbers(F32, "f", [-float(i) for i in range(len(tokens))])),
            key("tokenizer.ggml.bos_token_id", U32, struct.pack("<I", 1)),
        ]
    )


def safetensors(tensors, data):
    header = json.dumps(tensors, separators=(",", ":")).encode()
    return struct.pack("<Q", len(header)) + header + data


def main():
    entry = {"dtype": "F32", "shape": [1, 2], "data_offsets": [4, 12]}
    half = {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}
    tokens = ["<unk>", "<s>", "</s>", "a", "b", "ab", "Ġ", "▁", "▁a", "<0x41>", "x"]
    types = [2, 3, 3, 1, 1, 1, 1, 1, 1, 6, 4]
    files = {
        "gguf/empty": gguf([]),
        "gguf/all": gguf(
            [key("general.alignment", U32, struct.pack("<I", 32)), key("a", ARRAY, strings(["x", ""]))],
            [tensor("f", [2, 2], 0, 0), tensor("q", [32], 8, 32), tensor("h", [2], 1, 96), tensor("b", [2], 30, 128)],
            b"\1" * 132,
        ),
        "safetensors/empty": safetensors({}, b""),
        "safetensors/all": safetensors({"__metadata__": {"format": "pt"}, "a": entry, "b": half}, b"\1" * 12),
        "tokenizer/byte_level": vocabulary("gpt2", "llama-bpe", tokens, types, ["a b", "Ġ a"]),
        "tokenizer/sentencepiece": vocabulary("llama", "default", tokens, types, []),
    }
    for name, content in files.items():
        path = OUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
