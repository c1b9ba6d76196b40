"""The same work as bench_reference's tokenizer and template benchmarks by Hugging Face tokenizers and Jinja2.

Run: python benchmarks/python_peers.py   (needs tokenizers, jinja2), beside bench_reference on an equally busy machine.
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
    """Median CPU time of one call: other programs on the machine disturb it less than wall time."""
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main():
    tokenizer = tokenizers.Tokenizer.from_file(str(POCKET / "tokenizer.json"))
    lines = (ROOT / "datasets/bundled/helpdesk/test.jsonl").read_text().splitlines()
    size = sum(len(line.encode()) for line in lines)
    tokens = sum(len(tokenizer.encode(line).ids) for line in lines)
    one_by_one = seconds(lambda: [tokenizer.encode(line).ids for line in lines])
    print(f"encode           {size / one_by_one / 2**20:8.2f} MiB/s  {tokens / one_by_one / 1e6:6.2f} M tokens/s")

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(json.loads((POCKET / "tokenizer_config.json").read_text())["chat_template"])
    for count in (1, 12):
        messages = [{"role": "assistant" if i % 2 else "user",
                     "content": "Which queue handles an invoice that was paid twice in March?"} for i in range(count)]
        often = 2000
        one = seconds(lambda: [template.render(messages=messages, add_generation_prompt=True, bos_token="<s>",
                                               eos_token="</s>") for _ in range(often)]) / often
        print(f"render_template/messages:{count:<3d} {one * 1e6:8.2f} us")


if __name__ == "__main__":
    main()
