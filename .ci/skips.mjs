// node .ci/skips.mjs RESULTS.json: names the tests that were skipped, and fails where one should have been run here.
import { readFileSync } from 'node:fs'

/** Tests that some machines cannot run, by patterns of file and name, and why. */
const ALLOWED = [
  { file: /tests\/trainer\/backends\/cuda/, name: /./, why: 'needs a CUDA device' },
  { file: /tests\/faults\/full-disk/, name: /./, why: 'needs the right to mount a file system' },
  { file: /./, name: /SmolLM2|MiniLM/, why: 'needs the weights that ../shared/models/get.sh fetches' },
  { file: /tests\/server\/store\/postgres/, name: /./, why: 'needs pgserver, which has no wheel for this Python' },
  { file: /./, name: /onnxruntime-node.*every dtype passes/, why: 'left out on Node 24: see .ci/run' },
]

const { testResults } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
let wrong = 0
for (const { name: file, assertionResults } of testResults) {
  for (const { fullName, status } of assertionResults) {
    if (status === 'passed' || status === 'failed') continue
    const path = file.slice(file.indexOf('/tests/') + 1)
    const allowed = ALLOWED.find((one) => one.file.test(path) && one.name.test(fullName))
    if (!allowed) wrong++
    console.log(`skipped: ${path}: ${fullName} (${allowed ? allowed.why : 'should have been run here'})`)
  }
}
process.exitCode = wrong > 0 ? 1 : 0
