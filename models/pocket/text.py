"""Tokenizer and samples of the pocket models: `python text.py` trains tokenizer.json on the head of the training stream."""

import collections
import json
import pathlib
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from model import ASSISTANT, BEGIN, CHAT_TEMPLATE, END, PAD, SPECIAL, USER

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "datasets" / "bundled" / "generators"))

import training_stream  # noqa: E402

SEED = "pocket training text, version 2"
VOCABULARY = 2048
TOKENIZER_SAMPLES = 30000
# The qwen2 pattern: every digit is a token of its own.
PATTERN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def train_tokenizer():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    banned = training_stream.forbidden()
    texts = (part for i in range(TOKENIZER_SAMPLES) for part in training_stream.sample(SEED, i, banned)[1:])
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[AddedToken(t, special=True, normalized=False) for t in SPECIAL],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    tokenizer.save(str(HERE / "tokenizer.json"))
    write_config()


def write_config():
    """What Hugging Face needs beside tokenizer.json."""
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": SPECIAL[BEGIN], "eos_token": SPECIAL[END], "pad_token": SPECIAL[PAD],
              "add_bos_token": False, "model_max_length": 512, "clean_up_tokenization_spaces": False, "chat_template": CHAT_TEMPLATE}
    (HERE / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def load_tokenizer():
    return Tokenizer.from_file(str(HERE / "tokenizer.json"))


def encode(tokenizer, prompt, answer):
    """(ids of the chat up to the answer, ids of the answer with its end)."""
    head = [BEGIN, USER] + tokenizer.encode(prompt).ids + [END, ASSISTANT]
    return head, tokenizer.encode(answer).ids + [END]


def print_lengths(tokenizer, samples=2000):
    lengths = collections.defaultdict(list)
    banned = training_stream.forbidden()
    for i in range(samples):
        task, prompt, answer = training_stream.sample(SEED, i, banned)
        lengths[task].append(tuple(len(ids) for ids in encode(tokenizer, prompt, answer)))
    for task, pairs in lengths.items():
        heads, tails = zip(*pairs)
        print(f"{task}: {len(pairs)} samples, mean prompt {sum(heads) / len(pairs):.1f}, mean answer {sum(tails) / len(pairs):.1f}, longest {max(map(sum, pairs))}")


if __name__ == "__main__":
    train_tokenizer()
    print_lengths(load_tokenizer())
