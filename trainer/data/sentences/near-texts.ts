/** Which texts of many are near to each by their words. */

/** Texts that are kept as near to each. */
export const NEAREST = 8
/** Words of more of the texts than this say nothing of what one is about. */
const MOST_TEXTS = 0.05

/**
 * For each telling the numbers of those near to it, nearest first: they share rare words in what is told and not in the questions
 * (`asked`). Where those are alike as well, the other telling may be an answer too.
 */
export function nearTexts(told: readonly string[], asked: readonly string[]): number[][] {
  const [ofTold, ofAsked] = [sharedWords(told), sharedWords(asked)]
  return told.map((_, at) => {
    const asks = ofAsked(at)
    const scores = [...ofTold(at)].map(([other, score]) => [other, score - 2 * (asks.get(other) ?? 0)] as const)
    const near = scores.filter(([other, score]) => other !== at && score > 0).toSorted(([, a], [, b]) => b - a)
    return near.slice(0, NEAREST).map(([other]) => other)
  })
}

/** For each text those that share words with it, and the sum of how rare those are. */
function sharedWords(texts: readonly string[]): (at: number) => Map<number, number> {
  const words = texts.map((text) => [...new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu))])
  const having = new Map<string, number[]>()
  for (const [at, own] of words.entries())
    for (const word of own) {
      const list = having.get(word)
      if (list) list.push(at)
      else having.set(word, [at])
    }
  return (at) => {
    const scores = new Map<number, number>()
    for (const word of words[at]!) {
      const list = having.get(word)!
      if (list.length > Math.max(2, MOST_TEXTS * texts.length)) continue
      const rarity = Math.log(texts.length / list.length)
      for (const other of list) scores.set(other, (scores.get(other) ?? 0) + rarity)
    }
    return scores
  }
}
