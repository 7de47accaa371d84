/** Word lists of the keeper's little world, and the syllables of which its names are built. */

const list = (text: string): readonly string[] => text.trim().split(/\s+/)

/** First syllables of invented names. */
export const firstSyllables = list(`
  Ma Mi Ka Ve Lo Ta Ri Sa No El An Or Be Da Fe Ga Ho Is Jo Ki Le Mo Na Ol Pe Qui Ra Se To Ul Va Wi Xa Ya Za
  Bran Cor Dor Fin Gar Hel Jen Kel Lin Mar Nor Pal Ros Sil Tor Ven Wal Yor Zel`)

/** Middle syllables of invented names. */
export const middleSyllables = list(`
  la ri na do vi mo ta re ne ka lo sa bi du fe go hi ja ku li me ni pa ro si te va we xi zo`)

/** Last syllables of invented people's names. */
export const personEndings = list(`
  n ra la rin lia dor vek mar nel tas ris los via bert wyn ska no mi das ron ley ette ina o us am ith el ann ko`)

/** Last syllables of invented places. */
export const placeEndings = list(`
  ton burg ville ford stad haven mouth dale wick bridge field port moor ness stead bach grad holm wood gate`)

/** Second words of companies. */
export const companyEndings = list(
  `Labs Works Foods Air Bank Books Motors Media Group Tools Films Sport Energy Systems`,
)

/** Given names that people may really have. */
export const givenNames = list(`
  Ada Adam Alan Alice Amir Ana Anna Anton Ben Bianca Boris Carla Carlos Chen Clara Dana Daniel David Diego Dina Elena
  Emil Emma Eric Erik Eva Fatima Felix Fiona Frank Gina Grace Greta Hana Hannah Hans Hugo Ida Igor Ines Iris Ivan Jack
  Jana Jane Jonas Julia Karim Karl Kate Kenji Lara Laura Lena Leo Liam Lily Lisa Louis Lucas Lucy Luis Maja Marco Maria
  Mark Marta Mary Max Maya Mia Mila Mira Mohamed Nadia Nina Noah Nora Olga Oliver Omar Oscar Otto Paul Paula Peter Petra
  Priya Rania Ravi Rosa Ruth Sam Sara Sarah Simon Sofia Sven Tanja Tara Thomas Tim Tina Tom Uma Vera Victor Wei Yara Yusuf
  Zara Zoe`)

/** Towns that really exist. */
export const realTowns = list(`
  Aachen Ankara Athens Austin Bangkok Basel Bergen Berlin Bern Bogota Bonn Boston Bremen Cairo Chicago Dakar Delhi Dublin
  Dresden Genoa Ghent Graz Hamburg Hanoi Havana Helsinki Jakarta Kyiv Kyoto Lagos Leipzig Lima Lisbon London Lyon Madrid
  Malmo Milan Munich Nairobi Naples Nice Osaka Oslo Paris Porto Prague Quito Riga Rome Seoul Seville Sofia Split Sydney
  Tokyo Toronto Tunis Turin Utrecht Vienna Warsaw Zagreb Zurich`)

export const months = list(`January February March April May June July August September October November December`)

export const weekdays = list(`Monday Tuesday Wednesday Thursday Friday Saturday Sunday`)

export const adjectives = list(`
  old new small big quiet loud warm cold soft hard bright dark slow fast heavy light round flat long short clean dusty
  rusty shiny wooden paper silver golden striped spotted plain fancy simple clever lazy busy brave shy happy grumpy
  gentle wild tame hungry sleepy curious polite rude honest lucky strange funny serious modern ancient broken fresh
  stale sweet sour salty bitter spicy smoky crisp tender dry wet muddy sandy rocky windy sunny cloudy frozen hidden lost
  tiny giant narrow wide deep shallow empty full cheap rare common local foreign famous secret useful odd pretty ugly
  smooth rough sharp blunt hollow folded knitted painted carved`)

export const things = list(`
  lantern kettle basket ladder mirror pillow blanket hammer button ribbon candle bottle teapot compass notebook pencil
  umbrella wallet violin guitar trumpet drum whistle marble puzzle kite sled canoe anchor barrel bucket shovel rake
  hammock tent backpack helmet scarf glove mitten boot sandal jacket apron sweater necklace bracelet ring coin stamp
  postcard magazine poster statue clock radio camera telescope magnet battery cable lamp heater fan rug curtain shelf
  drawer cupboard bench stool armchair saucer mug fork spoon napkin tray jar lid cork brush comb sponge towel soap
  feather pebble shell acorn pinecone leaf branch seed petal mushroom pumpkin turnip robot balloon trophy medal`)

export const animals = list(`
  otter badger heron falcon sparrow raven owl fox hare hedgehog squirrel beaver deer moose wolf bear lynx seal dolphin
  whale turtle frog toad newt lizard gecko snail beetle moth bee ant spider crab lobster trout salmon goose duck swan
  pigeon rooster goat sheep pony donkey camel llama panda koala zebra tiger lion giraffe monkey parrot penguin`)

export const foods = list(`
  soup stew curry pasta salad bread cheese omelet pancake waffle porridge risotto noodles dumplings pizza pie cake tart
  pudding jam honey yogurt rice beans lentils potatoes carrots spinach cabbage onions mushrooms tomatoes peppers olives
  apples pears plums cherries grapes melons lemons oranges figs dates walnuts almonds chestnuts crackers biscuits toast`)

export const flavors = list(`
  lemon ginger garlic mint honey pepper almond apple berry butter carrot cheese cherry chili cinnamon cocoa coconut
  coffee cream fennel lime mango maple mustard nutmeg onion orange peach peanut plum pumpkin raisin sesame tomato vanilla`)

export const colors = list(`
  red blue green yellow orange purple pink brown black white gray teal violet crimson amber olive navy maroon turquoise
  indigo scarlet ivory beige coral copper bronze silver gold lime mint peach plum rose rust sand slate ruby emerald`)

export const tones = list(`
  pale dark light bright deep dusty soft warm cool misty smoky royal stormy sunny frosty muted vivid electric faded
  creamy rusty dull rich burnt icy`)

export const spots = list(`
  market station library museum garden bakery harbor bridge park cinema theater castle airport hospital school office
  kitchen cellar attic balcony garage forest river lake beach valley meadow village tower church cafe bank pharmacy
  workshop studio stadium zoo farm mill orchard pier tunnel square fountain bookshop barn`)

export const activities = list(`
  reading running baking cooking painting drawing singing dancing swimming sailing fishing hiking climbing skating
  gardening knitting sewing juggling camping cycling rowing writing sleeping cleaning shopping travelling chess yoga
  pottery karate tennis football archery photography`)
