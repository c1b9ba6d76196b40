"""Clients that no one here wrote, against `sizeup serve`: OpenAI's own and lm-evaluation-harness's two.

    python tests/oracles/serve_clients.py PROGRAM [SHARED]

PROGRAM is the sizeup program; SHARED holds models/ (stories260K), default: SIZEUP_SHARED
of the environment, or ../shared beside this repository. What the clients get must be what `sizeup score` and
`sizeup generate` say in process: log-probabilities to the bit, decisions, texts. Exit status 77 and the reason where a package is missing (serve_requirements.txt).
"""

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
try:
    import openai
    import transformers
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalChatCompletion, LocalCompletionsAPI
    import aiohttp, tenacity  # noqa: E401, F401  the harness imports them late
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = sys.argv[1]
SHARED = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("SIZEUP_SHARED", ROOT.parent / "shared"))
KEY = "sk-not-a-secret"


def lines(command, model, rows, *options):
    """`sizeup score` or `generate` on these rows."""
    text = "".join(json.dumps(row) + "\n" for row in rows)
    done = subprocess.run([PROGRAM, command, str(model), *options], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@contextlib.contextmanager
def served(model, *options):
    process = subprocess.Popen(
        [PROGRAM, "serve", str(model), "--port", "0", *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "SIZEUP_API_KEY": KEY},
    )
    try:
        said = json.loads(process.stdout.readline())
        yield said["listening"], said["model"]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert process.returncode == 0, err
        assert KEY not in out + err
    finally:
        process.kill()


def check(name, found, expected):
    assert found == expected, f"{name}:\n  found    {found!r}\n  expected {expected!r}"


# ---- OpenAI's client

CHATS = [
    [{"role": "user", "content": "What is a refund?"}],
    [{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": "Where is my parcel? \u00e9\u00df\u4e2d\U0001f600"}],
    [{"role": "user", "content": [{"type": "text", "text": "Which queue? "}, {"type": "text", "text": "I was charged twice."}]}],
]


def plain(chat):
    """The conversation without parts."""
    def text(content):
        return content if isinstance(content, str) else "".join(part["text"] for part in content)

    return [{"role": message["role"], "content": text(message["content"])} for message in chat]


def openai_chat(client, model, path):
    sampled = {"temperature": 0.9, "seed": 11, "max_tokens": 24}
    for wish in [{"temperature": 0, "max_tokens": 24}, sampled, {"temperature": 0, "max_tokens": 24, "stop": ["e", "\n"]}]:
        expected = lines("generate", path, [{"messages": plain(chat), "logprobs": True, **wish} for chat in CHATS])
        for chat, answer in zip(CHATS, expected):
            whole = client.chat.completions.create(model=model, messages=chat, logprobs=True, top_logprobs=3, **wish)
            check("chat text", whole.choices[0].message.content, answer["text"])
            check("chat finish", whole.choices[0].finish_reason, answer["finish_reason"])
            check("chat usage", (whole.usage.prompt_tokens, whole.usage.completion_tokens), (answer["prompt_tokens"], answer["completion_tokens"]))
            content = whole.choices[0].logprobs.content
            check("chat logprobs", [one.logprob for one in content], answer["token_logprobs"])
            for one in content:
                assert len(one.top_logprobs) == 3 and one.top_logprobs[0].logprob >= one.logprob
            text, finish, usage = "", None, None
            for chunk in client.chat.completions.create(model=model, messages=chat, stream=True, stream_options={"include_usage": True}, **wish):
                usage = chunk.usage or usage
                for choice in chunk.choices:
                    text += choice.delta.content or ""
                    finish = choice.finish_reason or finish
            check("streamed chat", (text, finish), (answer["text"], answer["finish_reason"]))
            check("streamed usage", usage.completion_tokens, answer["completion_tokens"])


def openai_completions(client, model, path):
    prompts = ["A refund takes", "Question: What is 2 + 3?\nAnswer:", "\u00dcber \u4e2d"]
    expected = lines("generate", path, [{"prompt": prompt, "temperature": 0, "max_tokens": 12, "logprobs": True} for prompt in prompts])
    found = client.completions.create(model=model, prompt=prompts, temperature=0, max_tokens=12, logprobs=2)
    check("completions", [choice.text for choice in found.choices], [answer["text"] for answer in expected])
    for choice, answer in zip(found.choices, expected):
        check("completion logprobs", choice.logprobs.token_logprobs, answer["token_logprobs"])
        check("alternatives", [max(top.values()) for top in choice.logprobs.top_logprobs], answer["token_logprobs"])
    streams = {}
    for chunk in client.completions.create(model=model, prompt=prompts, temperature=0, max_tokens=12, n=2, stream=True):
        for choice in chunk.choices:
            streams[choice.index] = streams.get(choice.index, "") + choice.text
    check("streams", [streams[i] for i in range(6)], [answer["text"] for answer in expected for _ in range(2)])
    echoed = client.completions.create(model=model, prompt=prompts[0], echo=True, max_tokens=0, logprobs=0)
    check("echo", echoed.choices[0].text, prompts[0])
    assert echoed.choices[0].logprobs.token_logprobs[0] is None
    for n in [client.completions.create(model=model, prompt="A", n=3, seed=5, max_tokens=8) for _ in range(2)]:
        first = [choice.text for choice in n.choices]
    check("choices by seed", first, [choice.text for choice in client.completions.create(model=model, prompt="A", n=3, seed=5, max_tokens=8).choices])
    assert len(set(first)) > 1, first


def openai_errors(url, client, model):
    for wrong, kind, status in [
        ({"model": "another"}, openai.NotFoundError, 404),
        ({"presence_penalty": 1}, openai.BadRequestError, 400),
        ({"extra_body": {"response_format": {"type": "json_object"}}}, openai.BadRequestError, 400),
        ({"max_tokens": 100000}, openai.BadRequestError, 400),
        ({"temperature": -1}, openai.BadRequestError, 400),
    ]:
        for stream in [False, True]:
            try:
                client.completions.create(**{"model": model, "prompt": "A", "stream": stream, **wrong})
                raise AssertionError(f"{wrong} was answered")
            except kind as error:
                check("status", error.status_code, status)
                assert error.body["message"], error.body
    schema = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": {"type": "object", "properties": {}, "required": [], "additionalProperties": False}}}
    for held in [{"type": "json_object"}, schema]:
        try:
            client.chat.completions.create(model=model, messages=[{"role": "user", "content": "A"}], response_format=held)
            raise AssertionError(f"{held} was answered")
        except openai.BadRequestError as error:
            check("response_format", (error.param, error.code), ("response_format", "unsupported_parameter"))
    free = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "A"}], response_format={"type": "text"}, max_tokens=4)
    assert free.choices[0].finish_reason in ("stop", "length"), free
    try:
        openai.OpenAI(base_url=url + "/v1", api_key="sk-other", max_retries=0).models.list()
        raise AssertionError("another key was taken")
    except openai.AuthenticationError as error:
        check("code", error.code, "invalid_api_key")


async def openai_many(url, model, path):
    """Many streams at once, some of which go away."""
    client = openai.AsyncOpenAI(base_url=url + "/v1", api_key=KEY)
    prompts = [f"Ticket {i}: the parcel" for i in range(60)]
    expected = lines("generate", path, [{"prompt": prompt, "temperature": 0, "max_tokens": 40} for prompt in prompts])

    async def one(i):
        text = ""
        stream = await client.completions.create(model=model, prompt=prompts[i], temperature=0, max_tokens=40, stream=True)
        async for chunk in stream:
            text += chunk.choices[0].text
            if i % 7 == 3:
                await stream.close()
                return None
        return text

    for i, text in enumerate(await asyncio.gather(*[one(i) for i in range(len(prompts))])):
        if text is not None:
            check(f"stream {i}", text, expected[i]["text"])


def openai_client(path):
    with served(path) as (url, model):
        client = openai.OpenAI(base_url=url + "/v1", api_key=KEY, max_retries=0)
        check("models", [one.id for one in client.models.list()], [model])
        check("model", client.models.retrieve(model).id, model)
        openai_chat(client, model, path)
        openai_completions(client, model, path)
        openai_errors(url, client, model)
        asyncio.run(openai_many(url, model, path))


# ---- lm-evaluation-harness's clients

def instances(kind, arguments):
    return [Instance(request_type=kind, doc={}, arguments=one, idx=i) for i, one in enumerate(arguments)]


def questions(count):
    rows = [json.loads(line) for line in (ROOT / "datasets/bundled/helpdesk/test.jsonl").read_text().splitlines()[:count]]
    queues = ["billing", "account", "delivery", "returns", "technical", "sales", "privacy", "feedback"]
    return [(f"{row['instruction']}\n{row['input']}\nQueue:", " " + queue) for row in rows for queue in queues]


def harness_scores(path, tokenizer, pairs, texts, special):
    """Log-likelihoods and decisions of continuations and of whole texts, and answers, as the harness gets them."""
    # What the model itself goes on with is greedy, unless its text is tokenised in another way.
    contexts = list(dict.fromkeys(context for context, _ in pairs))
    own = lines("generate", path, [{"prompt": context, "max_tokens": 3} for context in contexts])
    space = " " if special else ""  # which the tokenizer of such a model takes from an answer's start
    pairs = pairs + [(context, space + line["text"]) for context, line in zip(contexts, own) if line["text"].strip()]
    bos = "--add-special" if special else "--no-add-special"
    expected = lines("score", path, [{"context": context, "continuation": continuation} for context, continuation in pairs], bos)
    rolling = lines("score", path, [{"text": text} for text in texts], "--no-add-special")
    until = {"until": ["\n", "."], "max_gen_toks": 20}
    answers = lines("generate", path, [{"prompt": context, "stop": until["until"], "max_tokens": 20} for context, _ in pairs[::8]])
    with served(path) as (url, model):
        for batch, concurrent in [(1, 1), (5, 1), (1, 16)]:
            lm = LocalCompletionsAPI(
                base_url=url + "/v1/completions", model=model, tokenizer=str(tokenizer), tokenizer_backend="huggingface", batch_size=batch,
                num_concurrent=concurrent, max_length=512, add_bos_token=special, header={"Authorization": f"Bearer {KEY}"}, max_retries=1,
            )
            found = lm.loglikelihood(instances("loglikelihood", pairs))
            check("decisions", [greedy for _, greedy in found], [line["greedy"] for line in expected])
            # Summed as the client sums: the same numbers in the same order.
            check("log-likelihoods", [value for value, _ in found], [sum(line["token_logprobs"]) for line in expected])
            if not special:
                whole = lm.loglikelihood_rolling(instances("loglikelihood_rolling", [(text,) for text in texts]), disable_tqdm=True)
                check("rolling", whole, [sum(line["token_logprobs"]) for line in rolling])
            texts_found = lm.generate_until(instances("generate_until", [(context, dict(until)) for context, _ in pairs[::8]]))
            check("answers", texts_found, [line["text"] for line in answers])
    greedy = sum(line["greedy"] for line in expected)
    assert 0 < greedy < len(pairs)
    print(f"{path.name}: {len(pairs)} scores, {greedy} of them greedy, {len(answers)} answers")


def harness_chat(path):
    chats = [plain(chat) for chat in CHATS]
    expected = lines("generate", path, [{"messages": chat, "stop": ["."], "max_tokens": 20} for chat in chats])
    with served(path) as (url, model):
        lm = LocalChatCompletion(base_url=url + "/v1/chat/completions", model=model, num_concurrent=2, header={"Authorization": f"Bearer {KEY}"}, max_retries=1)
        asked = [(lm.apply_chat_template(chat), {"until": ["."], "max_gen_toks": 20}) for chat in chats]
        check("chat answers", lm.generate_until(instances("generate_until", asked)), [line["text"] for line in expected])


def stories_tokenizer():
    """As classic_lm_eval.py makes it of the model's own vocabulary."""
    own = sys.argv
    sys.argv = [own[0], str(SHARED)]
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    import classic_lm_eval

    sys.argv = own
    folder = tempfile.mkdtemp()
    classic_lm_eval.stories_tokenizer().save_pretrained(folder)
    return folder


if __name__ == "__main__":
    small = ROOT / "models/pocket/pocket-small.gguf"
    openai_client(small)
    texts = ["A refund takes three days. \u00e9\u00df\u4e2d", "Where is my parcel?\n" * 60]
    for name in ["pocket-small", "pocket-large"]:
        model = ROOT / f"models/pocket/{name}.gguf"
        harness_scores(model, ROOT / "models/pocket", questions(12), texts, special=False)
        harness_chat(model)
    stories = SHARED / "models" / "stories260K-F32.gguf"
    if stories.exists():
        pairs = [(f"{who} went to the park and", f" {what}") for who in ["Lily", "Tim", "Once upon a time, a cat"] for what in ["saw a big dog", "was", "played with her friends", "slept. Then", "it", "the", "ran", "found a ball"]]
        harness_scores(stories, stories_tokenizer(), pairs, texts[:1], special=True)
    print(f"openai {openai.__version__}, transformers {transformers.__version__}: the same as in process")
