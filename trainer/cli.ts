/** The commands of the trainer: `mneme train`, `average`, `export`, `sample` and `eval`. */
export { averageCommand } from './commands/average.ts'
export { exportCommand } from './commands/export.ts'
export { sampleCommand } from './commands/sample.ts'
export { trainCommand } from './commands/train.ts'
export { evalCommand } from './evaluate/cli.ts'
