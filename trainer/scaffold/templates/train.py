"""Trains model.py on token shards (`mneme tokenize`), on any number of devices and machines.

  python train.py --data SHARDS --out RUN
  torchrun --nproc-per-node 8 train.py --data SHARDS --out RUN            (DDP)
  torchrun --nproc-per-node 8 train.py --data SHARDS --out RUN --fsdp     (parameters and moments in shares)
  accelerate launch --config_file accelerate.yaml train.py --data SHARDS --out RUN
  deepspeed train.py --data SHARDS --out RUN --deepspeed deepspeed.json

RUN/last is a checkpoint that `mneme export` reads. Settings come from config.json; options override them.
"""
import argparse
import contextlib
import hashlib
import json
import math
import os
import shutil
import struct
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.nn.parallel import DistributedDataParallel

from model import BATCH, DECAYED, STATE, TIME, Model

HERE = Path(__file__).parent
KINDS = {'F32': torch.float32, 'F16': torch.float16, 'BF16': torch.bfloat16, 'I32': torch.int32, 'I64': torch.int64}


def read_safetensors(path):
    data = bytearray(Path(path).read_bytes())
    (length,) = struct.unpack('<Q', data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == '__metadata__':
            continue
        start, end = (8 + length + offset for offset in entry['data_offsets'])
        flat = torch.frombuffer(data[start:end], dtype=KINDS[entry['dtype']]) if end > start else torch.zeros(0)
        tensors[name] = flat.reshape(entry['shape']).clone()
    return tensors


def write_safetensors(path, tensors):
    header, pieces, offset = {'__metadata__': {'format': 'mneme'}}, [], 0
    for name, tensor in sorted(tensors.items()):
        piece = tensor.detach().float().cpu().contiguous().numpy().tobytes()
        header[name] = {'dtype': 'F32', 'shape': list(tensor.shape), 'data_offsets': [offset, offset + len(piece)]}
        pieces.append(piece)
        offset += len(piece)
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    Path(path).write_bytes(struct.pack('<Q', len(text)) + text + b''.join(pieces))


class Shards:
    """Endless batches of BATCH rows; each row of each process reads on where it stopped, so state can be carried."""

    def __init__(self, folder, rank, world):
        index = json.loads((Path(folder) / 'index.json').read_text())
        own = hashlib.sha256((HERE / 'tokenizer.json').read_bytes()).hexdigest()
        if index.get('tokenizer', own) != own:
            raise SystemExit(f'{folder}: was written with another tokenizer; use mneme tokenize --tokenizer {HERE}')
        dtype = np.uint16 if index['dtype'] == 'uint16' else np.uint32
        # Mapped, not read: every process touches only the pages of its own rows
        self.shards = [np.memmap(Path(folder) / s['file'], dtype, 'r') for s in index['shards']]
        self.starts = np.cumsum([0] + [len(shard) for shard in self.shards])
        self.total = int(self.starts[-1])
        if self.total < TIME + 1:
            raise SystemExit(f'{folder}: expected at least {TIME + 1} tokens, got {self.total}')
        rows = world * BATCH
        self.at = [(rank * BATCH + row) * self.total // rows for row in range(BATCH)]

    def read(self, start, count):
        """Tokens from `start` on, which may lie in several shards."""
        parts = []
        while count > 0:
            shard = int(np.searchsorted(self.starts, start, side='right')) - 1
            offset = start - int(self.starts[shard])
            part = self.shards[shard][offset : offset + count]
            parts.append(part.astype(np.int64))
            start, count = start + len(part), count - len(part)
        return np.concatenate(parts)

    def next(self):
        rows, carry = [], []
        for row in range(BATCH):
            if self.at[row] + TIME + 1 > self.total:
                self.at[row] = 0
            rows.append(self.read(self.at[row], TIME + 1))
            carry.append(0.0 if self.at[row] == 0 else 1.0)
            self.at[row] += TIME
        rows = torch.from_numpy(np.stack(rows))
        return rows[:, :-1], rows[:, 1:], torch.tensor(carry)


def share(schedule, step):
    """Learning rate at a step as a share of the largest."""
    steps, warmup, least = schedule['steps'], schedule['warmup'], schedule['minRatio']
    if warmup < 1:  # a share of the steps
        warmup = math.floor(warmup * steps + 0.5)
    if step < warmup:
        return (step + 1) / warmup
    if schedule['kind'] == 'constant':
        return 1.0
    start = warmup if schedule['kind'] != 'wsd' else max(warmup, round(steps * (1 - schedule.get('decay', 0.2))))
    done = min(1.0, max(0.0, (step - start) / max(1, steps - 1 - start)))
    if schedule['kind'] == 'cosine':
        return least + (1 - least) * 0.5 * (1 + math.cos(math.pi * done))
    return 1 - (1 - least) * done


def save(out, step, weights, config):
    """A checkpoint as mneme writes them: whole or not at all."""
    folder, name = out / 'checkpoints', f'step-{step:08d}'
    fresh = folder / f'.new-{name}'
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write_safetensors(fresh / 'model.safetensors', weights)
    for empty in ('optimizer', 'carry'):
        write_safetensors(fresh / f'{empty}.safetensors', {})
    for file in ('tokenizer.json', 'tokenizer_config.json'):
        shutil.copy(HERE / file, fresh / file)
    files = {}
    for file in sorted(fresh.iterdir()):
        data = file.read_bytes()
        files[file.name] = {'sha256': hashlib.sha256(data).hexdigest(), 'bytes': len(data)}
    state = {'config': config, 'data': None, 'random': [0, 0, 0, 0], 'best': None, 'waited': 0}
    whole = {'format': 'mneme-checkpoint', 'version': 2, 'step': step, 'state': state, 'files': files}
    (fresh / 'state.json').write_text(json.dumps(whole, indent=2) + '\n')
    shutil.rmtree(folder / name, ignore_errors=True)
    fresh.rename(folder / name)
    link = out / '.last-new'
    link.unlink(missing_ok=True)
    link.symlink_to(Path('checkpoints') / name)
    link.rename(out / 'last')


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--data', required=True)
    parser.add_argument('--out', required=True, type=Path)
    parser.add_argument('--steps', type=int)
    parser.add_argument('--accumulate', type=int)
    parser.add_argument('--save-every', type=int, default=500)
    parser.add_argument('--seed', type=int)
    parser.add_argument('--bf16', action='store_true', help='matrix products in bfloat16 (CUDA)')
    parser.add_argument('--fsdp', action='store_true')
    parser.add_argument('--deepspeed', help='a DeepSpeed configuration')
    parser.add_argument('--local_rank', type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    options = arguments()
    config = json.loads((HERE / 'config.json').read_text())
    for name in ('accumulate', 'seed'):
        if getattr(options, name) is not None:
            config[name] = getattr(options, name)
    if options.steps is not None:
        config['schedule']['steps'] = options.steps
    schedule, adam = config['schedule'], config['optimizer']
    rank, world = int(os.environ.get('RANK', 0)), int(os.environ.get('WORLD_SIZE', 1))
    cuda = torch.cuda.is_available()
    device = torch.device('cuda', int(os.environ.get('LOCAL_RANK', 0))) if cuda else torch.device('cpu')
    if cuda:
        torch.cuda.set_device(device)
    if world > 1:
        dist.init_process_group('nccl' if cuda else 'gloo')
    torch.manual_seed(config['seed'] + rank)

    bare = Model()
    bare.load_state_dict(read_safetensors(HERE / 'model.safetensors'))
    bare.to(device)
    model = bare
    if options.fsdp:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        fully_shard(bare, mesh=init_device_mesh(device.type, (world,)))
    elif world > 1 and not options.deepspeed:
        model = DistributedDataParallel(bare, find_unused_parameters=True)

    def lr_scale(path):
        """The scale of the longest part of the model that the parameter lies in."""
        parts = [part for part in config['lrScales'] if path == part or path.startswith(part + '.')]
        return config['lrScales'][max(parts, key=len)] if parts else 1.0

    groups = {}
    plain = lambda name: name.removeprefix('module.')
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((plain(name) in DECAYED, lr_scale(plain(name))), []).append(parameter)
    optimizer = torch.optim.AdamW(
        [
            {'params': params, 'weight_decay': adam['weightDecay'] if decayed else 0.0, 'share': own}
            for (decayed, own), params in groups.items()
        ],
        lr=config['learningRate'],
        betas=(adam['beta1'], adam['beta2']),
        eps=adam['eps'],
    )
    engine = None
    if options.deepspeed:
        import deepspeed

        engine, optimizer, _, _ = deepspeed.initialize(model=bare, optimizer=optimizer, config=options.deepspeed)
        model = engine

    data = Shards(options.data, rank, world)
    state = {name: torch.zeros(shape, device=device) for name, shape in STATE.items()}
    options.out.mkdir(parents=True, exist_ok=True)
    began, accumulate = time.time(), config['accumulate']
    model.train()
    for step in range(schedule['steps']):
        for group in optimizer.param_groups:
            group['lr'] = config['learningRate'] * group.get('share', 1.0) * share(schedule, step)
        for part in range(accumulate):
            ids, targets, carry = (t.to(device) for t in data.next())
            if config['carry']:
                # A choice, not a product: a state that is not finite must end with its row
                keep = {k: carry.reshape(-1, *[1] * (s.dim() - 1)) > 0.5 for k, s in state.items()}
                state = {k: torch.where(keep[k], s, torch.zeros_like(s)) for k, s in state.items()}
            else:
                state = {k: torch.zeros_like(s) for k, s in state.items()}
            together = part == accumulate - 1 or not isinstance(model, DistributedDataParallel)
            half = torch.autocast('cuda', torch.bfloat16) if options.bf16 and cuda else contextlib.nullcontext()
            with contextlib.nullcontext() if together else model.no_sync():
                with half:
                    logits, auxiliary, after = model(ids, state)
                    loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
                whole = (loss + auxiliary) / accumulate
                engine.backward(whole) if engine else whole.backward()
            state = {k: s.detach() for k, s in after.items()}
        if engine:
            engine.step()
        else:
            torch.nn.utils.clip_grad_norm_(model.parameters(), adam['clip'])
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        last = step + 1 == schedule['steps']
        if rank == 0 and (last or (step + 1) % config['logEvery'] == 0):
            speed = (step + 1) * accumulate * BATCH * TIME * world / (time.time() - began)
            print(f'step {step + 1}/{schedule["steps"]}  loss {loss.item():.4f}  {speed:.0f} tok/s', flush=True)
        if last or (step + 1) % options.save_every == 0:
            weights = whole_weights(model)
            if rank == 0:
                save(options.out, step + 1, {plain(k): t for k, t in weights.items()}, config)
    if world > 1:
        dist.destroy_process_group()


def whole_weights(model):
    """All parameters by name; where they are in shares, every process has to ask."""
    return {name: p.full_tensor() if hasattr(p, 'full_tensor') else p for name, p in model.named_parameters()}


if __name__ == '__main__':
    main()
