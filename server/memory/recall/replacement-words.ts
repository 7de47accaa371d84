/** With which words people say that something is not as they wrote, or not as it was. */

/** Other words than those of a correction at once. */
export const MADE_OTHER =
  /\bmake (?:that|it)\b|\b(?:use|passed|handed|lent|gave|given|reset|stolen|broke|died|prefer|these days|spel(?:led|t)|reckons?|misread|ought|dropped|decided|settled|ended up|go(?:es|ing)? with|went with|rather|better|back to|by mistake|takes? over|took over|stands? in|lately|nah|rearranged|reorgani[sz]ed|reshuffled|doubled|halved)\b/iu
/** "No wait", "sorry I meant", "typo": said of what was written, not of what happened. */
export const CORRECTS =
  /\b(?:actually|no,? wait|wait|sorry|sry|scratch|correction|correcting|meant|oops|whoops|woops|my bad|my mistake|mistake|typo|wrong|ignore|forget|strike|apologies|lied|misread|misheard|mixed up|in fact|should (?:be|say|have)|turn(?:s|ed) out|rather|instead|nah|nope|update[ds]?|spel(?:led|t)|not)\b|^no\b|\*\s*$|^\S+\*(?:\s|$)/iu
/** What was written was wrong. */
export const MISSAID =
  /\b(?:no,? wait|wait,? no|scratch that|correction|(?:i|we) meant|should (?:be|say|have (?:said|been|written))|(?:ought|meant) to have (?:written|said)|oops|who+ps|my bad|my mistake|typo|sorry|sry|strike that|i (?:lied|was wrong|got (?:it|that) wrong|wrote|typed|said)|slip of|misread|misheard|mistyped|ignore (?:what|that|the)|forget (?:what|that|the)|mixed (?:them|it|that|up)|apologies|turns? out|turned out|it'?s (?:actually |really )?spel(?:led|t)|looked again|told you wrong|say wrong)\b|^(?:no|nope|nah|not|correction|update|edit)\b|^\S+\*(?:\s|$)|\bactually\W*$|^actually\b/iu
/** It begins with what was meant before, or with what was done. */
export const STARTS_BACK =
  /^\W*(?:(?:ok|so|well|no|nah|oops|and|but|actually|sorry|yeah|hm+|um+|wait|anyway)\W+)*(?:it|its|it's|it'll|that|that's|thats|they|they're|they've|theyve|he|he's|hes|he'll|she|she's|shes|she'll|make|should|moved|changed|swapped|switched)\b/iu
/** "It's the family room tonight", "they will be in Bodrum". */
export const IT_IS =
  /\b(?:(?:it|that|he|she|they|everything)(?:'?s|'?re|'ll be| is| are| was| will be| should be| has to be|'d be)|(?:i|we)(?:'m|'re| am| are) (?:on|in|at|with|the|going|now)|make (?:it|that)|is now|now it'?s|so it'?s|it is)\b/iu
export const IS_NOW =
  /^since\b|\b(?:now|these days|nowadays|from now on|from here on|from today|as of|starting|since(?= (?:then|yesterday|today|this|last week|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b|\W*$|[.,;!])|this week|new|today|lately|any ?more|any longer|no longer|all along|after all)\b/iu
export const BACK =
  /\b(?:it|its|it's|that|them|they|they're|theyve|they've|he|he's|hes|she|she's|shes|him|her|his|their|this|those|there|ones?|other|another|else|same)\b/iu
export const BEING_BACK = /\b(?:he|he's|hes|she|she's|shes|him|her|his)\b/iu
export const VERB =
  /\b(?:is|are|was|were|am|be|been|has|have|had|do|does|did|will|would|can|could|should|must|got|get|gets|goes?|went|says?|said|put|moved?|changed?|makes?|made|gave|gives?|came|comes?|took|takes?|left|needs?|wants?|\p{L}{3,}ed|\p{L}{2,}n't|\p{L}+'(?:s|re|m|ll|ve|d))\b/iu
export const OWN_TOPIC = /\b(?:my|our)\s+(?:(?:new|old|own|next|other|whole|little|big)\s+)*(?<topic>[\p{L}'’-]+)/giu
/** "The alarm code is", "gas meter reading:": what a sentence is about stands before it. */
export const TOPIC_IS =
  /^\W*(?<topic>(?:[\p{L}\p{N}'’-]+\s+){0,5}?[\p{L}\p{N}'’-]+)(?:\s+(?:is|are|was|were|has|have|gets?|goes|comes|starts?)\b|'s\s|\s*[:=])/iu
export const OF_USER = /\b(?:i|i'?m|i'?ve|i'?ll|i'?d|me|we|we're|we've|us)\b/iu
export const SAID_OF =
  /^[\s,'’s]*(?:\S+\s+){0,2}?(?:is|are|was|were|isn'?t|can'?t|cannot|could|wouldn'?t|won'?t|left|retired|quit|closed|shut|said no|got|went|moved|took|cancel\p{L}*|died|broke|gave|gives?|leaked|dropped|bowed|passed|has|had|out|double|didn'?t|doesn'?t)\b/iu
export const BEFORE_GONE =
  /\b(?:not|isn'?t|wasn'?t|no longer|any ?more|instead of|rather than|from|left|quit|sold|closed|ditched|dropped|finished|done|off|with|at|face|hated?|missed|scrapped|rip|w)\s+(?:\S+\s+){0,2}$/iu
export const TIME =
  /^(?:\d{1,2}|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|days?|weeks?|months?|years?|today|tomorrow|mornings?|evenings?|nights?|time|new|one|two|three|four|five|six|seven|eight|nine|ten)$/u
export const DEFINITE: ReadonlySet<string> = new Set(['email', 'clock', 'day', 'date', 'code', 'amount'])
