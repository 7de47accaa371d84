/** Where a real browser draws the texts of SVG pictures: what nobody cuts off and nothing covers. */
import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './temporary.ts'

export const hasChromium = spawnSync('chromium', ['--version']).status === 0

export interface TextBox {
  readonly text: string
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

/** For each picture its size and the boxes of its texts. */
export function textBoxes(pictures: readonly string[]): { width: number; height: number; boxes: TextBox[] }[] {
  const folder = temporaryFolder()
  const script = `
    const found = [...document.querySelectorAll('svg')].map((svg) => ({
      width: svg.viewBox.baseVal.width,
      height: svg.viewBox.baseVal.height,
      boxes: [...svg.querySelectorAll('text')].map((node) => {
        const { x, y, width, height } = node.getBBox()
        return { text: node.textContent, left: x, right: x + width, top: y, bottom: y + height }
      }),
    }))
    document.body.replaceChildren(document.createElement('pre'))
    document.querySelector('pre').textContent = encodeURIComponent(JSON.stringify(found))`
  writeFileSync(join(folder, 'page.html'), `<body>${pictures.join('\n')}<script>${script}</script></body>`)
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${folder}/profile`, '--dump-dom']
  const dom = execFileSync('chromium', [...flags, `file://${folder}/page.html`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const encoded = /<pre>([^<]*)<\/pre>/.exec(dom.toString())![1]!
  return JSON.parse(decodeURIComponent(encoded)) as ReturnType<typeof textBoxes>
}
