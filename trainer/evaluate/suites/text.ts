/** The suite `text`: bits per byte and perplexity. */
import type { Command } from 'commander'
import { ConfigError } from '../../../models/config.ts'
import { path, wholeNumber } from '../../commands/parse.ts'
import { openModel, type Subject } from '../model.ts'
import { ServerClient } from '../server-client.ts'
import {
  type AblationFlags,
  type CommonFlags,
  modelFolder,
  refuseAblation,
  type Report,
  type Suite,
  withAblation,
} from '../suite.ts'
import { textPicture } from '../text-picture.ts'
import { bitsPerByte } from '../text.ts'
import { serverBitsPerByte } from '../text-server.ts'
import { type TextResult, textTable } from '../text-tally.ts'

interface TextFlags extends CommonFlags, AblationFlags {
  readonly data: string
  readonly window: number
}

export const textSuite: Suite<TextFlags> = {
  name: 'text',
  about: 'bits per byte and perplexity of a text, whole and by position',
  options(command: Command) {
    return withAblation(command)
      .requiredOption('--data <file>', 'plain text to measure on', path)
      .option('--window <n>', 'begin anew after so many tokens, with --url characters; 0: never', wholeNumber(), 0)
  },
  async measure(flags, status) {
    const { data, window, url } = flags
    const progress = (done: number, of: number): void => status.report(`reading ${data}`, done, of)
    if (url !== undefined) {
      refuseAblation(flags)
      if (window < 2) throw new ConfigError('eval text: expected --window, the characters of a prompt, with --url')
      const client = new ServerClient(url, flags.model, flags.apiKey)
      const subject = await client.subject()
      return report(await serverBitsPerByte(client, data, window, progress), data, subject)
    }
    const { decoder, codec, subject } = await openModel(modelFolder(flags), flags)
    try {
      return report(await bitsPerByte(decoder, codec, data, window, progress), data, subject)
    } finally {
      decoder.close()
    }
  },
}

const report = (result: TextResult, file: string, subject: Subject): Report => ({
  result,
  table: textTable(file, result),
  subject,
  picture: () => textPicture(result),
})
