/** `mneme scaffold`: projects for other frameworks, from a checkpoint. */
import { Command } from 'commander'
import { path, wholeNumber } from '../commands/parse.ts'
import { loadTrained } from '../export/weights.ts'
import { exitOnSignals } from '../signals.ts'
import { scaffoldTorch } from './torch.ts'

interface TorchFlags {
  readonly out: string
  readonly batch?: number
  readonly sequenceLength?: number
}

export function scaffoldCommand(): Command {
  const command = new Command('scaffold').description('write a checkpoint as a project for another framework')
  command.helpCommand(false)
  command
    .command('torch')
    .description('a PyTorch module with the same parameter names, and a script for torchrun with DDP and FSDP')
    .argument('<checkpoint>', 'a checkpoint folder, or a run (its last checkpoint)', path)
    .requiredOption('--out <dir>', 'a new folder', path)
    .option('--batch <n>', 'rows of a batch of one process (default: as the checkpoint was trained)', wholeNumber(1))
    .option('--sequence-length <n>', 'tokens of a row (default: as the checkpoint was trained)', wholeNumber(1))
    .action(async (checkpoint: string, flags: TorchFlags) => {
      exitOnSignals()
      const trained = await loadTrained(checkpoint)
      const { batch, sequenceLength } = trained.config
      const files = await scaffoldTorch(trained, flags.out, {
        batch: flags.batch ?? Number(batch),
        sequenceLength: flags.sequenceLength ?? Number(sequenceLength),
      })
      process.stdout.write(`${flags.out}: ${files.join(', ')}\n`)
    })
  return command
}
