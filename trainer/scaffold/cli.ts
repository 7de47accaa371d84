/** `mneme scaffold`: projects for other frameworks, from a checkpoint. */
import { Command, InvalidArgumentError } from 'commander'
import { loadTrained } from '../export/weights.ts'
import { scaffoldTorch } from './torch.ts'

const positive = (value: string): number => {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a whole number of at least 1')
  return number
}

export function scaffoldCommand(): Command {
  const command = new Command('scaffold').description('write a checkpoint as a project for another framework')
  command
    .command('torch')
    .description('a PyTorch module with the same parameter names, and a script for torchrun with DDP and FSDP')
    .argument('<checkpoint>', 'a checkpoint folder, or a run (its last checkpoint)')
    .requiredOption('--out <dir>', 'an empty folder')
    .option('--batch <n>', 'rows of a batch of one process (default: as the checkpoint was trained)', positive)
    .option('--time <n>', 'tokens of a row (default: as the checkpoint was trained)', positive)
    .action(async (checkpoint: string, flags: { out: string; batch?: number; time?: number }) => {
      const trained = await loadTrained(checkpoint)
      const { batch = Number(trained.config['batch']), time = Number(trained.config['sequenceLength']) } = flags
      const files = await scaffoldTorch(trained, flags.out, { batch, time })
      process.stdout.write(`${flags.out}: ${files.join(', ')}\n`)
    })
  return command
}
