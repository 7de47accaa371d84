# The parameters of the bundled keeper as a safetensors file, for --init: python3 weights.py decoder.onnx keeper.safetensors
import json
import re
import struct
import sys

import onnx
from onnx import numpy_helper

graph = onnx.load(sys.argv[1]).graph
# Parameters have their dotted paths; what else the graph holds are constants
own = [t for t in graph.initializer if re.match(r'(blocks\.\d+\.|embed$|norm$)', t.name)]
header, data = {}, b''
for tensor in own:
    values = numpy_helper.to_array(tensor).astype('<f4')
    end = len(data) + values.nbytes
    header[tensor.name] = {'dtype': 'F32', 'shape': list(values.shape), 'data_offsets': [len(data), end]}
    data += values.tobytes()
text = json.dumps(header).encode()
text += b' ' * (-len(text) % 8)
with open(sys.argv[2], 'wb') as out:
    out.write(struct.pack('<Q', len(text)) + text + data)
