/** Replaces a folder of many files again and again until it is killed. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFolder } from '../../runtime/replace-folder.ts'

const [out, count] = process.argv.slice(2) as [string, string]
const files = Array.from({ length: Number(count) }, (_, i) => `${i}.bin`)
const kind = { noun: 'a parcel', index: 'index.json', format: 'parcel', files: () => files }
for (;;) {
  await replaceFolder(out, kind, async (folder) => {
    for (const file of files) await writeFile(join(folder, file), '')
    await writeFile(join(folder, 'index.json'), JSON.stringify({ format: 'parcel' }))
  })
  process.stdout.write('.')
}
