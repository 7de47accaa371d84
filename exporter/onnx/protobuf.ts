/** Protocol buffers wire format, as much of it as ONNX needs (https://protobuf.dev/programming-guides/encoding/). */

/** One message under construction; every method returns it. */
export class Message {
  readonly #parts: Uint8Array[] = []
  #length = 0

  /** An integer field (varint); negative numbers take ten bytes, as the format asks. */
  int(field: number, value: number | bigint): this {
    this.#varint(field << 3)
    this.#varint(value)
    return this
  }

  /** A 32-bit float field. */
  float(field: number, value: number): this {
    this.#varint((field << 3) | 5)
    this.#push(new Uint8Array(new Float32Array([value]).buffer))
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.#varint((field << 3) | 2)
    this.#varint(value.length)
    this.#push(value)
    return this
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value))
  }

  message(field: number, value: Message): this {
    this.#varint((field << 3) | 2)
    this.#varint(value.#length)
    for (const part of value.#parts) this.#push(part)
    return this
  }

  /** Fields that are encoded already. */
  raw(fields: Uint8Array): this {
    this.#push(fields)
    return this
  }

  get length(): number {
    return this.#length
  }

  /** The message's bytes. */
  encode(): Uint8Array {
    const out = new Uint8Array(this.#length)
    let at = 0
    for (const part of this.#parts) {
      out.set(part, at)
      at += part.length
    }
    return out
  }

  #push(bytes: Uint8Array): void {
    this.#parts.push(bytes)
    this.#length += bytes.length
  }

  #varint(value: number | bigint): void {
    let rest = BigInt.asUintN(64, BigInt(value))
    const out: number[] = []
    while (rest > 127n) {
      out.push(Number(rest & 127n) | 128)
      rest >>= 7n
    }
    out.push(Number(rest))
    this.#push(Uint8Array.from(out))
  }
}

/** What stands before a message of `length` bytes that is written by other means. */
export function messageHeader(field: number, length: number): Uint8Array {
  const whole = new Message().bytes(field, new Uint8Array()).encode()
  const size = new Message().int(0, length).encode()
  return Uint8Array.from([...whole.subarray(0, -1), ...size.subarray(1)])
}
