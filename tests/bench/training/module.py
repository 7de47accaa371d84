"""A scaffolded module (`mneme scaffold torch`) in training, fp32. For each line of stdin, a number of seconds, it trains.

module.py FOLDER: model.py and train.py as scaffolded; workload.safetensors has the first weights, ids and targets, and
settings.json the optimizer's. Every batch starts from zero state.
"""
import json
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
from model import DECAYED, STATE, Model  # noqa: E402
from train import read_safetensors  # noqa: E402

settings = json.loads((folder / 'settings.json').read_text())
torch.set_num_threads(settings['threads'])
tensors = read_safetensors(folder / 'workload.safetensors')
device = settings['device']
ids, targets = (tensors.pop(name).long().to(device) for name in ('ids', 'targets'))
model = Model()
model.load_state_dict(tensors)
model.to(device).train()
state = {name: torch.zeros(shape, device=device) for name, shape in STATE.items()}
adam = settings['optimizer']
groups = [{'params': [p for name, p in model.named_parameters() if (name in DECAYED) == decay],
           'weight_decay': adam['weightDecay'] if decay else 0.0} for decay in (True, False)]
optimizer = torch.optim.AdamW(groups, lr=settings['rate'], betas=(adam['beta1'], adam['beta2']), eps=adam['eps'], fused=True)
update = 0


def step():
    global update
    at = update % len(ids)
    update += 1
    logits, auxiliary, _ = model(ids[at], state)
    loss = F.cross_entropy(logits.flatten(0, 1), targets[at].flatten())
    optimizer.zero_grad(set_to_none=True)
    (loss + auxiliary).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), adam['clip'])
    optimizer.step()
    return loss.item()


def say(**what):
    print(json.dumps(what), flush=True)


say(first=step(), description=f'PyTorch {torch.__version__}')
for line in sys.stdin:
    began, steps = time.perf_counter(), 0
    while True:
        loss = step()
        steps += 1
        if time.perf_counter() - began >= float(line):
            break
    say(steps=steps, seconds=time.perf_counter() - began, loss=loss)
