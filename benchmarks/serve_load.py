"""How much of the engine's speed `sizeup serve` passes on: the same requests in process and over HTTP.

    python3 benchmarks/serve_load.py PROGRAM MODEL [--requests 256] [--concurrent 64] [--threads 1] [--repeats 5]

Prompts have nothing in common, so that both compute the same rows. In process: `sizeup generate` and `score`, without the
time that loading takes (that of one request). Over HTTP: as many connections as requests may be computed at once, each
sending the next request when it has its reply. The repeats take turns, and medians are printed with their range; the
processor time is that of the program, all its threads. The client is one Python process; with --threads below the number of processors it has one for itself.
"""

import argparse
import asyncio
import json
import os
import pathlib
import random
import resource
import signal
import statistics
import subprocess
import time
import urllib.parse

WORDS = "parcel refund queue invoice door password meter garden seven window train letter copper music river paper".split()


def prompts(count, words):
    rng = random.Random(1)
    return [f"{i} " + " ".join(rng.choice(WORDS) for _ in range(words)) for i in range(count)]


def processor_seconds(process):
    """Of a process that runs; without one, of all that have ended."""
    if process is None:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def in_process(options, command, rows):
    def seconds(some):
        text = "".join(json.dumps(row) + "\n" for row in some)
        start, used = time.perf_counter(), processor_seconds(None)
        subprocess.run([options.program, command, options.model, "--threads", str(options.threads)], input=text, text=True, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start, processor_seconds(None) - used

    return tuple(all_rows - first for all_rows, first in zip(seconds(rows), seconds(rows[:1])))


async def one_connection(url, bodies):
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    while bodies:
        body = bodies.pop()
        writer.write(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        if b"chunked" in head:
            await reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    writer.close()


async def over_http(url, bodies, concurrent):
    left = [json.dumps(body).encode() for body in reversed(bodies)]
    start = time.perf_counter()
    await asyncio.gather(*[one_connection(url, left) for _ in range(concurrent)])
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("model")
    for name, value in [("requests", 256), ("concurrent", 64), ("threads", 1), ("repeats", 5), ("words", 30), ("tokens", 64)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    texts = prompts(options.requests, options.words)
    # Drawn evenly, so that no answer ends early.
    drawn = {"max_tokens": options.tokens, "temperature": 100, "seed": 1}
    cases = {
        "answers": ("generate", [{"prompt": text, **drawn} for text in texts], [{"prompt": text, **drawn} for text in texts]),
        "answers, streamed": ("generate", [{"prompt": text, **drawn} for text in texts], [{"prompt": text, "stream": True, **drawn} for text in texts]),
        "scores": ("score", [{"context": text[0], "continuation": text[1:]} for text in texts], [{"prompt": text, "max_tokens": 0, "echo": True, "logprobs": 1} for text in texts]),
    }
    server = subprocess.Popen(
        [options.program, "serve", options.model, "--port", "0", "--threads", str(options.threads), "--max-concurrent", str(options.concurrent)],
        stdout=subprocess.PIPE, text=True)
    url = urllib.parse.urlparse(json.loads(server.stdout.readline())["listening"])
    for name, (command, rows, bodies) in cases.items():
        alone, served = [], []
        for _ in range(options.repeats):
            alone.append(in_process(options, command, rows))
            used = processor_seconds(server)
            seconds = asyncio.run(over_http(url, bodies, options.concurrent))
            served.append((seconds, processor_seconds(server) - used))
        for measure, what in enumerate(["time", "processor time"]):
            one, other = ([pair[measure] for pair in pairs] for pairs in (alone, served))
            spread = [f"{statistics.median(times):.3f} s ({min(times):.3f}-{max(times):.3f})" for times in (one, other)]
            ratio = statistics.median(other) / statistics.median(one)
            print(f"{name}, {what}: in process {spread[0]}, served {spread[1]}, ratio {ratio:.3f}", flush=True)
    server.send_signal(signal.SIGINT)
    server.wait()


if __name__ == "__main__":
    main()
