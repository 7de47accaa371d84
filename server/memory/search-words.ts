/** The words by which texts are searched: without those that say nothing of what a text is about, and without English endings. */
import { memoized } from './memoized.ts'
import { wordsOf } from './words.ts'

/** Words that say nothing of what a text is about. Single letters that "it's" and "don't" leave are among them. */
const COMMON: ReadonlySet<string> = new Set(
  `a about again all also am an and any are aren't as at be been being but by can can't could couldn't d did didn't do does
  doesn't don't dont for from get gets getting got had has hasn't have haven't having he her here hers hey hi him his how i i'd i'll i'm i've
  if im in into is isn't it it'd it'll it's its just know let ll me mine more my myself no not of oh ok okay on or our ours out
  please pls re remember remind s say says she she's should so some still t tell than thank thanks that that's the their theirs
  them then there there's these they they're this those to too u up us ve was wasn't we we're we've were weren't what what's
  whats when where which who who's whom whose why will with won't would yeah yes you your yours yourself`.split(/\s+/),
)

/** Whether a word, in lower case, says nothing of what a text is about. */
export function isCommon(word: string): boolean {
  return COMMON.has(word.replaceAll('’', "'"))
}

/** The words of a text in their order without the commonest; all of them where it has no others. */
export function searchWords(text: string): string[] {
  const words = wordsOf(text)
  const content = words.filter((word) => !isCommon(word))
  return content.length > 0 ? content : words
}

/** Forms that no ending explains, and the word that each is a form of. */
const IRREGULAR: ReadonlyMap<string, string> = new Map(
  `ate:eat began:begin begun:begin bent:bend bit:bite bitten:bite blew:blow blown:blow bought:buy broke:break broken:break
brought:bring built:build came:come caught:catch children:child chose:choose chosen:choose dealt:deal did:do drank:drink drawn:draw
dreamt:dream drew:draw driven:drive drove:drive drunk:drink dug:dig eaten:eat fell:fall fallen:fall felt:feel feet:foot flew:fly
flight:fly flown:fly forgot:forget forgotten:forget fought:fight found:find froze:freeze frozen:freeze gave:give given:give goes:go
going:go gone:go grew:grow grown:grow heard:hear held:hold hid:hide hidden:hide hung:hang kept:keep knew:know known:know laid:lay
learnt:learn led:lead left:leave lent:lend lit:light lives:live lost:lose made:make meant:mean men:man met:meet mice:mouse paid:pay
people:person ran:run rang:ring ridden:ride rode:ride rose:rise said:say sang:sing sank:sink sat:sit saw:see seen:see sent:send
sewn:sew shook:shake shot:shoot slept:sleep slid:slide sold:sell sought:seek spelt:spell spent:spend spoke:speak spoken:speak
stole:steal stolen:steal stood:stand stuck:stick swam:swim swept:sweep swore:swear taken:take taught:teach teeth:tooth
thought:think threw:throw thrown:throw told:tell took:take tore:tear torn:tear understood:understand went:go wives:wife woke:wake
won:win women:woman wore:wear worn:wear written:write wrote:write`
    .split(/\s+/)
    .map((pair) => pair.split(':') as [string, string]),
)
const VOWEL = /[aeiouy]/u

/** A word without plural and verb endings, so that "watering" and "watered" are one. Not a root: "flies" is "fli", as "fly". */
export const stem = memoized(stemOf)

function stemOf(word: string): string {
  const known = IRREGULAR.get(word)
  if (known !== undefined) return stemOf(known)
  if (word.length < 3 || !/^[a-z]+$/u.test(word)) return word
  const root = word.length < 4 ? word : withoutE(withoutVerbEnding(withoutPlural(word)))
  return root.replace(/y$/u, 'i')
}

function withoutPlural(word: string): string {
  if (/(?:ss|us|is)$/u.test(word) || !word.endsWith('s')) return word
  if (/(?:ss|sh|ch|x|z)es$/u.test(word)) return word.slice(0, -2)
  return word.endsWith('ies') && word.length > 4 ? `${word.slice(0, -3)}y` : word.slice(0, -1)
}

function withoutVerbEnding(word: string): string {
  const root = /^(?<root>.{2,})(?:ing|ed)$/u.exec(word)?.groups?.['root']
  if (root === undefined || !VOWEL.test(root) || (root.length < 3 && word.endsWith('ing'))) return word
  if (word.endsWith('eed')) return word
  // "running" as "run", "calling" as "call".
  return /([^aeioulsz])\1$/u.test(root) ? root.slice(0, -1) : root
}

function withoutE(word: string): string {
  return word.length > 3 && word.endsWith('e') ? word.slice(0, -1) : word
}

const formsOfRoot = new Map<string, string[]>()
for (const form of IRREGULAR.keys()) {
  const root = stem(form)
  formsOfRoot.set(root, [...(formsOfRoot.get(root) ?? []), form])
}

/** Beginnings that the forms of a word have. */
export function beginningsOf(word: string): string[] {
  const root = stem(word)
  return [...(formsOfRoot.get(root) ?? []), root.replace(/i$/u, '')]
}
