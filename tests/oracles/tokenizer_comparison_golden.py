"""Makes tests/golden/tokenizers/comparison/: where pairs of tokenizers disagree on some texts, counted from the ids and
pieces of Hugging Face `tokenizers` alone.

    python tests/oracles/tokenizer_comparison_golden.py [--shared ../shared]

texts.jsonl    {"text", "language"}
expected.json  [{"files": two paths below tests/golden/tokenizers, or below ../shared/tokenizers if "shared"; "all" and
               "slices": [texts, characters, words, tokens of the first, tokens of the second]; "words": [count, cut
               differently, more parts, fewer parts, spellings, spellings cut differently]; "examples": [[word, count, parts
               of the first, parts of the second (hexadecimal)]]; "vocabulary": [tokens of the first, of the second, common]}]

A piece's bytes come from its spelling: GPT-2's alphabet of bytes, or "▁" for a space and "<0x41>" for a byte.
"""

import argparse
import collections
import gzip
import json
import re
from pathlib import Path

from tokenizers import Tokenizer

OUT = Path(__file__).resolve().parent.parent / "golden" / "tokenizers" / "comparison"
EXAMPLES = 8

TEXTS = [
    ("en", "The refund for order 48213 was approved yesterday, but the customer hasn't received it; they'd like to know why."),
    ("en", "Tokenization of unfamiliar words such as pneumonoultramicroscopic changes the price of the same text. The end."),
    ("en", "  Indented text with   runs of spaces,\tand tabs. The the the quick brown fox! "),
    ("de", "Die Übergrößenträger können für überfüllte Züge nichts; die Rückerstattung der Fahrkarten dauert länger."),
    ("de", "Naïve Änderungen an der Straßenverkehrsordnung führen zu Missverständnissen."),
    ("ru", "Возврат денег за заказ подтверждён, но клиент ещё не получил деньги."),
    ("ja", "返金は承認されましたが、お客様はまだ受け取っていません。 日本語のテキストです。"),
    ("code", "def refund(order_id: int) -> bool:\n    return order_id in approved and not paid(order_id)\n"),
    ("code", "for (int i = 0; i < 10; ++i) { total += prices[i] * 1.25; }"),
]

PAIRS = [
    (("gpt2", "llama2"), False),
    (("llama3", "gemma"), False),
    (("metaspace", "gpt2_prefix"), False),
    (("gpt-neox-20b", "llama3"), True),
]


def byte_alphabet():
    """GPT-2's: printable bytes are themselves, the others come after 255."""
    shown = list(range(ord("!"), ord("~") + 1)) + list(range(0xA1, 0xAD)) + list(range(0xAE, 0x100))
    others = [b for b in range(256) if b not in shown]
    return {chr(b): b for b in shown} | {chr(256 + i): b for i, b in enumerate(others)}


ALPHABET = byte_alphabet()


class Spelled:
    def __init__(self, path):
        text = gzip.open(path).read().decode() if path.suffix == ".gz" else path.read_text()
        self.tokenizer = Tokenizer.from_str(text)
        self.by_bytes = '"ByteLevel"' in text
        self.added = self.tokenizer.get_added_tokens_decoder()

    def bytes_of(self, token):
        piece = self.tokenizer.id_to_token(token)
        if self.by_bytes and all(c in ALPHABET for c in piece):  # added tokens, too: their é is decoded as a byte
            return bytes(ALPHABET[c] for c in piece)
        if token in self.added:
            return piece.encode()
        if re.fullmatch("<0x[0-9A-F]{2}>", piece):
            return bytes([int(piece[3:5], 16)])
        return piece.replace("▁", " ").encode()

    def ids(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def parts(self, word):
        """The pieces of a word behind a space, without that space and what comes before."""
        text = ("a " + word).encode()
        pieces = [self.bytes_of(t) for t in self.ids("a " + word)]
        joined = b"".join(pieces)
        assert joined.endswith(text), (text, joined)
        begin, at, parts = len(joined) - len(word.encode()), 0, []
        for piece in pieces:
            inside = piece[max(0, begin - at):]
            at += len(piece)
            if at > begin and inside:
                parts.append(inside)
        return parts

    def vocabulary(self):
        special = {t for t, a in self.added.items() if a.special}
        return {self.bytes_of(t) for t in self.tokenizer.get_vocab().values() if t not in special}


def compare(pair, texts):
    def counted(chosen):
        return [len(chosen), sum(map(len, chosen)), sum(len(t.split()) for t in chosen), *(sum(len(s.ids(t)) for t in chosen) for s in pair)]

    words = collections.Counter(w for _, t in texts for w in t.split())
    parts = {w: [s.parts(w) for s in pair] for w in words}
    different = {w: n for w, n in words.items() if parts[w][0] != parts[w][1]}
    longer = sum(n for w, n in different.items() if len(parts[w][1]) > len(parts[w][0]))
    shorter = sum(n for w, n in different.items() if len(parts[w][1]) < len(parts[w][0]))
    shown = sorted(different, key=lambda w: (-different[w], w.encode()))[:EXAMPLES]
    first, second = (s.vocabulary() for s in pair)
    return {
        "all": counted([t for _, t in texts]),
        "slices": {f"language={k}": counted([t for l, t in texts if l == k]) for k in sorted({l for l, _ in texts})},
        "words": [sum(words.values()), sum(different.values()), longer, shorter, len(words), len(different)],
        "examples": [[w, words[w], *([p.hex() for p in side] for side in parts[w])] for w in shown],
        "vocabulary": [len(first), len(second), len(first & second)],
    }


def find(root, name):
    plain = root / name / "tokenizer.json"
    return plain if plain.exists() else plain.with_name("tokenizer.json.gz")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", type=Path, default=OUT.parents[3].parent / "shared")
    options = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    with (OUT / "texts.jsonl").open("w") as file:
        for language, text in TEXTS:
            file.write(json.dumps({"text": text, "language": language}, ensure_ascii=False) + "\n")
    expected = []
    for names, shared in PAIRS:
        root = options.shared / "tokenizers" if shared else OUT.parent
        pair = [Spelled(find(root, name)) for name in names]
        expected.append({"files": names, "shared": shared, **compare(pair, TEXTS)})
    (OUT / "expected.json").write_text("[\n" + ",\n".join(json.dumps(e, ensure_ascii=False) for e in expected) + "\n]\n")


if __name__ == "__main__":
    main()
