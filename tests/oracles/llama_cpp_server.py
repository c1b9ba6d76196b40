"""llama.cpp's own server behind `openai:`, against the same model in process: answers one by one.

    python tests/oracles/llama_cpp_server.py PROGRAM [--model FILE.gguf] [--task NAME...] [--limit N] [--threads N]

PROGRAM is the sizeup program. The server is that of the package xllamacpp, on a loopback port and with a key; it serves
the file as it stands, and once more with the same weights in float32. `sizeup run` asks both sides for written answers,
as plain texts and, where the file has a chat template, as conversations. Where two answers differ, `sizeup serve` says
how far the token with which the server goes on is below the most probable one, in nats. Exit status 1 if a request
failed, a prompt has another number of tokens, the same text another end or number of tokens, or if answers part where
the two tokens are farther apart than rounding explains; 77 and the reason where a package is missing (requirements.txt).
"""

import argparse
import collections
import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request

try:
    import gguf
    import numpy as np
    import xllamacpp
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
KEY = "sk-not-a-secret"
NAME = "peer"
SLOTS = 4  # answers at once, each with the model's whole context

# Nats by which the server's token may be less probable in process than the best one. As stored: for Q8_0 weights
# llama.cpp rounds activations to 8 bits, in blocks of 32: at most 0.10 for 3,440 answers of pocket-large, 0.26 for
# 200 of stories260K, a model of far smaller sums. In float32 only their order differs: log-probabilities by some 1e-5.
FARTHEST = {"as stored": 0.5, "float32": 1e-3}


def float32_copy(path, copy):
    """The same file with every quantised tensor multiplied out."""
    reader = gguf.GGUFReader(path)
    fields = {name: field for name, field in reader.fields.items() if not name.startswith("GGUF.")}
    writer = gguf.GGUFWriter(copy, fields["general.architecture"].contents())
    for name, field in fields.items():
        if name not in ("general.architecture", "general.file_type"):
            part = field.types[1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], part)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@contextlib.contextmanager
def llama_cpp(path, threads, context, float32):
    """Its server, which lives in this process; the address."""
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {NAME}
    params.api_keys = [KEY]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * context
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.verbosity = 0
    if float32:  # keys and values are kept in binary16 otherwise
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server


@contextlib.contextmanager
def sizeup_serve(program, path):
    process = subprocess.Popen([program, "serve", str(path), "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield json.loads(process.stdout.readline())["listening"]
    finally:
        process.terminate()
        process.wait(timeout=30)


def run(options, address, chat, folder):
    """Both sides' answers: {(task, document): {model: {text, finish, prompt_tokens, completion_tokens, prompt}}}."""
    store = folder / "run.db"
    store.unlink(missing_ok=True)
    environment = {**os.environ, "PEER_KEY": KEY, "HF_HOME": str(folder), "no_proxy": "*"}
    subprocess.run(
        [options.program, "run", "--model", f"own={options.model}",
         "--model", f"server=openai:{NAME}?base_url={address}/v1&key_env=PEER_KEY",
         "--task", *options.task, "--limit", str(options.limit), "--protocol", "generative",
         "--apply-chat-template" if chat else "--no-chat-template", "--latency-samples", "0",
         "--threads", str(options.threads), "--db", str(store)],
        check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    database = sqlite3.connect(store)
    database.row_factory = sqlite3.Row
    answers = collections.defaultdict(dict)
    for row in database.execute(
        "SELECT task.name AS task, document_id, model.name AS model, text, finish, prompt_tokens, completion_tokens, prompt"
        " FROM sample_response JOIN evaluation ON evaluation.id = evaluation_id JOIN model ON model.id = model_id"
        " JOIN sample ON sample.id = sample_id JOIN task ON task.id = sample.task_id"
        " JOIN response ON response.id = response_id"
    ):
        answers[row["task"], row["document_id"]][row["model"]] = row
    database.close()
    return answers


def tokens_in_process(address, prompt, chat):
    """Of the greedy answer: each token's text and the most probable ones of its place, {text: log-probability}."""
    asked = {"messages": [{"role": "user", "content": prompt}], "logprobs": True, "top_logprobs": 20} if chat else {
        "prompt": prompt, "logprobs": 5}
    body = json.dumps({**asked, "temperature": 0, "max_tokens": 128}).encode()
    with urllib.request.urlopen(f"{address}/v1/{'chat/' if chat else ''}completions", body) as reply:
        found = json.load(reply)["choices"][0]["logprobs"]
    if chat:
        return [(one["token"], {top["token"]: top["logprob"] for top in one["top_logprobs"]}) for one in found["content"]]
    return list(zip(found["tokens"], found["top_logprobs"]))


def without_space(text, tokenizer):
    """SentencePiece begins an answer with a space, which sizeup takes away, as transformers does, and llama.cpp does not."""
    return text.removeprefix(" ") if tokenizer == "llama" else text


def distance(tokens, other):
    """The best token's lead over the one with which the text `other` leaves this answer.

    One text may be written with several tokens (" when", " wh" and "en"), so an answer may leave before its text does:
    of all places that it may leave from, the nearest counts.
    """
    text, nearest = "", float("inf")
    for token, tops in tokens:
        rest = other[len(text):]
        for top, value in tops.items():
            goes_on = rest.startswith(top) if rest else top.startswith("<|")
            if goes_on and top != token:
                nearest = min(nearest, max(tops.values()) - value)
        if not rest.startswith(token):
            break
        text += token
    return nearest


class Row:
    """One task in one form: what was compared, and what is wrong with it."""

    def __init__(self):
        self.count = self.same = 0
        self.farthest = 0.0
        self.faults = []

    def take(self, document, own, server, tokenizer, distance_of, bound):
        self.count += 1
        if own["prompt_tokens"] != server["prompt_tokens"]:
            self.faults.append(f"{document}: {own['prompt_tokens']} prompt tokens, {server['prompt_tokens']} by the server")
        other = without_space(server["text"], tokenizer)
        if own["text"] == other:
            self.same += 1
            ends = [(side["finish"], side["completion_tokens"]) for side in (own, server)]
            if ends[0] != ends[1]:
                self.faults.append(f"{document}: the same text, but {ends[0]} and {ends[1]}")
            return
        far = distance_of(own["prompt"], other)
        self.farthest = max(self.farthest, far)
        if far > bound:
            self.faults.append(f"{document}: {far:.4f} nats apart\n  own    {own['text']!r}\n  server {server['text']!r}")


def compare(options, path, precision, chat, folder):
    """Prints a line for each task; the faults."""
    with llama_cpp(path, options.threads, options.context, precision == "float32") as address:
        answers = run(options, address, chat, folder)
    rows = {task: Row() for task, _ in answers}
    with sizeup_serve(options.program, options.model) as address:
        for (task, document), sides in answers.items():
            if len(sides) < 2:
                rows[task].faults.append(f"{document}: answered by {', '.join(sides)} alone")
                continue
            rows[task].take(document, sides["own"], sides["server"], options.tokenizer,
                            lambda prompt, text: distance(tokens_in_process(address, prompt, chat), text), FARTHEST[precision])
    form = "conversation" if chat else "plain text"
    for task, row in rows.items():
        print(f"{precision:<10} {form:<13} {task:<12} {row.count:>5} {row.same:>5} {row.farthest:>9.4f}", flush=True)
    return [f"{precision}, {form}, {task}: {fault}" for task, row in rows.items() for fault in row.faults]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models/pocket/pocket-large.gguf")
    parser.add_argument("--task", nargs="+", default=["helpdesk", "handbook", "pocket-gsm", "invoices"])
    parser.add_argument("--limit", type=int, default=60, help="documents of each task; 0: all")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    fields = gguf.GGUFReader(options.model).fields
    options.tokenizer = fields["tokenizer.ggml.model"].contents()
    options.context = fields[f"{fields['general.architecture'].contents()}.context_length"].contents()
    print(f"xllamacpp {xllamacpp.__version__}, {options.model.name}")
    print(f"{'weights':<10} {'asked as':<13} {'task':<12} {'n':>5} {'same':>5} {'farthest':>9}")
    faults = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        float32_copy(options.model, folder / "float32.gguf")
        for precision, path in [("as stored", options.model), ("float32", folder / "float32.gguf")]:
            for chat in [False, True] if "tokenizer.chat_template" in fields else [False]:
                faults += compare(options, path, precision, chat, folder)
    print("\n".join(faults) or "every difference is a near tie")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
