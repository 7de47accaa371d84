"""Runs scaffolded modules on given inputs: for each folder of the command line, inputs.safetensors -> outputs.safetensors."""
import importlib.util
import sys
from pathlib import Path

import torch
import torch.nn.functional as F


def load(folder, name):
    spec = importlib.util.spec_from_file_location(name, folder / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


for folder in map(Path, sys.argv[1:]):
    code = load(folder, 'model')
    train = load(folder, 'train')
    model = code.Model()
    model.load_state_dict(train.read_safetensors(folder / 'model.safetensors'))
    model.eval()
    given = train.read_safetensors(folder / 'inputs.safetensors')
    state = {name: torch.zeros(shape) for name, shape in code.STATE.items()}
    logits, auxiliary, _ = model(given['ids'], state)
    each = F.cross_entropy(logits.flatten(0, 1), given['targets'].long().flatten(), reduction='none')
    weights = given['weights'].flatten()
    loss = (each * weights).sum() / weights.sum()
    (loss + auxiliary).backward()
    found = {'logits': logits, 'loss': loss.reshape(1)}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            found[f'grad.{name}'] = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    train.write_safetensors(folder / 'outputs.safetensors', found)
