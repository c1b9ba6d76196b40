"""Makes tests/fuzz/corpus/: small valid files from which the fuzzers start.

    python tests/fuzz/make_corpus.py

gguf/, safetensors/  files with one tensor of each kind, one quantised weight of each kind, and none
tokenizer/           GGUF files with a vocabulary of each kind
sentencepiece/       SentencePiece models of both algorithms
huggingface_tokenizer/   tokenizer.json with each model, and every step in one of them
jinja/               templates; the first byte is even for a chat's settings
own_data/            rows of each kind of task, and recorded answers; the first byte is the format's number
dataset/             rows in each format; the first byte is the format's number
"""

import base64
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


# ggml's number, weights and bytes of a block of every quantised type.
BLOCKS = [
    (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34), (10, 256, 84), (11, 256, 110), (12, 256, 144),
    (13, 256, 176), (14, 256, 210), (15, 256, 292), (20, 32, 18), (23, 256, 136), (39, 32, 17),
]


def blocks():
    tensors, data = [], b""
    for kind, weights, size in BLOCKS:
        tensors.append(tensor(f"t{kind}", [weights, 1], kind, len(data)))
        data += bytes(range(size % 7, size % 7 + size))[:size] if size < 250 else b"\x3c" * size
        data += b"\0" * (-len(data) % 32)
    return gguf([], tensors, data)


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


def varint(value):
    raw = b""
    while value >= 0x80:
        raw += bytes([value & 0x7F | 0x80])
        value >>= 7
    return raw + bytes([value])


# A protobuf message of (field, value): numbers, floats, and bytes or texts.
def message(*fields):
    raw = b""
    for number, value in fields:
        if isinstance(value, float):
            raw += varint(number << 3 | 5) + struct.pack("<f", value)
        elif isinstance(value, int):
            raw += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            raw += varint(number << 3 | 2) + varint(len(value)) + value
    return raw


# A double array of one rule: "x" becomes "y ".
def charsmap():
    leaf = 1 << 31  # the value 0
    units = [0] * 256
    units[0] = 1 << 10  # children of the root are at 1 ^ byte
    units[1 ^ ord("x")] = ord("x") | 1 << 8 | (1 ^ ord("x") ^ 2) << 10
    units[2] = leaf
    return struct.pack("<I256I", 4 * len(units), *units) + b"y \0"


def sentencepiece(algorithm, byte_fallback, as_suffix, tokens, types):
    pieces = [(1, message((1, token), (2, -float(i)), (3, kind))) for i, (token, kind) in enumerate(zip(tokens, types))]
    trainer = message((3, algorithm), (24, as_suffix), (35, byte_fallback))
    normalizer = message((2, charsmap()), (3, 1), (4, 1), (5, 1))
    return message(*pieces, (2, trainer), (3, normalizer), (5, normalizer))


def added(names, vocabulary):
    return [{"id": vocabulary[name], "content": name, "special": name.startswith("<")} for name in names]


def tokenizer_json(model, **parts):
    vocabulary = model["vocab"] if isinstance(model["vocab"], dict) else {p[0]: i for i, p in enumerate(model["vocab"])}
    value = {"added_tokens": added(["<s>", "ab"], vocabulary), **parts, "model": model}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def sequence(key, *steps):
    return {"type": "Sequence", key: [{"type": step} if isinstance(step, str) else step for step in steps]}


def huggingface():
    pieces = ["<s>", "<unk>", "a", "b", "ab", "▁", "▁a", "##b", "Ġ", "<0x41>", "b</w>"]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
        "special_tokens": {"<s>": {"ids": [0]}},
    }
    split = {"type": "Split", "pattern": {"Regex": "\\s?[\\w&&[^\\d]]+"}, "behavior": "Isolated", "invert": False}
    split_plain = {"type": "Split", "pattern": {"Regex": "\\w+|\\b|(?=(\\d{3})+(?!\\d))"}, "behavior": "MergedWithPrevious", "invert": True}
    replace = {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "}
    precompiled = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap()).decode()}
    merges = [["a", "b"], ["▁", "a"]]
    return {
        "bpe": tokenizer_json(
            {"type": "BPE", "vocab": vocabulary, "merges": merges, "byte_fallback": True, "unk_token": "<unk>", "fuse_unk": True},
            normalizer=sequence("normalizers", "NFC", "Nmt", "Strip", {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}),
            decoder=sequence("decoders", {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, "ByteFallback", "Fuse", {"type": "Strip", "content": " ", "start": 1, "stop": 0}),
            post_processor=template,
        ),
        "byte_level": tokenizer_json(
            {"type": "BPE", "vocab": vocabulary, "merges": ["a b"], "ignore_merges": True},
            pre_tokenizer=sequence("pretokenizers", split_plain, {"type": "Digits", "individual_digits": True}, "ByteLevel"),
            decoder={"type": "ByteLevel"},
            post_processor={"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["<unk>", 1]},
        ),
        "intersection": tokenizer_json({"type": "BPE", "vocab": vocabulary, "merges": []}, pre_tokenizer=split),
        "suffix": tokenizer_json(
            {"type": "BPE", "vocab": vocabulary, "merges": [], "end_of_word_suffix": "</w>", "continuing_subword_prefix": "##", "unk_token": "<unk>"},
            normalizer=sequence("normalizers", "NFKD", "StripAccents", "Lowercase", replace),
            pre_tokenizer=sequence("pretokenizers", "WhitespaceSplit", "Punctuation", {"type": "CharDelimiterSplit", "delimiter": "e"}, {"type": "FixedLength", "length": 3}),
            decoder={"type": "BPEDecoder", "suffix": "</w>"},
        ),
        "unigram": tokenizer_json(
            {"type": "Unigram", "vocab": [[piece, -float(i)] for i, piece in enumerate(pieces)], "unk_id": 1, "byte_fallback": True},
            normalizer=sequence("normalizers", precompiled, "NFKC"),
            pre_tokenizer=sequence("pretokenizers", "UnicodeScripts", {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}),
            decoder={"type": "Metaspace", "replacement": "▁"},
        ),
        "word_piece": tokenizer_json(
            {"type": "WordPiece", "vocab": vocabulary, "unk_token": "<unk>", "continuing_subword_prefix": "##", "max_input_chars_per_word": 9},
            normalizer={"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
            pre_tokenizer={"type": "BertPreTokenizer"},
            decoder={"type": "WordPiece", "prefix": "##", "cleanup": True},
            post_processor={"type": "BertProcessing", "cls": ["<s>", 0], "sep": ["<unk>", 1]},
        ),
        "word_level": tokenizer_json(
            {"type": "WordLevel", "vocab": vocabulary, "unk_token": "<unk>"},
            normalizer={"type": "ByteLevel"},
            pre_tokenizer={"type": "Whitespace"},
            decoder={"type": "CTC", "pad_token": "<s>", "word_delimiter_token": "a", "cleanup": True},
        ),
    }


def safetensors(tensors, data):
    header = json.dumps(tensors, separators=(",", ":")).encode()
    return struct.pack("<Q", len(header)) + header + data


# Tensors {name: (dtype, shape, data)} in this order.
def packed(tensors):
    header, data = {}, b""
    for name, (dtype, shape, raw) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    return safetensors(header, data)


def quantised():
    """One small weight of each quantised kind."""
    state = json.dumps({"quant_type": "nf4", "blocksize": 8, "dtype": "float32", "shape": [2, 8]}).encode()
    nested = json.dumps({"blocksize": 4, "shape": [2, 8], "nested_blocksize": 2, "nested_offset": 0.5}).encode()
    codes, ones = ("U8", [8, 1], b"\x1f" * 8), struct.pack("<16f", *range(16))
    index = struct.pack("<8i", 0, 1, 0, 1, 0, 1, 0, 1)
    return {
        "fp8": packed({"w": ("F8_E4M3", [3, 4], b"\x38" * 12), "w_scale_inv": ("F32", [2, 2], ones[:16]),
                       "v": ("F8_E4M3", [1, 4], b"\x08" * 4), "v_scale": ("F8_E8M0", [1], b"\x7f")}),
        "gptq": packed({"m.qweight": ("I32", [1, 8], b"\x21" * 32), "m.qzeros": ("I32", [2, 1], b"\x77" * 8),
                        "m.scales": ("F16", [2, 8], b"\0\x3c" * 16), "m.g_idx": ("I32", [8], index)}),
        "gptq8": packed({"m.qweight": ("I32", [1, 4], b"\x21" * 16), "m.qzeros": ("I32", [1, 1], b"\x77" * 4),
                         "m.scales": ("F32", [1, 4], ones[:16])}),
        "awq": packed({"m.qweight": ("I32", [8, 1], b"\x21" * 32), "m.qzeros": ("I32", [2, 1], b"\x77" * 8),
                       "m.scales": ("BF16", [2, 8], b"\0\x3f" * 16)}),
        "nf4": packed({"w": codes, "w.absmax": ("F32", [2], ones[:8]), "w.quant_map": ("F32", [16], ones),
                       "w.quant_state.bitsandbytes__nf4": ("U8", [len(state)], state)}),
        "nf4_nested": packed({"w": codes, "w.absmax": ("U8", [4], b"\1\2\3\xff"), "w.quant_map": ("F32", [16], ones),
                              "w.nested_absmax": ("F32", [2], ones[:8]), "w.nested_quant_map": ("F32", [256], ones * 16),
                              "w.quant_state.bitsandbytes__nf4": ("U8", [len(nested)], nested)}),
        "int8": packed({"m.weight": ("I8", [2, 3], b"\x81\x7f\0" * 2), "m.SCB": ("F32", [2], ones[:8]),
                        "m.weight_format": ("U8", [], b"\0")}),
        "mxfp4": packed({"w_blocks": ("U8", [2, 1, 16], b"\x21\xf0" * 16), "w_scales": ("U8", [2, 1], b"\x7f\0")}),
    }


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


def own_data():
    rows = {
        "alpaca": {"instruction": "Translate.", "input": "Hund", "output": "dog"},
        "arc": {"question": "2+2?", "choices": {"text": ["3", "4"], "label": ["A", "B"]}, "answerKey": "B"},
        "batch": {"custom_id": "a", "response": {"body": {"choices": [{"message": {"content": "x"}}], "usage": {}}}},
        "chat": {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
        "code": {"prompt": "def f():", "test": "def check(f): pass", "entry_point": "f"},
        "labels": {"text": "x", "labels": ["a", "b"]},
        "records": {"text": "Acme 3 EUR", "output": {"vendor": "Acme", "total": "3 EUR", "lines": [{"n": 1}]}},
        "squad": {"context": "Lima.", "question": "Where?", "answers": {"text": ["Lima"], "answer_start": [0]}},
    }
    files = {name: b"\0" + json.dumps(row).encode() + b"\n" for name, row in rows.items()}
    files["classes"] = b"\2id,Ticket text,queue\n1,lost,a\n2,found,b\n3,lost,a\n"
    files["answers"] = b"\2id,prediction,latency_ms,cost_usd,prompt_tokens\n1,a,20,0.1,3\n"
    return files


# A byte for the content type, one for the length of the pieces, the body.
def endpoint_reply():
    def events(*objects):
        return b"".join(b"data: " + json.dumps(thing).encode() + b"\n\n" for thing in objects)

    end = {"choices": [{"delta": {}, "finish_reason": "stop", "logprobs": {"content": [{"logprob": -0.5}]}}]}
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 1}}
    echo = {"tokens": ["ab", "cd"], "token_logprobs": [None, -1], "top_logprobs": [None, {"cd": -1}], "text_offset": [0, 2]}
    stream = events({"choices": [{"index": 0, "delta": {"content": "fo"}}]}) + b": sign of life\r\n" + events(end)
    return {
        "chat_stream": b"\0\5" + stream + events({"choices": [], "usage": usage}) + b"data: [DONE]\n\n",
        "echo": b"\1\5" + json.dumps({"choices": [{"text": "abcd", "finish_reason": "length", "logprobs": echo}]}).encode(),
        "error_in_stream": b"\0\1" + events({"error": {"message": "busy", "type": "server_error", "code": 429}}),
    }


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
        "gguf/blocks": blocks(),
        "safetensors/empty": safetensors({}, b""),
        "safetensors/all": safetensors({"__metadata__": {"format": "pt"}, "a": entry, "b": half}, b"\1" * 12),
        **{f"safetensors/{name}": content for name, content in quantised().items()},
        "tokenizer/byte_level": vocabulary("gpt2", "llama-bpe", tokens, types, ["a b", "Ġ a"]),
        "jinja/chat": b"\0" + CHAT.encode(),
        "jinja/prompt": b"\1" + PROMPT.encode(),
        "dataset/jsonl": b'\0{"a": 1, "b": "\xc3\xa9"}\n{"a": null, "b": [1.5, {}]}\n',
        "dataset/json": b'\1[{"a": 1}, {"a": "x\\ud83d\\ude00"}]',
        "dataset/csv": b'\2a,"b ""q"""\r\n1,"x\ny"\r\n"",\r\n',
        "dataset/tsv": b"\3a\tb\n1\t2\n",
        "dataset/gzip": b"\4" + gzip.compress(b'{"a": 1}\n', mtime=0),
        "dataset/text": b"\5one\n\ntwo \r\n",
        # zstd of '{"a": 1}\n' as one raw block: magic, header (single segment, content size 9), block
        "dataset/zstd": b"\6" + bytes.fromhex("28b52ffd2009490000") + b'{"a": 1}\n',
        **{f"own_data/{name}": content for name, content in own_data().items()},
        **{f"endpoint_reply/{name}": content for name, content in endpoint_reply().items()},
        "serve/completions": b'{"model": "tiny", "prompt": [[1, 2], [3]], "echo": true, "logprobs": 1, "max_tokens": 0, "stop": ["a"], "n": 2}',
        "serve/chat": b'{"messages": [{"role": "user", "content": [{"type": "text", "text": "A"}]}], "logprobs": true, "top_logprobs": 2, '
        b'"seed": -1, "temperature": 0.5, "stream": true, "stream_options": {"include_usage": true}, "tools": []}',
        "tokenizer/sentencepiece": vocabulary("llama", "default", tokens, types, []),
        "tokenizer/unigram": vocabulary("t5", "default", tokens, types, []),
        "tokenizer/word_piece": vocabulary("bert", "default", tokens, types, []),
        "tokenizer/marks": vocabulary("gpt2", "gemma4", tokens, types, ["a b"]),
        "sentencepiece/unigram": sentencepiece(1, 0, 1, tokens[:9] + tokens[10:], types[:9] + [5]),
        "sentencepiece/bpe": sentencepiece(2, 1, 0, tokens, types),
        **{f"huggingface_tokenizer/{name}": content for name, content in huggingface().items()},
    }
    for name, content in files.items():
        path = OUT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    main()
