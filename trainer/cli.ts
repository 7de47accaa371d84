/** The commands of the trainer: `mneme train`, `export`, `sample` and `eval`. */
export { exportCommand } from './commands/export.ts'
export { sampleCommand } from './commands/sample.ts'
export { trainCommand } from './commands/train.ts'
export { evalCommand } from './evaluate/cli.ts'
