"""Scores pairs of token ids by lm-eval's own local-completions against a server. Prints [[logprob, is_greedy], ...]."""

import json
import sys

from lm_eval.models.openai_completions import LocalCompletionsAPI

request = json.loads(sys.argv[1])
model = LocalCompletionsAPI(
    base_url=request["url"], model="keeper", pretrained="keeper", tokenizer_backend="None", batch_size=1
)
# The ids are given: no tokenizer is needed on this side, but lm-eval wants to see one.
model.tokenized_requests = True
model.tokenizer = object()
pairs = [((str(context), str(continuation)), context, continuation) for context, continuation in request["pairs"]]
print(json.dumps(model._loglikelihood_tokens(pairs, disable_tqdm=True)))
