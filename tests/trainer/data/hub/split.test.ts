import { describe, expect, test } from 'vitest'
import { parseHubName } from '../../../../trainer/data/hub/name.ts'
import { type CardConfig, splitFiles } from '../../../../trainer/data/hub/split.ts'

describe('names', () => {
  test('of a data set say its revision and a part of it, in both spellings', () => {
    const read = (text: string) => {
      const { repo, revision, part } = parseHubName(text)
      return [repo, revision, part]
    }
    expect(read('hub:own/tales')).toEqual(['own/tales', 'main', undefined])
    expect(read('hub:tales')).toEqual(['tales', 'main', undefined])
    expect(read('hub:own/tales@v1.2:small')).toEqual(['own/tales', 'v1.2', 'small'])
    expect(read('hub:own/tales@refs/convert/parquet:data/a-*.jsonl')).toEqual([
      'own/tales',
      'refs/convert/parquet',
      'data/a-*.jsonl',
    ])
    expect(read('hf://datasets/own/tales')).toEqual(['own/tales', 'main', undefined])
    expect(read('hf://datasets/own/tales@refs%2Fpr%2F3/data/a.parquet')).toEqual([
      'own/tales',
      'refs/pr/3',
      'data/a.parquet',
    ])
    expect(read('hf://datasets/own/tales@refs/convert/parquet/all/train')).toEqual([
      'own/tales',
      'refs/convert/parquet',
      'all/train',
    ])
  })

  test.each(['hub:', 'hub:a/b/c', 'hub:own/tales@', 'hf://own/tales', 'hf://datasets/tales', 'hub:own/ta les'])(
    '%s is refused with the form that is expected',
    (text) => expect(() => parseHubName(text)).toThrow(`${text}: expected hub:OWNER/NAME[@REVISION]`),
  )
})

describe('the files of a split', () => {
  const files = (name: string, paths: readonly string[], split: string, configs: readonly CardConfig[] = []) =>
    splitFiles(parseHubName(name), { configs, paths }, split)
  const shards = ['data/test-00000-of-00001.parquet', 'data/train-00001-of-00002.parquet', 'README.md']
  const card: CardConfig[] = [
    { config_name: 'small', data_files: [{ split: 'train', path: 'small/*' }] },
    {
      config_name: 'large',
      data_files: [
        { split: 'train', path: ['large/{a,b}/**', 'x?.jsonl'] },
        { split: 'dev', path: 'large/dev' },
      ],
    },
  ]
  const paths = ['large/a/z/1.parquet', 'large/b/2.parquet', 'large/c/3.parquet', 'small/s.jsonl', 'large/dev/d.jsonl']

  test('are what the card says, by pattern or folder', () => {
    expect(files('hub:o/n:large', paths, 'train', card)).toEqual(['large/a/z/1.parquet', 'large/b/2.parquet'])
    expect(files('hub:o/n:large', paths, 'dev', card)).toEqual(['large/dev/d.jsonl'])
    expect(files('hub:o/n:small', paths, 'train', card)).toEqual(['small/s.jsonl'])
    const [small, large] = card as [CardConfig, CardConfig]
    expect(files('hub:o/n', paths, 'train', [large, { ...small, default: true }])).toEqual(['small/s.jsonl'])
    expect(files('hub:o/n', ['a.parquet'], 'train', [{ config_name: 'all', data_files: '*.parquet' }])).toEqual([
      'a.parquet',
    ])
  })

  test('are what their names say, where the card says nothing', () => {
    expect(files('hub:o/n', [...shards, 'data/train-00000-of-00002.parquet'], 'train')).toEqual([
      'data/train-00000-of-00002.parquet',
      'data/train-00001-of-00002.parquet',
    ])
    expect(files('hub:o/n', ['train_sft-00000-of-00001.parquet', shards[0]!], 'train_sft')).toHaveLength(1)
    expect(files('hub:o/n', ['tales-train.jsonl', 'tales-valid.jsonl'], 'validation')).toEqual(['tales-valid.jsonl'])
    expect(files('hub:o/n', ['all/train/0.parquet', 'all/test/0.parquet'], 'test')).toEqual(['all/test/0.parquet'])
    expect(files('hub:o/n:all', ['all/train/0.parquet', 'b/train/0.parquet'], 'train')).toEqual(['all/train/0.parquet'])
    expect(files('hub:o/n', ['b.jsonl', 'a.jsonl', '.hidden.jsonl', 'trainable/x.csv'], 'train')).toEqual([
      'a.jsonl',
      'b.jsonl',
    ])
    expect(files('hub:o/n:data/test-*', shards, 'train'), 'what is asked for by name').toEqual([shards[0]])
    expect(files('hub:o/n', ['train.jsonl', 'train.parquet'], 'train'), 'one kind').toEqual(['train.parquet'])
  })

  test('that are not there are refused with what there is', () => {
    expect(() => files('hub:o/n', shards, 'dev')).toThrow('hub:o/n: has no split dev; there are test, train')
    expect(() => files('hub:o/n:large', paths, 'test', card)).toThrow('has no split test; there are train, dev')
    expect(() => files('hub:o/n', paths, 'train', card)).toThrow(
      'hub:o/n: has the configurations small, large; say which, as in hub:o/n:small',
    )
    expect(() => files('hub:o/n', ['a/train/0000.parquet', 'b/train/0000.parquet'], 'train')).toThrow(
      'has the configurations a, b; say which',
    )
    expect(() => files('hub:o/n:huge', paths, 'train', card)).toThrow('found none of huge')
    expect(() => files('hub:o/n', ['train.csv', 'x.py'], 'train')).toThrow(
      'expected .parquet or .jsonl files of split train, found none (.csv, .py); the hub',
    )
  })
})
