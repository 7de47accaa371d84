"""Fails unless train.py reads tokens across the borders of shards, and maps the shards instead of loading them."""
import importlib.util
import json
import sys
import tempfile
import types
from pathlib import Path
from unittest import mock

import numpy as np

TIME = 5
torch = mock.MagicMock(from_numpy=lambda rows: rows, tensor=np.array)  # reading shards needs no more of PyTorch
parts = {f'torch.{part}': mock.MagicMock() for part in ('distributed', 'nn', 'nn.functional', 'nn.parallel')}
sys.modules.update({'torch': torch, **parts})
sys.modules['model'] = types.SimpleNamespace(BATCH=2, DECAYED=set(), STATE={}, TIME=TIME, Model=object)
spec = importlib.util.spec_from_file_location('train', sys.argv[1])
train = importlib.util.module_from_spec(spec)
spec.loader.exec_module(train)

tokens = np.arange(100, 141, dtype=np.uint16)
with tempfile.TemporaryDirectory() as folder:
    borders = [0, 7, 8, 20, 41]
    for i, (start, end) in enumerate(zip(borders, borders[1:])):
        tokens[start:end].tofile(Path(folder) / f'{i}.bin')
    index = {'dtype': 'uint16', 'shards': [{'file': f'{i}.bin'} for i in range(4)]}
    (Path(folder) / 'index.json').write_text(json.dumps(index))
    shards = train.Shards(folder, 0, 1)
    assert all(isinstance(shard, np.memmap) for shard in shards.shards), 'shards are loaded whole'
    for start in range(len(tokens) - TIME):
        assert (shards.read(start, TIME + 1) == tokens[start : start + TIME + 1]).all(), start
    ids, targets, carry = shards.next()
    assert ids.tolist() == [[100, 101, 102, 103, 104], [120, 121, 122, 123, 124]], ids
    assert targets.tolist() == [[101, 102, 103, 104, 105], [121, 122, 123, 124, 125]], targets
    assert carry.tolist() == [0.0, 1.0], carry
