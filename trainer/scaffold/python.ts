/** Writes a tape as the lines of a PyTorch `forward`. */
import type { Emitter } from '../backends/compile/tape.ts'

/** What a PyTorch module can say beyond the vocabulary of a tape. */
export interface PythonOps extends Emitter<string> {
  dropout(x: string, rate: number): string
  /** x, after a comment that says where the model has come to. */
  layerHook(x: string, index: number): string
  detached(x: string): string
}

/** Lines in order, and the constants that they name: `self.NAME` holds each, made by its expression. */
export interface PythonCode {
  readonly lines: string[]
  readonly constants: Map<string, string>
}

/** The emitter that appends lines to `code`; its values are Python names. */
export function pythonEmitter(code: PythonCode): PythonOps {
  let count = 0
  const names = new Map<string, string>()
  const line = (expression: string): string => {
    const name = `v${count++}`
    code.lines.push(`${name} = ${expression}`)
    return name
  }
  const constant = (expression: string): string => {
    const name = names.get(expression) ?? `c${names.size}`
    names.set(expression, name)
    code.constants.set(name, expression)
    return `self.${name}`
  }
  const unary = (f: string) => (x: string) => line(`${f}(${x})`)
  const infix = (sign: string) => (a: string, b: string) => line(`${a} ${sign} ${b}`)
  const pairwise = (f: string) => (a: string, b: string) => line(`${f}(${a}, ${b})`)
  const along = (f: string) => (x: string, axis: number, keep?: boolean) =>
    line(`${x}.${f}(${axis}, keepdim=${keep ? 'True' : 'False'})`)
  const never = (name: string) => (): never => {
    throw new Error(`scaffold: ${name} belongs to derivatives, not to a forward pass`)
  }
  return {
    constant: (value) => constant(`torch.tensor(${number(value)})`),
    table: (values, shape) => constant(`${sequence(values)}.reshape([${list(shape)}])`),
    add: infix('+'),
    sub: infix('-'),
    mul: infix('*'),
    div: infix('/'),
    maximum: pairwise('torch.maximum'),
    minimum: pairwise('torch.minimum'),
    neg: unary('-'),
    exp: unary('torch.exp'),
    log: unary('torch.log'),
    sqrt: unary('torch.sqrt'),
    sin: unary('torch.sin'),
    cos: unary('torch.cos'),
    round: unary('torch.round'),
    tanh: unary('torch.tanh'),
    sigmoid: unary('torch.sigmoid'),
    softplus: unary('F.softplus'),
    gelu: unary('F.gelu'),
    matmul: infix('@'),
    sum: along('sum'),
    mean: along('mean'),
    max: along('amax'),
    softmax: (x) => line(`${x}.softmax(-1)`),
    cumsum: (x, axis) => line(`${x}.cumsum(${axis})`),
    gather: (table, ids) => line(`F.embedding(${ids}.long(), ${table})`),
    int32: (x) => line(`${x}.int()`),
    oneHot: (ids, depth) => line(`F.one_hot(${ids}.long(), ${depth}).float()`),
    topk: (x, k) => line(`${x}.topk(${k}, -1).indices.int()`),
    concat: (xs, axis) => line(`torch.cat([${xs.join(', ')}], ${axis})`),
    split(x, sizes, axis) {
      const parts = sizes.map(() => `v${count++}`)
      code.lines.push(`${parts.join(', ')}${parts.length === 1 ? ',' : ''} = ${x}.split([${list(sizes)}], ${axis})`)
      return parts
    },
    transpose: (x, perm) => line(`${x}.permute(${list(perm)})`),
    reshape: (x, shape) => line(`${x}.reshape([${list(shape)}])`),
    slice: (x, axis, start, end) => line(`${x}.narrow(${axis}, ${start}, ${end! - start})`),
    iota: never('iota'),
    less: infix('<'),
    and: infix('&'),
    where: (condition, a, b) => line(`torch.where(${condition}, ${a}, ${b})`),
    detach: never('detach'),
    detached: (x) => line(`${x}.detach()`),
    expand: (x, shape) => line(`${x}.expand(${list(shape)})`),
    float: (x) => line(`${x}.float()`),
    equal: (a, b) => line(`(${a} == ${b}).float()`),
    dropout: (x, rate) => line(`F.dropout(${x}, ${number(rate)}, self.training)`),
    layerHook(x, index) {
      code.lines.push(`# ${x} is what layer ${index} gives`)
      return x
    },
    loop: never('loop'),
    reduce: never('reduce'),
    gemm: never('gemm'),
    scatterRows: never('scatterRows'),
    pick: never('pick'),
    addAt: never('addAt'),
    rotary: never('rotary'),
    quantize: never('quantize'),
    dequantize: never('dequantize'),
  }
}

const list = (values: readonly number[]): string => values.join(', ')

/** A number that Python reads as the same float. */
function number(value: number): string {
  if (!Number.isFinite(value)) return `float('${value > 0 ? 'inf' : value < 0 ? '-inf' : 'nan'}')`
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value)
}

/** Values that rise by one are a range: a module should be readable. */
function sequence(values: readonly number[]): string {
  const [first = 0] = values
  if (values.length > 3 && values.every((value, i) => value === first + i))
    return `torch.arange(${number(first)}, ${number(first + values.length)})`
  return `torch.tensor([${values.map(number).join(', ')}])`
}
