"""The speeds that `sizeup bench` measures, by Hugging Face transformers on the CPU: same folder, same lengths.

Run: python benchmarks/huggingface_peer.py FOLDER [--threads 2]   (needs torch, transformers), right before or after
`sizeup bench FOLDER` on an equally busy machine. Prompts go one by one, as in lm-evaluation-harness with batch size 1;
"all logits" is what it computes there, "last logits" leaves out the head where nothing is asked. Each dtype runs in a
process of its own, so that its peak memory is its own.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

REPETITIONS = 5  # prompts; one more goes before them, uncounted


def spread(values, unit):
    return {"unit": unit, "median": statistics.median(values), "least": min(values), "most": max(values),
            "repetitions": len(values)}


def measure(folder, dtype, prompt, generation_prompt, new_tokens, threads):
    """One dtype's speeds as a dictionary."""
    import torch
    import transformers

    torch.set_num_threads(threads)
    torch.manual_seed(20261125)
    transformers.utils.logging.set_verbosity_error()
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
    vocabulary = model.config.vocab_size

    def prompt_speed(**options):
        rates = []
        for _ in range(REPETITIONS + 1):
            ids = torch.randint(0, vocabulary, (1, prompt))
            start = time.perf_counter()
            logits = model(ids, use_cache=False, **options).logits
            torch.log_softmax(logits[0, -1].float(), dim=-1)
            rates.append(prompt / (time.perf_counter() - start))
        return spread(rates[1:], "tokens/s")

    def generation_speed():
        ids = torch.randint(0, vocabulary, (1, generation_prompt))
        output = model(ids, use_cache=True, logits_to_keep=1)
        rates = []
        for _ in range(new_tokens):
            start = time.perf_counter()
            token = output.logits[:, -1:].argmax(-1)
            output = model(token, past_key_values=output.past_key_values, use_cache=True)
            rates.append(1 / (time.perf_counter() - start))
        return spread(rates, "tokens/s")

    with torch.inference_mode():
        return {"dtype": dtype, "threads": threads, "torch": torch.__version__,
                "transformers": transformers.__version__, "prompt_tokens": prompt,
                "prompt, all logits": prompt_speed(), "prompt, last logits": prompt_speed(logits_to_keep=1),
                f"generation after {generation_prompt} tokens": generation_speed(),
                # With the files that are mapped and what importing PyTorch takes.
                "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                "load_average": os.getloadavg()[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--dtypes", default="float32,bfloat16")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--generation-prompt", type=int, default=128)
    parser.add_argument("--new-tokens", type=int, default=48)
    arguments = parser.parse_args()
    dtypes = arguments.dtypes.split(",")
    if len(dtypes) == 1:
        print(json.dumps(measure(arguments.folder, dtypes[0], arguments.prompt, arguments.generation_prompt,
                                 arguments.new_tokens, arguments.threads)))
        return
    for dtype in dtypes:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--dtypes", dtype], check=True)


if __name__ == "__main__":
    main()
