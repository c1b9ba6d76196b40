"""Scores of written answers by the programs that define them: sacrebleu (BLEU, chrF, TER), rouge_score, nltk (edit
distance), scikit-learn (sets of labels), and the functions of SQuAD 2.0's evaluation script.

Run: pip install -r tests/oracles/requirements.txt, then `python tests/oracles/tasks_metrics.py`. Writes tests/golden/tasks/metrics.json.
"""

import json
import pathlib
import random
import re
import string
from collections import Counter

import sacrebleu
from nltk import edit_distance
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sklearn.metrics import f1_score, hamming_loss, jaccard_score
from sklearn.preprocessing import MultiLabelBinarizer

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden" / "tasks"
ROUGE = ["rouge1", "rouge2", "rougeL", "rougeLsum"]

WORDS = ["the", "a", "An", "cat", "Cats", "sat", "mat", "3.14", "1,000", "2-3", "10-year", "e.g.", "it's", "(hi)", "\"So\"", "end.", "x,y", "größe", "日本語", "Ünder-", "10", "U.S.A",
         "&amp;", "a&lt;b", "<skipped>", "naïve", "—", "…", "\u212ailo", "İstanbul", "no-\nwhere", "C++", "$5", "50%", "e\u0301", "🙂🙃", "l\u2019a", "the\u2013end"]
TEXTS = ["", " ", "The", "the cat sat on the mat", "The cat sat on the mat.", "On the mat, the cat sat!", "a cat", "cat", "A quick brown fox\njumps over\n\nthe lazy dog", "jumps over the lazy dog\nA quick fox",
         "police killed the gunman\nthe gunman was killed", "the gunman police killed\nkilled gunman the", "42", "The answer is 42.", "größer als 3,5", "日本語のテキスト", "日本語 テキスト", "the the the the",
         "a b c d e f g", "g f e d c b a", "a\u00a0b\u2003c", "don't", "dont", "well-known", "well known", "0.5", "(a) an the", "_x_ the_end", "l\u2019a", "a\u2013b the\u2014c", "É", "É".lower(), "e\u0301"]


def normalize_answer(text):
    text = "".join(c for c in text.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def compute_exact(expected, answer):
    return int(normalize_answer(expected) == normalize_answer(answer))


def compute_f1(expected, answer):
    wanted, given = normalize_answer(expected).split(), normalize_answer(answer).split()
    shared = sum((Counter(wanted) & Counter(given)).values())
    if not wanted or not given:
        return float(wanted == given)
    if shared == 0:
        return 0.0
    precision, recall = shared / len(given), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def sentence(generator, most):
    joined = ""
    for _ in range(generator.randrange(most)):
        joined += generator.choice(WORDS) + generator.choice([" ", " ", " ", "  ", "\n", ", ", ". ", ""])
    return joined


def changed(generator, text):
    words = text.split(" ")
    for _ in range(generator.randrange(4)):
        words[generator.randrange(len(words))] = generator.choice(WORDS)
    generator.shuffle(words) if generator.random() < 0.2 else None
    return " ".join(words)


def corpus(generator, samples, references):
    accepted = [[sentence(generator, 14) for _ in range(references)] for _ in range(samples)]
    return [changed(generator, texts[0]) for texts in accepted], accepted


# Long runs of words in another order, as TER moves them; of few different words, so that there are many ways.
def shuffled(generator, samples, words):
    accepted, answers = [], []
    for _ in range(samples):
        text = [generator.choice("abcdefghijklmnopqrst") for _ in range(generator.randrange(1, words))]
        cuts = sorted(generator.randrange(len(text) + 1) for _ in range(4))
        parts = [text[a:b] for a, b in zip([0] + cuts, cuts + [len(text)])]
        generator.shuffle(parts)
        accepted.append([" ".join(text)])
        answers.append(" ".join(word for part in parts for word in part if generator.random() < 0.9))
    return answers, accepted


def translations(generator):
    cases = [corpus(generator, samples, references) for samples, references in [(40, 1), (25, 2), (10, 3), (1, 1), (3, 1)]]
    cases += [(["the cat"], [["the cat"]]), (["a b c d"], [["a b c d"]]), (["x"], [["y"]]), ([""], [["y"]]), (["y"], [[""]]), (["the the the the the"], [["the cat the mat"]]), (["a b c d e"], [["a b c x e"]]), ([""], [[""]])]
    cases += [shuffled(generator, samples, words) for samples, words in [(30, 12), (10, 40), (3, 150)]]
    for answers, accepted in cases:
        streams = list(zip(*accepted))
        yield {"answers": answers, "accepted": accepted, "bleu": sacrebleu.corpus_bleu(answers, streams).score, "chrf": sacrebleu.corpus_chrf(answers, streams).score,
               "chrf++": sacrebleu.corpus_chrf(answers, streams, word_order=2).score, "ter": sacrebleu.corpus_ter(answers, streams).score}


def pairs(generator):
    texts = TEXTS + [sentence(generator, 20) for _ in range(30)]
    found = [(generator.choice(texts), generator.choice(texts)) for _ in range(60)]
    return found + [(text, changed(generator, text)) for text in texts] + [(text, text) for text in TEXTS[:12]]


def compared(expected, answer):
    scores = RougeScorer(ROUGE).score(expected, answer)
    out = {"expected": expected, "answer": answer, "f1": compute_f1(expected, answer), "exact": compute_exact(expected, answer), "characters": edit_distance(expected, answer),
           "words": edit_distance(expected.split(), answer.split())}
    return out | {name: float(scores[name].fmeasure) for name in ROUGE}


def label_sets(generator):
    labels = ["billing", "delivery", "returns, refunds", "sales", "unused"]
    draw = lambda: sorted(label for label in labels[:4] if generator.random() < 0.35)
    gold = [draw() for _ in range(50)]
    noisy = [sorted(set(labels[:4]) & (set(row) ^ set(draw()))) if generator.random() < 0.6 else row for row in gold]
    for given, predicted in [(gold, noisy), (gold, gold), (gold, [[]] * 50), ([[]], [[]]), ([["sales"], []], [["billing"], ["sales"]])]:
        binarizer = MultiLabelBinarizer(classes=labels).fit([labels])
        a, b = binarizer.transform(given), binarizer.transform(predicted)
        yield {"labels": labels, "gold": given, "predicted": predicted, "exact": float((a == b).all(axis=1).mean()), "f1": f1_score(a, b, average="samples", zero_division=1),
               "jaccard": jaccard_score(a, b, average="samples", zero_division=1), "hamming": hamming_loss(a, b), "micro_f1": f1_score(a, b, average="micro", zero_division=float("nan")),
               "macro_f1": f1_score(a, b, average="macro", zero_division=float("nan"))}


def main():
    generator = random.Random(8)
    tokenizer = Tokenizer13a()
    texts = TEXTS + WORDS + [sentence(generator, 12) for _ in range(40)]
    golden = {
        "bleu_words": [{"text": text, "words": tokenizer(text.rstrip()).split()} for text in texts],
        "translations": list(translations(generator)),
        "pairs": [compared(expected, answer) for expected, answer in pairs(generator)],
        "label_sets": list(label_sets(generator)),
    }
    text = json.dumps(golden, ensure_ascii=False, separators=(",", ":")).replace("},{", "},\n{").replace("NaN", "null")
    (GOLDEN / "metrics.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
