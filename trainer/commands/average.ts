/** The command `mneme average`: one checkpoint of the mean weights of several runs. */
import { Command } from 'commander'
import { averageRuns } from '../run/average.ts'
import { path } from './parse.ts'

/** `mneme average RUN RUN ... --out RUN`. */
export function averageCommand(): Command {
  return new Command('average')
    .description('write the mean of the weights of runs that started from the same weights; mneme export takes it')
    .argument('<runs...>', 'checkpoint folders, or runs (their last checkpoints), of one model and tokenizer')
    .requiredOption('--out <run>', 'folder that gets a checkpoint of the mean weights', path)
    .action(async (runs: readonly string[], { out }: { readonly out: string }) => {
      console.log(`${await averageRuns(runs.map(path), out)}: the mean of ${runs.length} runs`)
    })
}
