"""onnxruntime-genai, as a process that runs the rounds it is asked for: one JSON object a line. MODEL=folder genai-worker.py"""

import json
import os
import sys
import time

import onnxruntime_genai as og

model = og.Model(os.environ["MODEL"])
with open(os.path.join(os.environ["MODEL"], "genai_config.json")) as file:
    vocab = json.load(file)["model"]["vocab_size"]


def ids(count, seed):
    return [((i + seed) * 7919 + 11) % vocab for i in range(count)]


def generator(streams, context, tokens, seed):
    params = og.GeneratorParams(model)
    length = context + tokens
    params.set_search_options(max_length=length, min_length=length, batch_size=streams, do_sample=False)
    made = og.Generator(model, params)
    made.append_tokens([ids(context, i + seed) for i in range(streams)])
    made.generate_next_token()
    return made


def decode(streams, context, tokens):
    """Milliseconds of each token after the first, of one or several sequences together."""
    made = generator(streams, context, tokens + 1, 0)
    began = time.perf_counter()
    for _ in range(tokens):
        made.generate_next_token()
    return (time.perf_counter() - began) * 1000 / tokens


def prefill(tokens, round):
    """Milliseconds until the first token after a prompt."""
    began = time.perf_counter()
    generator(1, tokens, 1, round)
    return (time.perf_counter() - began) * 1000


rounds = {"decode": decode, "prefill": prefill}
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({"result": rounds[asked.pop("kind")](**asked)}), flush=True)
