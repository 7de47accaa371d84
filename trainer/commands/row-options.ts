/** The options of commands that read rows of data sets. */
import type { Command } from 'commander'
import type { Fields } from '../data/document.ts'

export interface RowFlags {
  readonly split?: string
  readonly textField?: string
  readonly messagesField?: string
  readonly promptField?: string
  readonly completionField?: string
}

/** Adds the options. */
export function withRowOptions(command: Command): Command {
  return command
    .option('--split <name>', "split of a hub's data set (default: train)")
    .option('--text-field <name>', 'the field or column of rows that holds text (default: text)')
    .option('--messages-field <name>', 'the one that holds messages (default: messages)')
    .option('--prompt-field <name>', 'the one that holds a prompt (default: prompt)')
    .option('--completion-field <name>', 'the one that holds what follows the prompt (default: completion)')
}

/** The fields that were named. */
export function namedFields(flags: RowFlags): Partial<Fields> {
  const { textField, messagesField, promptField, completionField } = flags
  return {
    ...(textField === undefined ? {} : { text: textField }),
    ...(messagesField === undefined ? {} : { messages: messagesField }),
    ...(promptField === undefined ? {} : { prompt: promptField }),
    ...(completionField === undefined ? {} : { completion: completionField }),
  }
}
