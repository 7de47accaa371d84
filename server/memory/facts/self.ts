/** How one word after "I am" is told from another: a name, a job, an origin or a mood. */

/** Words after "I'm" in a sentence's lower or upper case that are no names. */
const NO_NAME =
  /^(?:sorry|sure|fine|good|ok|okay|back|here|there|done|ready|tired|bored|sad|happy|glad|busy|sick|ill|late|lost|stuck|new|not|so|very|too|just|only|still|also|really|quite|pretty|a|an|the|in|on|at|off|out|up|down|to|with|from|by|for|of|all|home|alone|away|afraid|aware|curious|confused|excited|hungry|thirsty|sleepy|cold|hot|great|well|awesome|your|you|my|me|it|that|this|what|who|where|how|why|nobody|no|yes|yeah|feeling|thinking|trying|looking|going|getting|having|doing|making|working|writing|reading|planning|wondering|about|like|kinda|kind|sort|almost|always|never|currently|now|today|human|single|married|free|drunk|serious|kidding|joking|impressed|worried|stressed|interested|allowed|able|unable|supposed|used|gonna|loving|enjoying|dying|starving|freezing|exhausted|god|christian|catholic|muslim|jewish|buddhist|hindu|ukrainian|left-handed|retired|vegan|vegetarian|pregnant|proud|ashamed|jealous|angry|mad|upset|embarrassed|doomed|screwed|broke|rich|poor|old|young|tall|short|AFK|OOO|WFH|both|again|next|greek|blonde|ginger|brunette)\b/iu

export function isPersonName(said: string): boolean {
  const name = said.replace(/[,.!;:(–-].*$/su, '').trim()
  const words = name.split(/\s+/u)
  if (name === '' || words.length > 4 || NO_NAME.test(name) || /\d/u.test(name)) return false
  if (/(?:ing|ed|ly)$/u.test(words[0] ?? '') && !/^\p{Lu}/u.test(name)) return false
  return (
    words.length === 1 ||
    words
      .slice(1)
      .every(
        (word) =>
          /^(?:\p{Lu}|\p{Lo}|van|von|de|da|del|di|la|le|der|den|bin|al|el)/u.test(word) ||
          /^(?:btw|by|and|from|here|the)$/u.test(word),
      )
  )
}

const JOB_ENDING =
  /(?:er|or|ist|ian|man|woman|eer|wright|smith|maker|driver|nurse|chef|cook|coach|clerk|judge|pilot|vet|student|pupil|teacher|assistant|consultant|accountant|analyst|architect|agent|attendant|intern|apprentice|monk|nun|priest|pastor|imam|rabbi|au pair|surgeon|physician|solicitor|paralegal|paramedic|mechanic|barista|waitress|actress|host|hostess|tutor|guide|guard|butcher|postie|dj|ceo|cto|gp|midwife|housewife|aide|representative|executive|secretary|scientist|veteran|freelancer|detective|diplomat|chemist|lecturer|specialist|expert|lead|technician|hygienist|dean|mayor|captain|sergeant|soldier|marine|cop|civil servant|au-pair|temp|florist|tailor|magistrate|dispatcher|courier)$/iu
const NO_JOB =
  /^(?:.*\b(?:fan|lover|person|bit|little|lot|mess|fool|beginner|newcomer|sucker|believer|computer|number|matter|stranger|winner|loser|killer|starter|user|member|customer|father|mother|brother|sister|daughter|teetotaler|dinner|letter|paper|bother|keeper|teenager|foreigner|owner|human|bummer|disaster|monster|genius|order|favor|favour|offer|answer|reminder|poor|sinner|adult|either|other|another|rather|over|under|never|ever|after|together|better|later|older|younger|smarter|taller|bigger|smaller|closer|or|for|her|minor)|.*\?)$/iu

/** Whether a noun after "a" is how somebody earns a living or what they learn. */
export function isJob(said: string): boolean {
  const noun = said
    .replace(/\s(?:at|of|out|for|in|with|from|by|who|that|and|but|on|now|since|these|by)\s.*$/isu, '')
    .replace(/[\s.!,;].{0,40}$/su, (end) => (/^[.!,;]/u.test(end) ? '' : end))
    .replace(/[.!,;\s]+$/u, '')
  return noun.length < 60 && JOB_ENDING.test(noun) && !NO_JOB.test(noun)
}

export function isNationality(said: string): boolean {
  const word = /^\p{Lu}[\p{L}-]{3,20}/u.exec(said)?.[0] ?? ''
  if (
    !/^\p{L}[\p{L}-]*[\s.!,]*$/u.test(said.replace(/\s(?:originally|actually|btw|by the way|too|now|and)\b.*$/iu, ''))
  )
    return false
  return (
    /(?:ish|ese|nian|lian|rian|sian|tian|dian|nadian|can|exican|german|greek|french|dutch|swiss|czech|thai|welsh|irish|iraqi|israeli|pakistani|bangladeshi|filipino|filipina|norwegian|korean)$/iu.test(
      word,
    ) &&
    !/^(?:Duncan|Ian|Brian|Adrian|Damian|Sebastian|Christian|Julian|Lillian|Vivian|Gillian|Dorian|Cristian|Hadrian|Marian|Florian|Fabian)$/u.test(
      word,
    )
  )
}
