/** What is said of the moment and is not worth keeping: moods, thanks, good nights, the weather, complaints. */

/** Whoever gives a reason, a habit or a date tells more than a mood. */
const TELLS_MORE =
  /\d|\b(?:when|whenever|because|cos|since|every|always|never|usually|after|allerg\p{L}*|diagnos\p{L}*|doctor|moved?|starting|appointment|booked|for (?:weeks|months|years))\b/iu
/** A capital after another word. */
export const A_NAME = /(?<=\p{L}[,;]?\s+)(?!I\b)\p{Lu}\p{Ll}/u
const MOST_WORDS = 14

/** "I swear this rain is never going to stop" */
const WEATHER =
  /^(?:i swear |ugh |man )?(?:this|the|what) (?:rain|weather|heat|cold|wind|snow|traffic)(?:['’]s\b|\b(?=\W*$|[,.!]|\s(?:is|was|isn['’]?t|has|here|out|outside|today|again|just|really|these|lately|won['’]?t|never|keeps|though|tho|so|in)\b))/iu

/** "So tired I could sleep standing up", "feeling a bit low", "I'm a mess today" */
const FEELING =
  /^(?:(?:i'?m|im|i am|i feel|feeling|been feeling|we'?re)\s+)?(?:(?:so|very|really|just|a bit|a little|bit|pretty|quite|rather|absolutely|completely|totally|kinda|kind of|all|still|too|feeling|a|an|in a)\s+)*(?:tired|exhausted|knackered|shattered|wiped(?: out)?|beat|drained|sleepy|hungry|starving|peckish|thirsty|bored|stressed(?: out)?|overwhelmed|grumpy|cranky|low|down|blue|rubbish|rough|awful|terrible|crap|meh|much better|better|worse|cold|freezing|boiling|sweating|mess|wreck|hurry|rush|dead on my feet|half asleep|proud of myself|over the moon|chuffed|buzzing|dying of (?:laughter|boredom|hunger)|ears|fed up|done in|running late|cba)\b/iu
/** "Blue bands", "cold air", "down to one spoon": what a thing is like, and no mood. */
const OF_A_THING =
  /^(?:blue|cold|freezing|low|down|bored|boiling|rough|better|worse|dead|mess|rush|hurry|wreck) (?!(?:and|but|so|as|today|tonight|now|this|that|rn|lol|after|from|cos|because|at|again|still|day|night|morning|week|all|already|thanks|tbh|in|on my)\b)\p{L}/iu

const MOODS = [
  String.raw`^(?:ugh+|argh+|omg|yay|phew|finally|thank god|god)[\s,!.]+(?:it'?s |it is )?(?:only |really |already |still )*(?:mon|tues|wednes|thurs|fri|satur|sun)day\b`,
  String.raw`^(?:(?:that'?s|it'?s|thats|great|perfect|lovely|brilliant|cool|ok|okay|nice|good|super|amazing|all|right|very|so|really|helpful|kind)[\s,!.]+)+(?:thanks|thank you|ty|cheers|ta)\b[\s!.]*$`,
  String.raw`^(?:i )?(?:can'?t|cannot|couldn'?t) (?:even|believe (?:it|this|that)|wait|stop (?:laughing|yawning|smiling)|deal with (?:this|it)|be bothered|keep my eyes open|sleep(?= *(?:$|[.!,]|again|tonight|at all|properly|lol|for|because|with)))(?![\p{L}])`,
  String.raw`^(?:ugh |man )?(?:my|the) (?:day|week|morning|evening|night|shift|head|feet|back|legs|eyes|brain|computer|laptop|internet|wifi|screen)(?: just)?(?: (?:is|are|was|were|has been|keeps?)|'s) (?:just |really |so |absolutely )*(?:awful|terrible|horrible|great|good|fine|lovely|long|rough|hectic|mad|crazy|killing me|spinning|hurting|aching|pounding|acting up|fried|dead|slow|frozen|mush|(?:not|n't) working|crashing|freezing)\b`,
  String.raw`^(?:(?:phew|ugh|god|man|wow|oof),? )?(?:it'?s|it has|what|had|has)\s+(?:been |just )?(?:such )?(?:a|an|one of those) (?:very |really |proper )?(?:long|tough|rough|hard|bad|mad|crazy|weird|lovely|nice|great|good|awful|terrible)?\s?(?:day|week|night|morning|evening|one)\b`,
  String.raw`^(?:right,? |ok,? |well,? )?(?:(?:i'?m )?(?:off|going|heading|time) (?:to|for) (?:bed|sleep|lunch|a nap|work now|dinner now)|good ?night|night night|nighty night|gotta (?:go|run|dash)|got to (?:go|run|dash)|talk (?:later|soon|tomorrow)|catch you later|brb|ttyl|back in a (?:sec|bit|minute|moment))\b`,
  String.raw`\b(?:bucketing|pouring|pissing|chucking it) (?:it )?down\b|\b(?:boiling|freezing|gorgeous|miserable|grim|lovely|nice) (?:outside|out there|out today|day outside|weather)\b`,
  String.raw`^(?:sorry[\s,]+){2}|^sorry\b.*\b(?:pressed|hit|sent|clicked)\b`,
  String.raw`^(?:no,? )?that(?:'s| is)?(?:n't| not) what i (?:asked|meant|wanted|said)\b`,
  String.raw`^sorry,? (?:for|about) (?:the|my|being|all)\b|^sorry,? (?:i|i'?m) (?:was |been )?(?:afk|away|late|busy|distracted|rambling)\b`,
  String.raw`^(?:i'?m |i )?(?:loving|love|hate|hating|enjoying) (?:this|that|it)\b[\s.!]*$`,
  String.raw`^i(?:'ve| have)? (?:got )?(?:a|another|one(?: more)?|a quick) (?:quick )?question\b`,
  String.raw`^(?:my feet are|this is|it'?s) killing me\b`,
].map((form) => new RegExp(form, 'iu'))

/** Whether a sentence that no rule reads as a fact is of the moment. */
export function isOfTheMoment(words: string): boolean {
  const text = words.trim()
  if (text.split(/\s+/u).length > MOST_WORDS || A_NAME.test(text)) return false
  if (WEATHER.test(text) && !/\d/u.test(text)) return true
  if (TELLS_MORE.test(text)) return false
  return MOODS.some((form) => form.test(text)) || (FEELING.test(text) && !OF_A_THING.test(text))
}
