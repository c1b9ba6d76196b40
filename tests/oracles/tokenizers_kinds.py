"""Tiny tokenizers of every kind beyond the byte-pair styles of tokenizers_golden.py: Unigram, WordPiece, WordLevel,
BPE with prefixes and suffixes (trained with Hugging Face `tokenizers`), and SentencePiece models.

Imported by tokenizers_generated.py; makes nothing by itself.
"""

import io
import json

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizers_golden import CORPUS

# SentencePiece trains on more than a few lines only.
LINES = [line for text in CORPUS for line in text.split("\n") if line.strip()] + [
    "Small models answer fast; large models answer well. Which one is enough for this job?",
    "résumé naïve coöperate Zürich Ångström – “quotes” … ½ ⅓ ﬁ ① ™ Ⅻ",
    "ｆｕｌｌｗｉｄｔｈ　text ｶﾞｷﾞ ㌔ ㍿ 株式会社 カタカナ ひらがな 漢字 한글",
    "aaaa bbbb cccc dddd eeee ffff 0000 1111 2222 3333 4444 5555 6666 7777 8888 9999",
    "x = [1, 2, 3]; y = {'a': x[0], \"b\": None}  # comment",
    "السلام عليكم ورحمة الله שלום עולם नमस्ते दुनिया สวัสดีชาวโลก",
]


def special(*names):
    return [AddedToken(name, special=True, normalized=False) for name in names]


def bert(lowercase, template):
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=lowercase)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=special(*names), show_progress=False)
    tokenizer.train_from_iterator(LINES, trainer)
    ids = [(name, tokenizer.token_to_id(name)) for name in ("[SEP]", "[CLS]")]
    if template:
        tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ids)
    else:
        tokenizer.post_processor = processors.BertProcessing(*ids)
    return json.loads(tokenizer.to_str())


def word_level():
    tokenizer = Tokenizer(models.WordLevel(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase(), normalizers.Strip()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(vocab_size=200, special_tokens=special("<unk>", "<s>"), show_progress=False)
    tokenizer.train_from_iterator(LINES, trainer)
    return json.loads(tokenizer.to_str())


# As CLIP's.
def bpe_suffix():
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    pattern = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=special("<|startoftext|>", "<|endoftext|>"),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    names = [(name, tokenizer.token_to_id(name)) for name in ("<|endoftext|>", "<|startoftext|>")]
    tokenizer.post_processor = processors.RobertaProcessing(*names)
    return json.loads(tokenizer.to_str())


def bpe_prefix(fuse):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##", fuse_unk=fuse))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    trainer = trainers.BpeTrainer(
        vocab_size=350,
        special_tokens=special("<unk>"),
        continuing_subword_prefix="##",
        limit_alphabet=90,
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return json.loads(tokenizer.to_str())


# As original BPE: words end with </w>, which decoding turns into spaces.
def bpe_words():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.BertNormalizer(clean_text=False, strip_accents=True, lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder()
    trainer = trainers.BpeTrainer(
        vocab_size=350,
        special_tokens=special("<unk>"),
        end_of_word_suffix="</w>",
        limit_alphabet=120,
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    return json.loads(tokenizer.to_str())


def unigram(normalizer, byte_fallback, decoder=None):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    names = ["<pad>", "</s>", "<unk>"] + ([f"<0x{byte:02X}>" for byte in range(256)] if byte_fallback else [])
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=names, unk_token="<unk>", show_progress=False, shrinking_factor=0.5
    )
    tokenizer.train_from_iterator(LINES, trainer)
    value = json.loads(tokenizer.to_str())
    # Sums of logarithms differ in their last bits from run to run; six decimals do not.
    value["model"]["vocab"] = [[piece, round(score, 6)] for piece, score in value["model"]["vocab"]]
    value["model"]["vocab"].sort(key=lambda entry: (entry[0] not in names, names.index(entry[0]) if entry[0] in names else 0, -entry[1], entry[0]))
    value["model"]["byte_fallback"] = byte_fallback
    value["added_tokens"] = [token for token in value["added_tokens"] if not token["content"].startswith("<0x")]
    tokenizer = Tokenizer.from_str(json.dumps(value))
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoder or decoders.Metaspace()
    end = [("</s>", tokenizer.token_to_id("</s>"))]
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=end)
    return json.loads(tokenizer.to_str())


# As T5's, ALBERT's and XLM-RoBERTa's, with the map of a SentencePiece model.
def unigram_precompiled(model):
    charsmap = normalizer_spec(model).precompiled_charsmap
    normalizer = normalizers.Sequence(
        [
            normalizers.Precompiled(charsmap),
            normalizers.Replace(Regex(" {2,}"), " "),
            normalizers.Replace("``", '"'),
        ]
    )
    return unigram(normalizer, False)


def unigram_bytes():
    decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return unigram(normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()]), True, decoder)


def train_sentencepiece(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 3),
        model_writer=model,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        shuffle_input_sentence=False,
        **options,
    )
    return model.getvalue()


def normalizer_spec(model):
    from sentencepiece import sentencepiece_model_pb2

    parsed = sentencepiece_model_pb2.ModelProto()
    parsed.ParseFromString(model)
    return parsed.normalizer_spec


# Some pieces are marked as unused, which the library's own trainer never does.
def with_unused(model, every):
    from sentencepiece import sentencepiece_model_pb2

    parsed = sentencepiece_model_pb2.ModelProto()
    parsed.ParseFromString(model)
    normal = [piece for piece in parsed.pieces if piece.type == piece.NORMAL and len(piece.piece) > 1]
    for piece in normal[::every]:
        piece.type = piece.UNUSED
    parsed.trainer_spec.ClearField("input")
    return parsed.SerializeToString(deterministic=True)


SENTENCEPIECE = {
    # As Llama's: nothing normalised, bytes for unknown characters.
    "spm_bpe": lambda: train_sentencepiece(
        model_type="bpe",
        vocab_size=600,
        character_coverage=0.98,
        byte_fallback=True,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        split_digits=True,
        user_defined_symbols=["<tool>", "keyword", "▁▁"],
    ),
    "spm_bpe_unused": lambda: with_unused(
        train_sentencepiece(model_type="bpe", vocab_size=400, character_coverage=0.98, normalization_rule_name="nfkc_cf"),
        7,
    ),
    # As T5's.
    "spm_unigram": lambda: train_sentencepiece(
        model_type="unigram", vocab_size=300, character_coverage=0.98, user_defined_symbols=["<tool>", "keyword"]
    ),
    "spm_unigram_bytes": lambda: train_sentencepiece(
        model_type="unigram",
        vocab_size=560,
        byte_fallback=True,
        character_coverage=0.98,
        normalization_rule_name="identity",
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
    ),
    "spm_suffix": lambda: train_sentencepiece(
        model_type="unigram",
        vocab_size=300,
        character_coverage=0.98,
        normalization_rule_name="identity",
        treat_whitespace_as_suffix=True,
    ),
}
