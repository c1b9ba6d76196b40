"""Makes tests/fuzz/corpus/: small valid files from which the fuzzers start.

    python tests/fuzz/make_corpus.py

gguf/, safetensors/  files with one tensor of each kind, and none
tokenizer/           GGUF files with a byte-level and a SentencePiece vocabulary
jinja/               templates; the first byte is even for a chat's settings
dataset/             rows in each format; the first byte is the format's number
"""

import gzip
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


CHAT = (
    "{%- if tools %}{{ '<tools>' }}{% for tool in tools %}{{ tool | tojson(indent=2) }}{% endfor %}{% endif %}\n"
    "{% set ns = namespace(last=0) %}{% for m in messages if m.role != 'x' %}{% set ns.last = loop.index0 %}"
    "{{ '<|' ~ m['role'] + '|>' }}{{ m.content | trim }}{{ eos_token | default('') }}{% else %}{% break %}{% endfor %}"
    "{%- if add_generation_prompt -%}{% generation %}<|assistant|>{% endgeneration %}{%- endif -%}{{ ns.last }}"
)
PROMPT = (
    "{% macro f(x, y='d') %}{{ x }}{{ y }}{{ caller() if caller else '' }}{% endmacro %}{{ f(s[1:-1], y=n // 2) }}"
    "{% call f(1) %}c{% endcall %}{% set b %}{{ s | upper }}{% endset %}{% filter lower %}{{ b }}{% endfilter %}"
    "{% raw %}{{ x }}{% endraw %}{# c #}{{ '%5.2f|%s' % (n / 3, [1, {'a': none}]) }}{{ range(3) | map('string') | join(',') }}"
)


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
        "jinja/chat": b"\0" + CHAT.encode(),
        "jinja/prompt": b"\1" + PROMPT.encode(),
        "dataset/jsonl": b'\0{"a": 1, "b": "\xc3\xa9"}\n{"a": null, "b": [1.5, {}]}\n',
        "dataset/json": b'\1[{"a": 1}, {"a": "x\\ud83d\\ude00"}]',
        "dataset/csv": b'\2a,"b ""q"""\r\n1,"x\ny"\r\n"",\r\n',
        "dataset/tsv": b"\3a\tb\n1\t2\n",
        "dataset/gzip": b"\4" + gzip.compress(b'{"a": 1}\n', mtime=0),
        "tokenizer/sentencepiece": vocabulary("llama", "default", tokens, types, []),
    }
    for name, content in files.items():
        path = OUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
