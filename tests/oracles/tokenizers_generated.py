"""Makes tests/golden/tokenizers/generated/: 10,000 generated texts, and what the original libraries make of them for
tokenizers of every kind. Needs tokenizers and sentencepiece (requirements.txt); ../shared for the real vocabularies.

    python tests/oracles/tokenizers_generated.py [--shared ../shared] [--train]

texts.jsonl.gz        one text a line; {"bytes": "hexadecimal"} where it is not UTF-8 (the libraries get it with each
                      invalid part as U+FFFD, as Python's errors="replace" makes it)
KIND.model.gz, KIND.tokenizer.json.gz   the tokenizers that are not among the styles of tokenizers_golden.py
KIND.json             {"left_out": texts that are not compared, "first": the ids of the first texts, "plain", "special", "decoded": SHA-256 of blocks of texts}
                      plain: nothing added, special tokens as text; special: added and parsed; decoded: the text of the
                      plain ids, with each run of U+FFFD as one
steps.json            normalizers, pre-tokenizers and decoders by themselves
"""

import argparse
import gzip
import hashlib
import json
import random
import re
from pathlib import Path

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

import tokenizers_golden
import tokenizers_kinds as kinds

OUT = Path(__file__).resolve().parent.parent / "golden" / "tokenizers" / "generated"
STYLES = ["gpt2", "gpt2_prefix", "llama3", "llama2", "metaspace", "metaspace_split", "gemma"]
TEXTS = 10_000
BLOCK = 50
FIRST = 300
# Texts that two segmentations spell equally well but for the last bit of a float sum, where SentencePiece's compiled
# arithmetic comes out otherwise than its published formula.
LEFT_OUT = {"spm_unigram": [6828]}

WORDS = (
    "the quick brown fox jumps over a lazy dog Hello WORLD don't we've it's I'll tokenizer tokenization pneumonoultra "
    "naïve café résumé Übergrößenträger façade Ångström piñata smörgåsbord İstanbul ǅ ǆ straße ﬁne oﬃce "
    "Привет мир перевод ёлка Ελληνικά λέξεις ΟΔΟΣ العربية مرحبا كَتَبَ שלום עולם נְקֻדּוֹת हिन्दी नमस्ते क्षेत्र ไทย สวัสดี "
    "中文 测试 文本 日本語 テキスト カタカナー ひらがな 한국어 텍스트 각 株式会社 ㍿ ㌔ ｆｕｌｌ ｶﾞ 𠀀 丽 keyword akeyword keywords"
).split()
MARKS = ["\u0301", "\u0300\u0323", "\u0308", "\u093c", "\u20dd", "\u0345", "\u064b", "\u05b0", "\u3099", "\u0e49"]
EMOJI = ["🙂", "👍🏽", "👩‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇫🇷", "❤️", "☕", "1️⃣", "🧑🏿‍💻", "✈", "☠️"]
NUMBERS = ["7", "42", "2024", "1,234,567.89", "1e-5", "0x1F", "٣٤٥", "६७", "½", "Ⅻ", "①", "x²", "H₂O", "1234567890123"]
CODE = [
    "def f(x):\n    return x**2\n", "for(int i=0;i<n;++i){a[i]+=b;}", "https://example.com/a?b=c&d=e#f", "</div>", "<br/>",
    "{\"key\": [1, null]}", "SELECT * FROM t;", "\tif err != nil {\n\t\treturn\n\t}", "a_b.c_d()", "#!/bin/sh\r\n", "``quote''",
]
SPACES = [" ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", "\x0b", "\x0c", "\u0085", "\u1680", "\u202f"]
PUNCTUATION = list(".,;:!?'\"()[]{}<>/\\|@#$%^&*-_=+~`") + ["…", "—", "“", "”", "’", "。", "、", "！", "¿", "«", "،", "।", "€", "™", "·", "‿"]
SPECIAL = ["<s>", "</s>", "<|end|>", "<mask>", "<tool>", "<tool_call>", "<unk>", "<pad>", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "<|endoftext|>", "<|eot_id|>", "<|im_end|>", "<0x41>", "<0x7A>", "▁", "##s", "</w>", "éxtra"]
CONTROLS = ["\x00", "\x01", "\x08", "\x1b", "\x7f", "\u009f", "\u00ad", "\u200d", "\u2060", "\ufeff", "\ufffd", "\ufffe", "\u202e", "\ue000", "\U000e0041"]
INVALID = [b"\xff", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x28\xa1"]


def part(rng):
    kind = rng.randrange(100)
    if kind < 45:
        return rng.choice(WORDS) + (rng.choice(MARKS) if rng.randrange(12) == 0 else "")
    if kind < 53:
        return rng.choice(NUMBERS)
    if kind < 63:
        return rng.choice(PUNCTUATION) * rng.choice([1, 1, 1, 2, 3])
    if kind < 70:
        return rng.choice(EMOJI)
    if kind < 76:
        return rng.choice(CODE)
    if kind < 84:
        return rng.choice(SPECIAL)
    if kind < 88:
        return rng.choice(CONTROLS)
    if kind < 92:
        return rng.choice("aAé中. \n0▁🙂") * rng.choice([3, 8, 17, 40])
    if kind < 97:
        return "".join(chr(rng.choice([rng.randrange(0x20, 0x7F), rng.randrange(0xA0, 0x250), rng.randrange(0x391, 0x450), rng.randrange(0x4E00, 0x9FA0), rng.randrange(0xAC00, 0xD7A0)])) for _ in range(rng.randrange(1, 8)))
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randrange(3, 25)))


def make_text(rng):
    pieces = []
    for _ in range(rng.choice([1, 2, 3, 4, 5, 6, 9])):
        if rng.randrange(3):
            pieces.append(rng.choice(SPACES) if rng.randrange(5) == 0 else " ")
        pieces.append(part(rng))
    if rng.randrange(6) == 0:
        pieces.append(rng.choice(SPACES))
    raw = [piece.encode() for piece in pieces]
    if rng.randrange(25) == 0:
        raw.insert(rng.randrange(len(raw) + 1), rng.choice(INVALID))
    return b"".join(raw)


def make_texts():
    rng = random.Random(20260701)
    texts = [make_text(rng) for _ in range(TEXTS - 8)]
    for run in ("a", " ", "ab", "é", "中", "🙂", "\n", "▁"):  # long runs
        texts.append((run * 1500).encode())
    return texts


def write_gz(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, 9, mtime=0))


def one_replacement(text):
    return re.sub("\ufffd+", "\ufffd", text)


def digests(rows):
    blocks = [rows[i : i + BLOCK] for i in range(0, len(rows), BLOCK)]
    return [hashlib.sha256("".join(block).encode()).hexdigest()[:16] for block in blocks]


def lines(ids):
    return [" ".join(map(str, row)) + "\n" for row in ids]


def write(name, plain, special, decoded):
    rows = {"plain": lines(plain), "decoded": [one_replacement(text) + "\0" for text in decoded]}
    if special is not None:
        rows["special"] = lines(special)
    left_out = LEFT_OUT.get(name, [])
    rows = {key: ["" if i in left_out else row for i, row in enumerate(values)] for key, values in rows.items()}
    value = {"left_out": left_out, "first": plain[:FIRST], **{key: digests(value) for key, value in rows.items()}}
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(value, separators=(",", ":")) + "\n")


def run_huggingface(name, tokenizer, texts):
    special = [row.ids for row in tokenizer.encode_batch(texts, add_special_tokens=True)]
    tokenizer.encode_special_tokens = True
    plain = [row.ids for row in tokenizer.encode_batch(texts, add_special_tokens=False)]
    decoded = [tokenizer.decode(ids, skip_special_tokens=False) if ids else "" for ids in plain]
    write(name, plain, special, decoded)


def run_sentencepiece(name, content, texts):
    processor = sentencepiece.SentencePieceProcessor(model_proto=content)
    plain = [processor.encode(text) for text in texts]
    write(name, plain, None, [processor.decode(ids) if ids else "" for ids in plain])


HUGGINGFACE = {
    "bert": lambda: kinds.bert(True, True),
    "bert_cased": lambda: kinds.bert(False, False),
    "word_level": kinds.word_level,
    "bpe_suffix": kinds.bpe_suffix,
    "bpe_prefix": lambda: kinds.bpe_prefix(False),
    "bpe_prefix_fused": lambda: kinds.bpe_prefix(True),
    "bpe_words": kinds.bpe_words,
    "unigram": lambda: kinds.unigram(None, False),
    "unigram_bytes": kinds.unigram_bytes,
    "unigram_precompiled": lambda: kinds.unigram_precompiled(gzip.decompress((OUT / "spm_unigram.model.gz").read_bytes())),
}


# GPT-2's and Qwen 2's tokenizers from vocabulary-only GGUF files.
def from_gguf(path, nfc, patterns):
    from gguf import GGUFReader

    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    unpacked = Path("/tmp") / f"sizeup-oracle-{path.name}"
    unpacked.write_bytes(content)
    fields = GGUFReader(unpacked).fields
    texts = {key: [bytes(fields[key].parts[i]).decode() for i in fields[key].data] for key in ("tokenizer.ggml.tokens", "tokenizer.ggml.merges")}
    types = [int(fields["tokenizer.ggml.token_type"].parts[i][0]) for i in fields["tokenizer.ggml.token_type"].data]
    unpacked.unlink()
    tokens = texts["tokenizer.ggml.tokens"]
    merges = [tuple(line.split(" ")) for line in texts["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    splits = [pre_tokenizers.Split(Regex(pattern), behavior="isolated") for pattern in patterns]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(splits + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([token for token, kind in zip(tokens, types) if kind == 3])
    return tokenizer


def run_shared(shared, texts):
    folder = shared / "tokenizers"
    golden = tokenizers_golden
    neox = Tokenizer.from_file(str(folder / "gpt-neox-20b/tokenizer.json"))
    llama3 = Tokenizer.from_str(gzip.decompress((folder / "llama3/tokenizer.json.gz").read_bytes()).decode())
    run_huggingface("shared_gpt-neox-20b", neox, texts)
    run_huggingface("shared_llama3", llama3, texts)
    run_huggingface("shared_gpt-2", from_gguf(folder / "ggml-vocab-gpt-2.gguf", False, [golden.GPT2]), texts)
    run_huggingface("shared_qwen2", from_gguf(folder / "ggml-vocab-qwen2.gguf.gz", True, [golden.QWEN2]), texts)
    run_sentencepiece("shared_llama2", (folder / "llama2/tokenizer.model").read_bytes(), texts)


def steps():
    texts = tokenizers_golden.PARTS
    model = trained("spm_unigram.model.gz", kinds.SENTENCEPIECE["spm_unigram"], False)
    precompiled = kinds.normalizer_spec(model).precompiled_charsmap
    n, p, d = normalizers, pre_tokenizers, decoders
    normalizer_list = [
        n.NFC(), n.NFD(), n.NFKC(), n.NFKD(), n.Lowercase(), n.Strip(), n.Strip(left=True, right=False), n.Strip(left=False, right=True), n.StripAccents(),
        n.Sequence([n.NFD(), n.StripAccents()]), n.Prepend("▁"), n.Replace(" ", "▁"), n.Replace(Regex(r"\s+"), "_"), n.Replace(Regex(r"[aeiou](?=\w)"), ""),
        n.BertNormalizer(), n.BertNormalizer(lowercase=False), n.BertNormalizer(clean_text=False, strip_accents=False), n.BertNormalizer(handle_chinese_chars=False, strip_accents=False, lowercase=False),
        n.Nmt(), n.ByteLevel(), n.Precompiled(precompiled),
    ]
    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    pre_tokenizer_list = (
        [p.Split(Regex(r"[aeiou\s]"), behavior=b, invert=i) for b in behaviors for i in (False, True)]
        + [p.Split("a", behavior=b) for b in behaviors]
        + [p.Split(Regex(r"(?=(\d{3})+(?!\d))"), behavior="isolated"), p.Split(Regex(r"(?=[a-z])"), behavior="merged_with_previous")]
        + [p.Punctuation(behavior=b) for b in behaviors]
        + [p.Metaspace(prepend_scheme=s, split=x) for s in ("always", "first", "never") for x in (True, False)]
        + [p.Metaspace(replacement="_"), p.Whitespace(), p.WhitespaceSplit(), p.BertPreTokenizer(), p.Digits(True), p.Digits(False), p.CharDelimiterSplit("e"), p.UnicodeScripts(), p.FixedLength(3)]
        + [p.ByteLevel(), p.ByteLevel(add_prefix_space=False, use_regex=False), p.Sequence([p.ByteLevel(add_prefix_space=False), p.Digits(False), p.Split(Regex("[0-9][0-9][0-9]"), behavior="isolated")])]
        + [p.Sequence([p.WhitespaceSplit(), p.Metaspace(prepend_scheme="first")]), p.Sequence([p.Punctuation("contiguous"), p.Digits(True), p.Metaspace()])]
    )
    pieces = [
        ["▁Hello", "▁world", "▁▁", "!", "▁"], ["<0xE2>", "<0x82>", "<0xAC>", "x", "<0x0A>"], ["un", "##able", "to", "do", "n't", ".", "'s", "'", "re", "##s"],
        ["ĠHello", "Ġ", "w", "é", "中", "Ã©"], ["lo", "w</w>", "er</w>", "x</w>"], ["<pad>", "h", "h", "e", "<pad>", "l", "<pad>", "l", "|", "|", "o", ".", " ."],
        [" a ", "  b", "c  ", " "], ["a"], ["do", " do not", "I", " 'm"],
    ]
    decoder_list = [
        d.ByteLevel(), d.ByteFallback(), d.Fuse(), d.Metaspace(), d.Metaspace(prepend_scheme="never"), d.Metaspace(replacement="_"), d.WordPiece(), d.WordPiece(prefix="x", cleanup=False),
        d.BPEDecoder(), d.BPEDecoder(suffix="o"), d.CTC(), d.CTC(cleanup=False), d.Replace("a", "-"), d.Replace(Regex("[▁ ]+"), "_"), d.Strip(" ", 1, 0), d.Strip(" ", 0, 1), d.Strip("▁", 2, 0),
        d.Sequence([d.Replace("▁", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)]), d.Sequence([d.ByteFallback(), d.Metaspace()]), d.Sequence([d.WordPiece(), d.Fuse(), d.Replace(" ", "_")]),
    ]
    return {
        "normalizers": [[part_of("normalizer", x), [x.normalize_str(text) for text in texts]] for x in normalizer_list],
        "pre_tokenizers": [[part_of("pre_tokenizer", x), [[w for w, _ in x.pre_tokenize_str(text)] if text else [] for text in texts]] for x in pre_tokenizer_list],
        "pieces": pieces,
        "decoders": [[part_of("decoder", x), [x.decode(list(row)) for row in pieces]] for x in decoder_list],
    }


# The step as tokenizer.json has it.
def part_of(key, step):
    tokenizer = Tokenizer(models.BPE())
    setattr(tokenizer, key, step)
    return json.loads(tokenizer.to_str())[key]


# Training breaks ties by the order of a hash table: what is trained once stays.
def trained(name, make, train):
    path = OUT / name
    if train or not path.exists():
        write_gz(path, make())
    return gzip.decompress(path.read_bytes())


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2].parent / "shared")
    parser.add_argument("--train", action="store_true", help="train the tokenizers anew, which changes every file")
    arguments = parser.parse_args()
    shared, train = arguments.shared, arguments.train
    raw = make_texts()
    texts = [text.decode(errors="replace") for text in raw]
    rows = [text if text.encode() == data else {"bytes": data.hex()} for text, data in zip(texts, raw)]
    write_gz(OUT / "texts.jsonl.gz", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    write_gz(OUT / "steps.json.gz", compact(steps()))
    for style in STYLES:
        run_huggingface(style, Tokenizer.from_file(str(OUT.parent / style / "tokenizer.json")), texts)
    for name, make in kinds.SENTENCEPIECE.items():
        run_sentencepiece(name, trained(f"{name}.model.gz", make, train), texts)
    for name, make in HUGGINGFACE.items():
        content = trained(f"{name}.tokenizer.json.gz", lambda: compact(make()), train)
        run_huggingface(name, Tokenizer.from_str(content.decode()), texts)
    if shared.is_dir():
        run_shared(shared, texts)


if __name__ == "__main__":
    main()
