import { createHash } from 'node:crypto'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  fetchHubModel,
  hubOptions,
  type HubOptions,
  type HubProgress,
} from '../../../../../exporter/import/sources/hub/hub.ts'
import { isHubModelName, parseHubModelName } from '../../../../../exporter/import/sources/hub/name.ts'
import { importModel } from '../../../../../exporter/import/import.ts'
import { openSource, SourceError } from '../../../../../exporter/import/sources/source.ts'
import { createTensor } from '../../../../../runtime/tensor.ts'
import { encodeSafetensors } from '../../../../../trainer/safetensors.ts'
import { startHub, type Files, type HubServer, type HubState } from '../../../../support/hub-server.ts'
import { temporaryFolder } from '../../../../support/temporary.ts'

const repo = 'owner/small-model'
const commit = 'c'.repeat(40)
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const weights = (name: string, size: number): Buffer =>
  Buffer.concat(
    encodeSafetensors({
      [name]: createTensor(
        'float32',
        [size],
        Float32Array.from({ length: size }, (_, i) => i),
      ),
    }),
  )
const index = 'model.safetensors.index.json'
const sharded: Files = {
  'README.md': Buffer.from('not needed'),
  'config.json': json({ model_type: 'llama' }),
  'pytorch_model.bin': Buffer.from('a pickle'),
  'onnx/model.onnx': Buffer.from('not needed'),
  [index]: json({ weight_map: { a: 'part-1.safetensors', b: 'part-2.safetensors' } }),
  'part-1.safetensors': weights('a', 3),
  // Three requests long
  'part-2.safetensors': weights('b', 2_500_000),
  'unrelated.safetensors': weights('c', 3),
}
const chat = { 'tokenizer.json': json({ model: { vocab: {} } }), 'chat_template.jinja': Buffer.from('{{ 1 }}') }

interface Hub extends HubServer {
  readonly options: HubOptions
  readonly progress: HubProgress[]
  readonly notes: string[]
}

async function hub(files: Files, state: Partial<HubState> = {}): Promise<Hub> {
  const server = await startHub({
    kind: 'model',
    repo,
    branches: { main: commit },
    commits: { [commit]: files },
    ...state,
  })
  onTestFinished(() => server.close())
  const progress: HubProgress[] = []
  const notes: string[] = []
  const options: HubOptions = {
    ...hubOptions({ HF_ENDPOINT: server.url, HF_HOME: temporaryFolder() }),
    delaysMs: [1, 1],
    onProgress: (one) => progress.push(one),
    onNote: (note) => notes.push(note),
  }
  return { ...server, options, progress, notes }
}

describe('a model of the hub', () => {
  test('is a folder with what the model needs, and nothing else', async () => {
    const { options, progress } = await hub({ ...sharded, ...chat })
    const { path, commit: found } = await fetchHubModel(`hf:${repo}`, options)
    expect(found).toBe(commit)
    expect(readdirSync(path).toSorted()).toEqual(
      [
        'chat_template.jinja',
        'config.json',
        index,
        'part-1.safetensors',
        'part-2.safetensors',
        'tokenizer.json',
      ].toSorted(),
    )
    const { tensors, tokenizer } = await openSource(path)
    expect(tensors.names).toEqual(['a', 'b'])
    expect((await tensors.read('b')).at(-1)).toBe(2_499_999)
    expect(tokenizer?.config).toHaveProperty('chat_template', '{{ 1 }}')
    await tensors.close()
    const size = sharded['part-2.safetensors']!.length
    expect(progress.filter(({ file }) => file === 'part-2.safetensors').map(({ received }) => received)).toEqual([
      0,
      4 * 2 ** 20,
      8 * 2 ** 20,
      size,
    ])
  })

  test('of sentence-transformers comes with the files that say how it pools', async () => {
    const files = {
      'modules.json': json([
        { type: 'a.Transformer', path: '' },
        { type: 'a.Pooling', path: '1_Pooling' },
      ]),
      '1_Pooling/config.json': json({ pooling_mode_cls_token: true }),
      'sentence_bert_config.json': json({ max_seq_length: 100 }),
      'openvino/openvino_model.xml': Buffer.from('not needed'),
    }
    const { options } = await hub({ ...sharded, ...files })
    const { path } = await fetchHubModel(`hf:${repo}`, options)
    expect(readdirSync(path)).not.toContain('openvino')
    const { tensors, sentenceSettings } = await openSource(path)
    expect(await sentenceSettings?.()).toEqual({ pooling: 'cls', normalize: false, maxTokens: 100, lowerCase: false })
    await tensors.close()
  })

  test('lies in the cache as other tools lay it', async () => {
    const { options } = await hub(sharded)
    const { path } = await fetchHubModel(`hf:${repo}`, options)
    const folder = join(options.cache, 'models--owner--small-model')
    expect(options.cache.endsWith('/hub')).toBe(true)
    expect(path).toBe(join(folder, 'snapshots', commit))
    expect(readFileSync(join(folder, 'refs/main'), 'utf8')).toBe(commit)
    const link = join(path, 'part-1.safetensors')
    const hash = createHash('sha256').update(sharded['part-1.safetensors']!).digest('hex')
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readlinkSync(link)).toBe(`../../blobs/${hash}`)
    expect(readdirSync(join(folder, 'blobs')).every((name) => /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(name))).toBe(true)
  })

  test('is not fetched twice, and a new commit only where it differs', async () => {
    const server = await hub(sharded)
    await fetchHubModel(`hf:${repo}`, server.options)
    const sent = server.sent()
    await fetchHubModel(`hf:${repo}`, server.options)
    expect(server.sent()).toBe(sent)
    const next = 'd'.repeat(40)
    const config = json({ model_type: 'llama', later: true })
    Object.assign(server.state.commits, { [next]: { ...sharded, 'config.json': config } })
    server.state.branches['main'] = next
    const { path, commit: found } = await fetchHubModel(`hf:${repo}`, server.options)
    expect(found).toBe(next)
    expect(readFileSync(join(path, 'config.json'))).toEqual(config)
    // The size probe of the library and the file itself
    expect(server.sent() - sent).toBeLessThan(2 * config.length + 10)
    expect((await fetchHubModel(`hf:${repo}@${commit}`, server.options)).commit).toBe(commit)
  })

  test('goes on where it was cut', async () => {
    let cutAfter = 8 * 2 ** 20
    const server = await hub(sharded, {
      trouble: ({ url, headers }) => {
        const from = Number(/^bytes=(\d+)/.exec(headers.range ?? '')?.[1] ?? 0)
        return url?.includes('part-2') && from >= cutAfter ? 'cut' : undefined
      },
    })
    const failed = fetchHubModel(`hf:${repo}`, { ...server.options, delaysMs: [] })
    await expect(failed).rejects.toThrow(/cannot be reached .*terminated|other side closed|UND_ERR|ECONNRESET/)
    const blobs = join(server.options.cache, 'models--owner--small-model/blobs')
    const partial = readdirSync(blobs).find((name) => name.endsWith('.incomplete'))!
    expect(statSync(join(blobs, partial)).size).toBe(8 * 2 ** 20)
    cutAfter = Infinity
    const sent = server.sent()
    const { path } = await fetchHubModel(`hf:${repo}`, server.options)
    expect(readFileSync(join(path, 'part-2.safetensors')).equals(sharded['part-2.safetensors']!)).toBe(true)
    expect(server.sent() - sent).toBeLessThan(sharded['part-2.safetensors']!.length - 8 * 2 ** 20 + 10)
    expect(existsSync(join(blobs, partial))).toBe(false)
  })

  test('asks again when the hub is busy', async () => {
    const server = await hub(sharded, { trouble: (_, asked) => (asked % 4 === 0 ? 503 : undefined) })
    await expect(fetchHubModel(`hf:${repo}`, server.options)).resolves.toHaveProperty('commit', commit)
  })

  test.each(['part-1.safetensors', 'config.json'])('is refused where %s is not what the hub says', async (file) => {
    const server = await hub(sharded)
    const good = sharded[file]!
    const bad = Buffer.from(good)
    bad[bad.length - 1] = bad.at(-1)! ^ 1
    // Listed with the hash of the right bytes, sent with others
    server.state.trouble = (request) => {
      Object.assign(server.state.commits[commit]!, { [file]: request.url?.startsWith('/api') ? good : bad })
      return undefined
    }
    onTestFinished(() => void Object.assign(sharded, { [file]: good }))
    await expect(fetchHubModel(`hf:${repo}`, server.options)).rejects.toThrow(`${file}: expected the hash`)
    const blobs = readdirSync(join(server.options.cache, 'models--owner--small-model/blobs'))
    const hash = createHash('sha256').update(good).digest('hex')
    expect(blobs.some((name) => name.startsWith(hash))).toBe(false)
  })

  test('takes part of a file for what it is: one that is longer than the hub says begins anew', async () => {
    const server = await hub(sharded)
    const blobs = join(server.options.cache, 'models--owner--small-model/blobs')
    mkdirSync(blobs, { recursive: true })
    const hash = createHash('sha256').update(sharded['part-1.safetensors']!).digest('hex')
    writeFileSync(join(blobs, `${hash}.incomplete`), Buffer.alloc(10_000))
    const { path } = await fetchHubModel(`hf:${repo}`, server.options)
    expect(readFileSync(join(path, 'part-1.safetensors'))).toEqual(sharded['part-1.safetensors'])
  })

  test('is read with a token, which is asked for by name', async () => {
    const server = await hub(sharded, { token: 'hf_right' })
    await expect(fetchHubModel(`hf:${repo}`, server.options)).rejects.toThrow(
      'set HF_TOKEN to a token that may read it',
    )
    await expect(fetchHubModel(`hf:${repo}`, { ...server.options, token: 'hf_wrong' })).rejects.toThrow(
      'may not read it',
    )
    await expect(fetchHubModel(`hf:${repo}`, { ...server.options, token: 'hf_right' })).resolves.toBeDefined()
  })
})

describe('a GGUF file of the hub', () => {
  const gguf = {
    'm.Q4_0.gguf': Buffer.from('four'),
    'm.Q8_0.gguf': Buffer.from('eight'),
    'mmproj.gguf': Buffer.from('eye'),
  }

  test('is the one after the colon', async () => {
    const { options } = await hub(gguf)
    const { path } = await fetchHubModel(`hf:${repo}@main:m.Q8_0.gguf`, options)
    expect(readFileSync(path, 'utf8')).toBe('eight')
    expect(readdirSync(join(path, '..'))).toEqual(['m.Q8_0.gguf'])
  })

  test('is the only one, all its parts with it', async () => {
    const parts = { 'm-00001-of-00002.gguf': Buffer.from('1'), 'm-00002-of-00002.gguf': Buffer.from('2') }
    const { options } = await hub({ ...parts, 'mmproj-m.gguf': Buffer.from('eye') })
    const { path } = await fetchHubModel(`hf:${repo}`, options)
    expect(path.endsWith('m-00001-of-00002.gguf')).toBe(true)
    expect(readdirSync(join(path, '..')).toSorted()).toEqual(Object.keys(parts))
  })

  test.each([
    [`hf:${repo}`, gguf, 'has 2 GGUF files; add one of them after a colon: m.Q4_0.gguf, m.Q8_0.gguf'],
    [`hf:${repo}:other.gguf`, gguf, 'has no file other.gguf; it has m.Q4_0.gguf, m.Q8_0.gguf'],
    [`hf:${repo}:pytorch_model.bin`, sharded, 'expected a .gguf or .onnx file after the colon, got pytorch_model.bin'],
    [`hf:${repo}@v2`, gguf, 'has no such model or revision (404)'],
    ['hf:owner/another', gguf, 'has no such model or revision (404)'],
    [
      `hf:${repo}`,
      { 'config.json': json({}), 'pytorch_model.bin': json({}) },
      'as pytorch_model.bin, which is a pickle file',
    ],
    [`hf:${repo}`, { 'README.md': json({}) }, 'a .gguf file or onnx/model.onnx, found none of them'],
    [
      `hf:${repo}`,
      { ...sharded, [index]: json({ weight_map: { a: '../../../evil.safetensors' } }) },
      'expected names of .safetensors files, got "../../../evil.safetensors"',
    ],
    [
      `hf:${repo}`,
      { ...sharded, [index]: json({ weight_map: { a: 'part-9.safetensors' } }) },
      'needs part-9.safetensors, which the repository does not have',
    ],
  ] as [string, Files, string][])('%s is refused where it cannot be told or read', async (name, files, sentence) => {
    const { options } = await hub(files)
    await expect(fetchHubModel(name, options)).rejects.toThrow(sentence)
    await expect(fetchHubModel(name, options)).rejects.toThrow(SourceError)
  })
})

describe('an ONNX graph of the hub', () => {
  const files = {
    'config.json': json({ model_type: 'llama' }),
    'tokenizer.json': json({}),
    'onnx/model.onnx': Buffer.from('whole'),
    'onnx/model.onnx_data': Buffer.from('its weights'),
    'onnx/model.onnx_data_1': Buffer.from('the rest of them'),
    'onnx/model_q4.onnx': Buffer.from('four'),
    'onnx/model_q4.onnx_data': Buffer.from('its blocks'),
    'onnx/decoder_model_merged_q4.onnx': Buffer.from('reads vectors'),
    'onnx/embed_tokens_q4.onnx': Buffer.from('makes them'),
    'onnx/embed_tokens_q4.onnx_data': Buffer.from('of these'),
    'onnx/embed_tokens.onnx': Buffer.from('another'),
  }

  test.each([
    ['', 'onnx/model.onnx', ['embed_tokens.onnx', 'model.onnx', 'model.onnx_data', 'model.onnx_data_1']],
    [
      ':onnx/model_q4.onnx',
      'onnx/model_q4.onnx',
      ['embed_tokens_q4.onnx', 'embed_tokens_q4.onnx_data', 'model_q4.onnx', 'model_q4.onnx_data'],
    ],
    [
      ':onnx/decoder_model_merged_q4.onnx',
      'onnx/decoder_model_merged_q4.onnx',
      ['decoder_model_merged_q4.onnx', 'embed_tokens_q4.onnx', 'embed_tokens_q4.onnx_data'],
    ],
  ])('hf:OWNER/NAME%s is %s, with its weights and what stands beside the model', async (file, graph, inside) => {
    const { options } = await hub(files)
    const { path } = await fetchHubModel(`hf:${repo}${file}`, options)
    expect(path.endsWith(graph)).toBe(true)
    expect(readdirSync(join(path, '..')).toSorted()).toEqual(inside)
    expect(readdirSync(join(path, '../..')).toSorted()).toEqual(['config.json', 'onnx', 'tokenizer.json'])
  })

  test('of onnxruntime-genai comes with genai_config.json from its own folder', async () => {
    const cpu = { 'cpu/genai_config.json': json({}), 'cpu/model.onnx': json({}), 'cpu/model.onnx.data': json({}) }
    const { options } = await hub({ ...cpu, 'cuda/model.onnx': json({}) })
    const { path } = await fetchHubModel(`hf:${repo}:cpu/model.onnx`, options)
    expect(readdirSync(join(path, '..')).toSorted()).toEqual(['genai_config.json', 'model.onnx', 'model.onnx.data'])
  })

  test('is imported from the cache, where files are links to blobs', async () => {
    const out = temporaryFolder()
    const exported = join(import.meta.dirname, '../../../../fixtures/onnx-mistral')
    const [config, model] = ['config.json', 'onnx/model.onnx'].map((name) => readFileSync(join(exported, name)))
    const { options } = await hub({ 'config.json': config!, 'onnx/model.onnx': model! })
    const { path } = await fetchHubModel(`hf:${repo}`, options)
    const { manifest } = await importModel({ source: path, out, quantization: 'keep' })
    expect(manifest).toMatchObject({ architecture: 'mistral', maxTokens: 256 })
  })

  test('has to be named where none is in float32', async () => {
    const { options } = await hub({ 'onnx/model_q4.onnx': json({}), 'onnx/model_int8.onnx': json({}) })
    await expect(fetchHubModel(`hf:${repo}`, options)).rejects.toThrow(
      'has 2 ONNX graphs; add one of them after a colon: onnx/model_q4.onnx, onnx/model_int8.onnx',
    )
  })
})

describe('without network', () => {
  test('the cached model is used, and said so', async () => {
    const server = await hub(sharded)
    const { path } = await fetchHubModel(`hf:${repo}`, server.options)
    await server.close()
    expect(await fetchHubModel(`hf:${repo}`, server.options)).toEqual({ path, commit })
    expect(server.notes).toHaveLength(1)
    expect(server.notes[0]).toContain(`using commit ${commit} of the cache`)
    expect(await fetchHubModel(`hf:${repo}`, { ...server.options, offline: true })).toEqual({ path, commit })
    await expect(fetchHubModel('hf:owner/another', server.options)).rejects.toThrow('cannot be reached (ECONNREFUSED)')
  })

  test('a model that is not all there is refused with what it lacks', async () => {
    const { options, ...server } = await hub(sharded)
    const offline = { ...options, offline: true }
    await expect(fetchHubModel(`hf:${repo}`, offline)).rejects.toThrow('has no revision main of it')
    const { path } = await fetchHubModel(`hf:${repo}`, options)
    const { unlinkSync } = await import('node:fs')
    unlinkSync(join(path, 'part-2.safetensors'))
    await expect(fetchHubModel(`hf:${repo}`, offline)).rejects.toThrow(`lacks part-2.safetensors of commit ${commit}`)
    await server.close()
    await expect(fetchHubModel(`hf:${repo}`, options)).rejects.toThrow('cannot be reached')
  })
})

describe('the environment', () => {
  test('says endpoint, cache, token and whether to be offline, as for other tools', () => {
    const home = temporaryFolder()
    expect(hubOptions({ HF_HOME: home })).toMatchObject({
      endpoint: 'https://huggingface.co',
      cache: join(home, 'hub'),
    })
    expect(hubOptions({ HF_HOME: home })).not.toHaveProperty('token')
    writeFileSync(join(home, 'token'), 'hf_of_a_file\n')
    expect(hubOptions({ HF_HOME: home }).token).toBe('hf_of_a_file')
    expect(hubOptions({ HF_HOME: home, HF_TOKEN: 'hf_given' }).token).toBe('hf_given')
    expect(hubOptions({ HF_HUB_CACHE: '/there', HF_HUB_OFFLINE: '1' })).toMatchObject({
      cache: '/there',
      offline: true,
    })
    expect(hubOptions({ XDG_CACHE_HOME: '/x', HF_ENDPOINT: 'http://h/' })).toMatchObject({
      cache: '/x/huggingface/hub',
      endpoint: 'http://h',
      offline: false,
    })
    expect(() => hubOptions({ HF_TOKEN: 'secret' })).toThrow('expected a token that begins with hf_')
  })

  test('and names of models are told from those of data sets and files', () => {
    expect(parseHubModelName('hf:a/b-1.5@refs/pr/2:c/d.gguf')).toEqual({
      text: 'hf:a/b-1.5@refs/pr/2:c/d.gguf',
      repo: 'a/b-1.5',
      revision: 'refs/pr/2',
      file: 'c/d.gguf',
    })
    expect(['hf:a/b', 'hf://datasets/a/b', './a.gguf', 'hub:a/b'].map(isHubModelName)).toEqual([
      true,
      false,
      false,
      false,
    ])
    for (const wrong of ['hf:', 'hf:a/b/c', 'hf:../b', 'hf:a/..', 'hf:a b'])
      expect(() => parseHubModelName(wrong)).toThrow('expected hf:OWNER/NAME[@REVISION][:FILE]')
  })
})
