"""Makes tests/golden/tokenizers/: tiny byte-pair tokenizers trained with Hugging Face `tokenizers` in the styles that
published models use, and what that library makes of difficult texts.

    python tests/oracles/tokenizers_golden.py

STYLE/tokenizer.json  the tokenizer (and the companion files of a model's folder)
texts.json            the texts, in the order of all other lists
STYLE.json            [[ids, plain, decoded]]: ids with special tokens added and parsed; without adding and with
                      special tokens as text; the first list decoded without special tokens (null: equal to the text)
splits.json           [{"names", "patterns", "words"}]: the words that each of GGUF's pre-tokenizers cuts the texts
                      into, as their numbers of code points
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = Path(__file__).resolve().parent.parent / "golden" / "tokenizers"

CORPUS = [
    "The quick brown fox jumps over the lazy dog. The dog, being lazy, didn't mind; it couldn't care less.",
    "We've seen that they're here and I'll say it's what he'd do if I'm not there. THE END OF THE STORY.",
    "In 1984 there were 1,234,567 tickets at 12.50 each; 100 of 1000 were refunded on 2024-06-01.",
    "def main(argument):\n    for index in range(10):\n        print(index)\n\n    return None\n",
    "Übergrößenträger können für überfüllte Züge naïve café façade jalapeño. Déjà vu à la carte.",
    "Привет, мир! Как дела? Это простой текст. Ελληνικά γράμματα και λέξεις.",
    "中文测试文本，标点符号。日本語のテキストです。 한국어 텍스트 입니다.",
    "the the the then there these those them they this that than that the other another brother mother",
]

PARTS = [
    "", " ", "  ", "   a", "a   ", "\n", "\t", " \n \n", "\r\n", "\r\n\r\n a", "\n\n\n", "a\n\nb", "a \n b", "\x0b\x0c", "\x00", "a\x00b",
    "Hello  world", "HELLO WoRLD", "don't DON'T Don'T we'VE I'LL", "'s 't 're", "it’s", "'ſ 'S", "_a_ __init__ a.b",
    "1", "12", "123", "1234", "1234567890", "1,000,000.50", "٣٤٥ ६७", "½ ⅓ ① Ⅻ x² H₂O", "a1b22c333",
    "e\u0301 é", "A\u030a Å \u212b", "\u1100\u1161\u11a8 각", "ﬁ ligature", "n\u0303o\u0308", "\u0344", "क\u093c",
    "中文测试，标点。", "日本語テキスト", "한국어 텍스트", "العربية", "עברית", "ไทยไม่มีวรรค", "Ελληνικά", "Привет мир", "हिन्दी पाठ",
    "🙂", "🏳️\u200d🌈 flags", "👩‍👩‍👧‍👦 family", "🇩🇪🇫🇷", "\ufeffBOM", "\ufffd", "\U0010ffff", "\u200b\u200c", "a\u200db",
    "\u00a0nbsp\u00a0", "\u2003em\u2003space", "\u3000 ideographic", "\u0085next line", "\u180emongolian \u180e", "\u2028line\u2029para",
    "x=1;y=2;", "def f(x):\n    return x**2\n\n\nclass A:\n\tpass", "https://example.com/a?b=c&d=e#f", "!!!!!!!!", "-----", "((((((",
    "<|end|>", "a<|end|>b", "a <|end|> b", "<|end|><|end|>", "<|end|", "<<|end|>>", "  <|end|>  x", "\n<|end|>\n", "<s>", "</s>", "<s>Hello</s>",
    " <s> Hello", "<mask>", "a  <mask>  b", "<mask><mask>", "keyword", "a keyword b", "keywords", "akeyword", "keyword.", "_keyword",
    "keyword keyword", "keyword\u200d", "keyword\u24d0", "keyword\u0301", "\u203fkeyword", "keyword\u00b2", "<tool>", "<tool>x</tool>", "<tool> <tool_call>", "É<tool>", "e\u0301xtra", "éxtra", "   éxtra ", "<unk>", "<0x41>", "<0xFF>", "▁", "▁▁a", "a▁b", " ▁ ",
    "The quick brown fox", "the the the", "thethethe", "Übergrößenträger", "a" * 70, "the" * 40, " " * 33 + "x", "ab " * 20, "\n" * 20,
]

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
QWEN35 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)
UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ENGLISH = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
FRONT = r"[^\r\n\p{L}\p{N}]?"
TAIL = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = rf"{FRONT}{UPPER}*{LOWER}+{ENGLISH}|{FRONT}{UPPER}+{LOWER}*{ENGLISH}|\p{{N}}{{1,3}}|{TAIL}"
TEKKEN = rf"{FRONT}{UPPER}*{LOWER}+|{FRONT}{UPPER}+{LOWER}*|\p{{N}}|{TAIL}"

CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
END = r"\s*[\r\n]+|\s+(?!\S)|\s+"
UFAKZEKA = rf"{FRONT}\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{END}"
MINICPM5 = rf"{CONTRACTION}|{FRONT}\p{{L}}+|\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{END}"
RUNS = "|".join(rf"\s{{{n}}}(?!\S)" for n in (512, 256, 128, 64, 32, 16, 8, 4, "1,2"))
JAIS2 = rf"{CONTRACTION}|{FRONT}\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|{RUNS}|\s{{1}}"
SEED = rf"{CONTRACTION}|{FRONT}\p{{L}}+|\p{{N}}{{1}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{END}"
BAILING = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
)
EXAONE = (
    rf"{CONTRACTION}|{FRONT}(?:\p{{L}}\p{{M}}*(?: \p{{L}}\p{{M}}*)*)+|\p{{N}}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+"
)
YOUTU = rf"{FRONT}{UPPER}*{LOWER}+{ENGLISH}|{FRONT}{UPPER}+{LOWER}*{ENGLISH}|\p{{N}}|{TAIL}"
YOUTU_ASIAN = "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥\u3040-ゟ゠-ヿ]+"
HAN_AND_KANA = "[一-龥\u3040-ゟ゠-ヿ]+"
HAN_AND_HANGUL = "[一-龥ࠀ-一가-\ud7ff]+"
SYMBOL = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"""
DEEPSEEK3 = rf"{SYMBOL}|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+| ?[\p{{P}}\p{{S}}]+[\r\n]*|{END}"
SPARK = rf"{SYMBOL}|[^\r\n\p{{L}}\p{{P}}\p{{S}}]?[\p{{L}}\p{{M}}]+| ?[\p{{P}}\p{{S}}]+|[\r\n]|\s+(?!\S)|\s+"
BLOOM = r" ?[^(\s|.,!?…。，、।۔،)]+"
THREE_DIGITS = "[0-9][0-9][0-9]"
GROUPS = r"(?=(\d{3})+(?!\d))"
KIMI_UPPER, KIMI_LOWER = UPPER[:-1] + r"&&[^\p{Han}]]", LOWER[:-1] + r"&&[^\p{Han}]]"
KIMI = (
    rf"\p{{Han}}+|{FRONT}{KIMI_UPPER}*{KIMI_LOWER}+{ENGLISH}|{FRONT}{KIMI_UPPER}+{KIMI_LOWER}*{ENGLISH}|\p{{N}}{{1,3}}|"
    rf" ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{END}"
)

# What a name's patterns must be. Where ours say the same in other words (PCRE2 has no intersection of classes), only
# the words that they cut are compared.
SPLITS = [
    (["gpt-2", "olmo"], [GPT2]),
    (["smollm", "starcoder"], [r"\p{N}", GPT2]),
    (["llama-bpe"], [LLAMA3]),
    (["qwen2"], [QWEN2]),
    (["qwen35"], [QWEN35]),
    (["gpt-4o"], [GPT4O]),
    (["tekken"], [TEKKEN]),
    (["ufakzeka"], [UFAKZEKA]),
    (["minicpm5"], [r"\p{N}{1,3}", MINICPM5]),
    (["jais-2"], [JAIS2]),
    (["seed-coder"], [SEED]),
    (["bailingmoe"], [BAILING]),
    (["exaone-moe"], [EXAONE]),
    (["youtu"], [YOUTU_ASIAN, YOUTU]),
    (["deepseek-v3"], [r"\p{N}{1,3}", HAN_AND_KANA, DEEPSEEK3]),
    (["spark2_5"], [r"\p{N}{1,3}", HAN_AND_KANA, SPARK, r"\p{N}"]),
    (["deepseek-coder"], [r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", HAN_AND_HANGUL, r"\p{N}"]),
    (["falcon"], [r"[\p{P}\$\+<=>\^~\|`]+", GPT2, THREE_DIGITS]),
    (["default"], [r"[\p{P}\$\+<=>\^~\|]+", GPT2, r"\p{N}+", THREE_DIGITS]),
    (["bloom"], [BLOOM]),
    (["viking"], [BLOOM, r"\p{N}"]),
    (["superbpe"], [r"\p{N}+", GROUPS]),
    (["tiny_aya"], [r"\d{1,3}(?=(?:\d{3})*\b)", GPT4O]),
    (["laguna"], [r"[^\n]+|[\n]+", QWEN2]),
    (["kimi-k2"], None, [KIMI]),
]


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def add_tokens(tokenizer):
    tokenizer.add_special_tokens(["<s>", "</s>", "<|end|>", AddedToken("<mask>", lstrip=True, rstrip=True)])
    tokenizer.add_tokens(
        [
            AddedToken("keyword", single_word=True),
            AddedToken("<tool>", normalized=False),
            AddedToken("<tool_call>", normalized=False),
            AddedToken("éxtra"),
        ]
    )


def bos_template(tokenizer, eos=False):
    single = "<s> $A </s>" if eos else "<s> $A"
    ids = [(name, tokenizer.token_to_id(name)) for name in (["<s>", "</s>"] if eos else ["<s>"])]
    return processors.TemplateProcessing(single=single, special_tokens=ids)


def byte_level(normalizer, pre_tokenizer, vocabulary=330):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    add_tokens(tokenizer)
    return tokenizer


def gpt2_style():
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer = byte_level(
        normalizers.NFC(), pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    )
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return json.loads(tokenizer.to_str())


def gpt2_prefix_style():
    tokenizer = byte_level(None, pre_tokenizers.ByteLevel(add_prefix_space=True), 300)
    tokenizer.post_processor = bos_template(tokenizer, eos=True)
    return json.loads(tokenizer.to_str())


def llama3_style():
    split = pre_tokenizers.Split(Regex(LLAMA3), behavior="isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = byte_level(None, pre_tokenizers.Sequence([split, bytes_only]))
    # A piece that no merges lead to: with ignore_merges a whole word is still found.
    value = json.loads(tokenizer.to_str())
    value["model"]["ignore_merges"] = True
    value["model"]["vocab"]["Ġworld"] = len(value["model"]["vocab"])
    for token in value["added_tokens"]:
        token["id"] += 1
    tokenizer = Tokenizer.from_str(json.dumps(value))
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(), bos_template(tokenizer)])
    value = json.loads(tokenizer.to_str())
    value["model"]["merges"] = [" ".join(pair) for pair in value["model"]["merges"]]  # as older files have them
    return value


def byte_fallback(normalizer, pre_tokenizer, decoder):
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizer
    if pre_tokenizer:
        tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoder
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    # Merges across words, as SentencePiece's, would come from training on whole lines; cut at spaces for training.
    training = Tokenizer(models.BPE(unk_token="<unk>"))
    training.normalizer = normalizers.Replace(" ", "▁")
    training.pre_tokenizer = pre_tokenizers.Split("▁", behavior="merged_with_next")
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, show_progress=False)
    training.train_from_iterator(CORPUS[:5], trainer)
    trained = json.loads(training.to_str())
    value = json.loads(tokenizer.to_str())
    value["model"]["vocab"] = trained["model"]["vocab"]
    value["model"]["merges"] = trained["model"]["merges"]
    value["added_tokens"] = [token for token in trained["added_tokens"] if not token["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(value))
    add_tokens(tokenizer)
    tokenizer.post_processor = bos_template(tokenizer)
    return json.loads(tokenizer.to_str())


def llama2_style():
    normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return byte_fallback(normalizer, None, decoder)


def metaspace_style():
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="first", split=False)
    return byte_fallback(
        None,
        metaspace,
        decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace(replacement="▁", prepend_scheme="first")]),
    )


def metaspace_split_style():
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always", split=True)
    return byte_fallback(
        None,
        metaspace,
        decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]),
    )


def gemma_style():
    split = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return byte_fallback(normalizers.Replace(" ", "▁"), split, decoder)


def encode_all(value):
    tokenizer = Tokenizer.from_str(json.dumps(value))
    rows = []
    for text in PARTS:
        tokenizer.encode_special_tokens = False
        ids = tokenizer.encode(text, add_special_tokens=True).ids
        tokenizer.encode_special_tokens = True
        plain = tokenizer.encode(text, add_special_tokens=False).ids
        decoded = tokenizer.decode(ids, skip_special_tokens=True)
        rows.append([ids, plain, None if decoded == text else decoded])
    return rows


def cut(text, patterns):
    splitter = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(p), behavior="isolated") for p in patterns])
    return [len(word) for word, _ in splitter.pre_tokenize_str(text)] if text else []


def main():
    styles = {
        "gpt2": gpt2_style,
        "gpt2_prefix": gpt2_prefix_style,
        "llama3": llama3_style,
        "llama2": llama2_style,
        "metaspace": metaspace_style,
        "metaspace_split": metaspace_split_style,
        "gemma": gemma_style,
    }
    for name, make in styles.items():
        value = make()
        write(OUT / name / "tokenizer.json", value)
        write(OUT / f"{name}.json", encode_all(value))
    write(OUT / "texts.json", PARTS)
    rows = []
    for names, patterns, *same in SPLITS:
        words = [cut(text, patterns or same[0]) for text in PARTS]
        rows.append({"names": names, "patterns": patterns, "words": words})
    write(OUT / "splits.json", rows)


if __name__ == "__main__":
    main()
