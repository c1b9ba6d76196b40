"""The speeds that `sizeup bench` measures, by llama.cpp on the CPU (the xllamacpp package): same file, same lengths.

    build/bench/make_shape Llama-3.2-1B FOLDER
    python benchmarks/llama_cpp_peer.py make FOLDER Q4_K FILE.gguf     # random weights of its shape; needs gguf
    python benchmarks/llama_cpp_peer.py bench FILE.gguf [--threads 2]        # needs xllamacpp

`make` writes a file that both programs load, with every matrix in one format (BF16, Q8_0, Q4_0, Q4_K, Q6_K): random
codes under small scales, since speed depends on nothing else, and a vocabulary of made-up words. Run `bench` right
before or after `sizeup bench FILE.gguf` on an equally busy machine.
"""
import argparse
import json
import os
import statistics

import numpy as np

# Bytes of a block's binary16 scales (ggml's block layouts); everything else in a block may be random.
SCALES = {"Q8_0": [0], "Q4_0": [0], "Q4_K": [0, 2], "Q6_K": [208]}
REPETITIONS = 5  # one more goes before them, uncounted


def random_matrix(random, rows, columns, name):
    """Blocks as bytes, {rows, bytes}, and their type."""
    import gguf

    kind = gguf.GGMLQuantizationType[name]
    if name == "BF16":
        values = random.standard_normal((rows, columns), dtype=np.float32) * 0.02
        return (values.view(np.uint32) >> 16).astype(np.uint16).view(np.uint8), kind
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (rows * columns // elements, size), dtype=np.uint8)
    if name == "Q6_K":
        blocks[:, 192:208] = random.integers(0, 8, (len(blocks), 16), dtype=np.uint8)
    for offset in SCALES[name]:
        blocks[:, offset:offset + 2] = np.frombuffer(np.float16(2e-4).tobytes(), np.uint8)
    return blocks.reshape(rows, -1), kind


def make(folder, kind, path):
    import gguf

    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    s = dict(width=config["hidden_size"], ffn=config["intermediate_size"], layers=config["num_hidden_layers"],
             heads=config["num_attention_heads"], kv_heads=config["num_key_value_heads"], head=config["head_dim"],
             vocabulary=config["vocab_size"], base=config["rope_theta"], epsilon=config["rms_norm_eps"])
    random = np.random.default_rng(20261126)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(8192)
    writer.add_embedding_length(s["width"])
    writer.add_block_count(s["layers"])
    writer.add_feed_forward_length(s["ffn"])
    writer.add_head_count(s["heads"])
    writer.add_head_count_kv(s["kv_heads"])
    writer.add_key_length(s["head"])
    writer.add_value_length(s["head"])
    writer.add_rope_dimension_count(s["head"])
    writer.add_layer_norm_rms_eps(s["epsilon"])
    writer.add_rope_freq_base(s["base"])
    writer.add_vocab_size(s["vocabulary"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    alphabet = "abcdefghijklmnop"
    words = ["".join(alphabet[(i >> 4 * d) & 15] for d in range(5)) for i in range(s["vocabulary"])]
    writer.add_token_list(words)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(words))
    writer.add_token_merges(["a a"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)

    def matrix(name, rows, columns):
        data, raw = random_matrix(random, rows, columns, kind)
        writer.add_tensor(name, data, raw_dtype=raw)

    def norm(name):
        writer.add_tensor(name, np.ones(s["width"], np.float32))

    matrix("token_embd.weight", s["vocabulary"], s["width"])
    norm("output_norm.weight")
    query, key = s["heads"] * s["head"], s["kv_heads"] * s["head"]
    for layer in range(s["layers"]):
        block = f"blk.{layer}."
        norm(block + "attn_norm.weight")
        matrix(block + "attn_q.weight", query, s["width"])
        matrix(block + "attn_k.weight", key, s["width"])
        matrix(block + "attn_v.weight", key, s["width"])
        matrix(block + "attn_output.weight", s["width"], query)
        norm(block + "ffn_norm.weight")
        matrix(block + "ffn_gate.weight", s["ffn"], s["width"])
        matrix(block + "ffn_up.weight", s["ffn"], s["width"])
        matrix(block + "ffn_down.weight", s["width"], s["ffn"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def bench(path, threads, prompt, generation_prompt, new_tokens):
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = 2048
    params.n_parallel = 1
    params.n_batch = 2048
    params.n_ubatch = 512
    params.n_gpu_layers = 0
    params.warmup = False
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    server = xllamacpp.Server(params)
    random = np.random.default_rng(7)

    def ask(tokens, count):
        ids = [int(t) for t in random.integers(2, 40000, tokens)]
        reply = server.handle_completions({
            "prompt": ids, "n_predict": count, "max_tokens": count, "temperature": 0, "ignore_eos": True,
            "cache_prompt": False, "stream": False})
        reply = json.loads(reply) if isinstance(reply, (str, bytes)) else reply
        if "timings" not in reply:
            raise SystemExit(f"no timings in the reply: {str(reply)[:300]}")
        return reply["timings"]

    def spread(values):
        return {"median": statistics.median(values), "least": min(values), "most": max(values)}

    prompts = [ask(prompt, 1)["prompt_per_second"] for _ in range(REPETITIONS + 1)][1:]
    answers = [ask(generation_prompt, new_tokens)["predicted_per_second"] for _ in range(3)][1:]
    return {"file": os.path.basename(path), "threads": threads, "system": str(xllamacpp.get_system_info())[:300],
            f"prompt of {prompt}, tokens/s": spread(prompts), "one stream, tokens/s": spread(answers)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", help="of make_shape")
    making.add_argument("type", choices=["BF16", *SCALES])
    making.add_argument("file")
    benching = commands.add_parser("bench")
    benching.add_argument("file")
    benching.add_argument("--threads", type=int, default=os.cpu_count())
    benching.add_argument("--prompt", type=int, default=512)
    benching.add_argument("--generation-prompt", type=int, default=128)
    benching.add_argument("--new-tokens", type=int, default=64)
    options = parser.parse_args()
    if options.command == "make":
        make(options.folder, options.type, options.file)
    else:
        print(json.dumps(bench(options.file, options.threads, options.prompt, options.generation_prompt,
                               options.new_tokens), indent=2))


if __name__ == "__main__":
    main()
