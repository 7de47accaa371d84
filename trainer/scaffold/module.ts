/** Writes a model as a self-contained PyTorch module, from the same trace that the compiled step is made of. */
import type { Model } from '../../models/architecture.ts'
import { chunkedComposites } from '../../models/chunked.ts'
import { withComposites } from '../../models/composites.ts'
import type { Ops } from '../../models/ops.ts'
import { fill, flatten, leaves, type Spec, startShape } from '../../models/spec.ts'
import { recorder } from '../backends/compile/recorder.ts'
import { type Node, type Recorder, replay, Tape } from '../backends/compile/tape.ts'
import { type PythonCode, pythonEmitter, type PythonOps } from './python.ts'

/** Python source of `class Model(nn.Module)` for batches of exactly `batch` x `time` ids. */
export function torchModule(model: Model, batch: number, time: number): string {
  const tape = new Tape()
  const op = recorder(tape, Infinity)
  const sized = (spec: Spec): number[] => startShape(spec.shape, batch)
  const ids = tape.input('ids', [batch, time], 'int32')
  const params = fill(model.params, (path, spec) => tape.input(path, sized(spec)))
  const state = fill(model.state, (path, spec) => tape.input(path, sized(spec)))
  const ops = torchOps(tape, op)
  const { result: done, losses } = tape.withLosses(() => model.forward<Node>(ops, params, ids, state))
  const logits = model.logits<Node>(ops, params, done.hidden)
  const after = [...leaves<Node>(model.state, done.state)]

  const code: PythonCode = { lines: [], constants: new Map() }
  const given = new Map<Node, string>([[ids, 'ids']])
  for (const [path, node] of leaves<Node>(model.params, params)) given.set(node, `p['${path}']`)
  for (const [path, node] of leaves<Node>(model.state, state)) given.set(node, `state['${path}']`)
  const added = losses.length === 0 ? op.constant(0) : losses.reduce((a, b) => op.add(a, b))
  const wanted = [logits, added, ...after.map(([, node]) => node)]
  const [logitsName, auxiliary, ...states] = replay(tape.nodes, pythonEmitter(code), given, wanted)
  const next = after.map(([path], i) => `    '${path}': ${states[i]},`)
  const shapes = (specs: readonly [string, Spec][]): string =>
    specs
      .map(([path, spec]) => `    '${path}': (${sized(spec).join(', ')}${spec.shape.length === 1 ? ',' : ''}),`)
      .join('\n')
  return [
    `"""${model.architecture}, ${batch} rows of ${time} tokens: written by \`mneme scaffold torch\`."""`,
    'import torch',
    'import torch.nn.functional as F',
    'from torch import nn',
    '',
    `BATCH, TIME, VOCAB = ${batch}, ${time}, ${model.vocab}`,
    '# Shapes of the parameters, of the session state, and which parameters are decayed and which stay as they are',
    `PARAMETERS = {\n${shapes(flatten(model.params))}\n}`,
    `STATE = {\n${shapes(flatten(model.state))}\n}`,
    `DECAYED = {${paths(model, (spec) => spec.decay)}}`,
    `FROZEN = {${paths(model, (spec) => spec.frozen === true)}}`,
    '',
    '',
    'class Model(nn.Module):',
    '    """ids (BATCH, TIME) and the session state before them -> logits, an addition to the loss, the state after."""',
    '',
    '    def __init__(self):',
    '        super().__init__()',
    '        for path, shape in PARAMETERS.items():',
    "            *parents, name = path.split('.')",
    '            owner = self',
    '            for part in parents:',
    '                if part not in owner._modules:',
    '                    owner.add_module(part, nn.Module())',
    '                owner = owner._modules[part]',
    '            owner.register_parameter(name, nn.Parameter(torch.zeros(shape), requires_grad=path not in FROZEN))',
    ...[...code.constants].map(
      ([name, expression]) => `        self.register_buffer('${name}', ${expression}, persistent=False)`,
    ),
    '',
    '    def forward(self, ids, state):',
    '        p = dict(self.named_parameters())',
    ...code.lines.map((line) => `        ${line}`),
    '        after = {',
    ...next.map((line) => `        ${line}`),
    '        }',
    `        return ${logitsName}, ${auxiliary}, after`,
    '',
  ].join('\n')
}

/** The operations of the module: chunked forms as in the compiled step; PyTorch finds the derivatives. */
function torchOps(tape: Tape, op: Recorder): Ops<Node> {
  const own = (name: string, x: Node, emit: (op: PythonOps, x: string) => string): Node =>
    tape.add({
      kind: 'custom',
      name,
      inputs: [x],
      shape: x.shape,
      dtype: x.dtype,
      rule: () => [],
      emit: (backend, [value]) => emit(backend as unknown as PythonOps, value as unknown as string) as never,
    })
  const primitives: Recorder = { ...op, detach: (x) => own('detach', x, (o, value) => o.detached(value)) }
  return withComposites<Node>(primitives, {
    ...chunkedComposites(withComposites<Node>(primitives), ({ shape }) => shape),
    addLoss: (loss) => tape.addLoss(loss),
    dropout: (x, rate) => (rate === 0 ? x : own('dropout', x, (o, value) => o.dropout(value, rate))),
    layerHook: (x, index) => own('layer', x, (o, value) => o.layerHook(value, index)),
  })
}

const paths = (model: Model, holds: (spec: Spec) => boolean): string =>
  flatten(model.params)
    .filter(([, spec]) => holds(spec))
    .map(([path]) => `'${path}'`)
    .join(', ')
