"""The same work as bench_reference's tokenizer and template benchmarks by Hugging Face tokenizers and Jinja2.

Run: python benchmarks/python_peers.py   (needs tokenizers, jinja2), beside bench_reference on an equally busy machine.
SIZEUP_BENCH_TOKENIZER (a tokenizer.json, or a SentencePiece .model, which needs sentencepiece) and SIZEUP_BENCH_TEXT
name other inputs, as they do for bench_reference.
"""
import json
import os
import pathlib
import statistics
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one thread, as the C++ benchmark

import jinja2.sandbox
import tokenizers

ROOT = pathlib.Path(__file__).parent.parent
POCKET = ROOT / "models" / "pocket"


def seconds(work, repetitions=15):
    """Least and median CPU time of one call: other programs on the machine disturb it less than wall time."""
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times), statistics.median(times)


def encoder(path):
    """A function from a text to its ids."""
    if path.suffix == ".model":
        import sentencepiece

        return sentencepiece.SentencePieceProcessor(model_file=str(path)).encode
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    return lambda line: tokenizer.encode(line).ids


def main():
    encode = encoder(pathlib.Path(os.environ.get("SIZEUP_BENCH_TOKENIZER", POCKET / "tokenizer.json")))
    text = pathlib.Path(os.environ.get("SIZEUP_BENCH_TEXT", ROOT / "datasets/bundled/helpdesk/test.jsonl"))
    lines = text.read_text().split("\n")
    size = sum(len(line.encode()) for line in lines)
    tokens = sum(len(encode(line)) for line in lines)
    for name, one_by_one in zip(("least", "median"), seconds(lambda: [encode(line) for line in lines])):
        print(f"encode ({name}) {size / one_by_one / 2**20:8.2f} MiB/s  {tokens / one_by_one / 1e6:6.2f} M tokens/s")

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(json.loads((POCKET / "tokenizer_config.json").read_text())["chat_template"])
    for count in (1, 12):
        messages = [{"role": "assistant" if i % 2 else "user",
                     "content": "Which queue handles an invoice that was paid twice in March?"} for i in range(count)]
        often = 2000
        one = seconds(lambda: [template.render(messages=messages, add_generation_prompt=True, bos_token="<s>",
                                               eos_token="</s>") for _ in range(often)])[1] / often
        print(f"render_template/messages:{count:<3d} {one * 1e6:8.2f} us")


if __name__ == "__main__":
    main()
