"""The same model and optimizer in PyTorch. For each line of stdin, a number of seconds, it trains that long.

reference.py WORKLOAD.safetensors [compile]: first weights by our names, ids and targets; settings are in its metadata.
With `compile` the loss is compiled by torch.compile.
"""
import json
import struct
import sys
import time

import torch
import torch.nn.functional as F


def read(path):
    with open(path, 'rb') as file:
        (length,) = struct.unpack('<Q', file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    kinds = {'F32': torch.float32, 'I32': torch.int32}
    settings = {key: json.loads(value) for key, value in header.pop('__metadata__').items()}
    tensors = {}
    for name, entry in header.items():
        start, end = entry['data_offsets']
        piece = torch.frombuffer(data, dtype=kinds[entry['dtype']], count=(end - start) // 4, offset=start)
        tensors[name] = piece.reshape(entry['shape']).clone()
    return tensors, settings


tensors, settings = read(sys.argv[1])
torch.set_num_threads(settings['threads'])
device, precision = settings['device'], settings['precision']
torch.set_float32_matmul_precision('high' if precision == 'tf32' else 'highest')
ids, targets = (tensors.pop(name).long().to(device) for name in ('ids', 'targets'))
params = {name: torch.nn.Parameter(tensor.to(device)) for name, tensor in tensors.items()}
config, adam, decayed = settings['config'], settings['optimizer'], set(settings['decayed'])
heads, channels = config['heads'], config['width'] // config['heads']

half = channels // 2
frequencies = config['rope'] ** (-torch.arange(half) / half)
angles = torch.arange(ids.shape[-1])[:, None] * frequencies
cos, sin = angles.cos().to(device), angles.sin().to(device)


def rotate(x):
    a, b = x.split(half, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def norm(x, weight):
    return F.rms_norm(x, (x.shape[-1],), weight, 1e-5)


def loss_of(tokens, following):
    x = params['embed'][tokens]
    for i in range(config['layers']):
        p = {name: params[f'blocks.{i}.{name}'] for name in
             ('attentionNorm', 'attention.qkv', 'attention.output', 'feedForwardNorm', 'feedForward.up', 'feedForward.down')}
        batch, length, width = x.shape
        q, k, v = ((norm(x, p['attentionNorm']) @ p['attention.qkv'])
                   .reshape(batch, length, 3, heads, channels).permute(2, 0, 3, 1, 4))
        y = F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True)
        x = x + y.transpose(1, 2).reshape(batch, length, width) @ p['attention.output']
        gate, up = (norm(x, p['feedForwardNorm']) @ p['feedForward.up']).chunk(2, -1)
        x = x + (F.silu(gate) * up) @ p['feedForward.down']
    logits = norm(x, params['norm']) @ params['embed'].T
    return F.cross_entropy(logits.flatten(0, 1), following.flatten())


groups = [{'params': [p for name, p in params.items() if (name in decayed) == decay],
           'weight_decay': adam['weightDecay'] if decay else 0.0} for decay in (True, False)]
compute = torch.compile(loss_of) if sys.argv[2:] == ['compile'] else loss_of
optimizer = torch.optim.AdamW(groups, lr=settings['rate'], betas=(adam['beta1'], adam['beta2']), eps=adam['eps'], fused=True)
update = 0


def step():
    global update
    at = update % len(ids)
    update += 1
    with torch.autocast(device, torch.bfloat16, enabled=precision == 'bfloat16'):
        loss = compute(ids[at], targets[at])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(params.values(), adam['clip'])
    optimizer.step()
    return loss.item()


def say(**what):
    print(json.dumps(what), flush=True)


say(first=step(), description=f'PyTorch {torch.__version__}, {device}, {precision}, {torch.get_num_threads()} threads')
for line in sys.stdin:
    began, steps = time.perf_counter(), 0
    while True:
        loss = step()
        steps += 1
        if time.perf_counter() - began >= float(line):
            break
    say(steps=steps, seconds=time.perf_counter() - began, loss=loss)
