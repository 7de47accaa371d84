/** Words that people use for one another when they tell and when they ask, and words that are never the same. */
import { stem } from '../search-words.ts'

/** Each line: words of which one answers for another; before a colon, what each of the words after it is. */
const ALIKE = `
  film movie cinema
  boss manager supervisor
  dad father daddy papa
  mom mother mum mummy mama
  kid child: son daughter toddler baby boy girl
  son boy
  daughter girl
  sibling: brother bro sister sis twin
  brother bro
  sister sis
  spouse partner married marry wedding: wife husband
  partner: girlfriend boyfriend
  married marry wedding spouse
  fiance fiancee engaged
  grandma grandmother granny nan gran
  grandpa grandfather grandad granddad
  flatmate roommate housemate
  coworker colleague
  buddy mate friend bestie
  neighbor neighbour
  doctor gp doc
  dog: puppy pup greyhound labrador poodle beagle terrier dachshund corgi husky spaniel retriever collie pug bulldog whippet
  cat: kitten kitty
  breed: greyhound labrador poodle beagle terrier dachshund corgi husky spaniel retriever collie pug bulldog whippet shepherd siamese persian
  pet: dog cat hamster rabbit tortoise turtle parrot goldfish guinea snake lizard
  car drive vehicle van parked park parking auto
  bike bicycle cycle
  motorbike motorcycle scooter moped
  phone mobile cell cellphone number
  phone: iphone samsung nokia
  laptop: notebook macbook computer
  email mail: login account
  email mail
  wifi wi-fi network ssid internet
  password passcode passphrase pw pass
  code pin combination combo
  address street live road lane avenue rue
  home house flat apartment place live living
  live move moved relocate based home town city
  job work occupation profession
  employer company firm office work
  job: nurse teacher engineer designer plumber driver chef
  salary earn pay wage income paid
  rent lease month
  birthday born bday birth birthdate turn
  age old turning turn year
  favorite favourite best fav fave prefer love like
  like love enjoy fond prefer
  hate dislike stand loathe detest
  afraid scared terrified fear phobia frightened
  allergic allergy intolerant intolerance
  medication medicine meds drug pill tablet
  medication medicine meds drug: insulin antibiotic painkiller take dose
  illness disease condition problem: asthma diabetes migraine epilepsy
  disability: deaf blind wheelchair
  operation surgery op
  study studying degree major course subject uni university student
  school class grade
  exam test
  deadline due hand
  expire expiry renew run runs valid
  meeting appointment call
  flight fly plane airline
  holiday vacation trip travel
  travel visit trip
  book reading read novel author
  song track
  band music singer musician
  instrument: piano guitar violin cello trumpet oboe flute drums saxophone
  hobby: pottery knitting painting fishing hiking sewing chess gardening climbing photography
  pick took
  team support club
  sport: football tennis running swimming basketball rugby
  coffee: latte cappuccino espresso
  drink: tea coffee milk juice beer wine
  food eat dish meal cuisine
  diet: vegan vegetarian pescatarian
  language speak speaking
  color colour
  religion religious: christian muslim jewish hindu buddhist catholic
  reference ref booking
  license licence plate registration
  size wear
  shoe: trainers boots nike sneakers
  flower: rose lilies tulip lily orchid
  fruit: apple banana mango strawberry
  start begin starts
  end finish
  leave depart go
  arrive land
  close shut
  wake get up
  sleep bed
  get back return
  supermarket shop store
  hide put keep
  lend lent borrow has
  owe debt
  cost price pay charge
  name called call named
  surname lastname
  nickname call
  save saving
  fix repair redo redone doing
  planning plan going gonna want
  band rehearse practice
  gym workout
  tall height
  heavy weigh weight
  left: lefty
  anniversary married
  due born
  score result percent grade mark
  learn learning studying
  people person many
  dinner lunch breakfast meal
  website site url
  company business startup firm
  truck lorry rig wagon
  chicken: hen rooster
  extra spare
  group type
  thesis dissertation
  hide stash stow keep put
  hive beehive
  bp pressure
  bill billing: invoice
  cover replace: takes over
  quote estimate
  internet wifi network
  terminal machine
  gamertag handle username
`

/** Each line: two sides that are never the same. */
const APART = `
  start begin | end finish stop
  leave depart | arrive land return back
  open | close shut
  like love enjoy favorite favourite | hate dislike loathe
  mother mom mum | father dad | brother | sister | aunt | uncle | cousin
  son | daughter
  wife | husband | girlfriend | boyfriend
  grandmother grandma | grandfather grandpa grandad
  dog | cat | hamster
  buy bought | sell sold
  house home | office work
  morning | evening
  monday | tuesday | wednesday | thursday | friday | saturday | sunday
`

const ALIKE_OF = new Map<string, Set<string>>()
for (const line of ALIKE.trim().split('\n')) {
  const [kinds = [], members] = line.split(':').map((side) => side.trim().split(/\s+/).map(stem))
  for (const one of kinds)
    for (const other of [...kinds, ...(members ?? [])]) {
      link(one, other)
      link(other, one)
    }
}

function link(one: string, other: string): void {
  ALIKE_OF.set(one, (ALIKE_OF.get(one) ?? new Set<string>()).add(other))
}

/** The line of a stem, and its side of it: a stem is in one line only. */
const APART_OF = new Map<string, { readonly line: number; readonly side: number }>()
for (const [line, sides] of APART.trim().split('\n').entries())
  for (const [side, words] of sides.split('|').entries())
    for (const one of words.trim().split(/\s+/).map(stem)) APART_OF.set(one, { line, side })

/** Whether one stem is said for the other. */
export function areAlike(one: string, other: string): boolean {
  return ALIKE_OF.get(one)?.has(other) ?? false
}

/** Whether one stem excludes the other: what starts is not what ends. */
export function exclude(one: string, other: string): boolean {
  const [mine, theirs] = [APART_OF.get(one), APART_OF.get(other)]
  return mine !== undefined && theirs !== undefined && mine.line === theirs.line && mine.side !== theirs.side
}

/** Stems that are said for a stem. */
export function alikeOf(one: string): ReadonlySet<string> {
  return ALIKE_OF.get(one) ?? NONE
}

const NONE: ReadonlySet<string> = new Set()
