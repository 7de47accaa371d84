/** Words of values: those that training draws from, and those that only the evaluation does. */

const list = (text: string): readonly string[] => text.split(',').map((part) => part.trim())

export interface Words {
  readonly seen: readonly string[]
  readonly unseen: readonly string[]
}

export const names: Words = {
  seen: list(
    'Anna, Marta, Lukas, Priya, Mei, Omar, Fatima, Diego, Sofia, Ivan, Olga, Kenji, Yuki, Amara, Kofi, Zanele, Lars, Ingrid, Pierre, Chloé, ' +
      'José, María, João, Nguyen, Linh, Ahmed, Leila, Deniz, Emre, Aoife, Niamh, Seán, Giulia, Marco, Katarzyna, Paweł, Zsófia, Gábor, Elif, Dmitri, ' +
      'Svetlana, Hiroshi, Sakura, Wei, Xiu, Tariq, Noor, Rajesh, Ananya, Thabo, Ngozi, Chidi, Malik, Aaliyah, Tyrone, Emily, Jack, Harriet, George, Bob, ' +
      'Susan, Mike, Tom, Lisa, Karen, Dave, Steve, Jenny, Rachel, Ben, Sam, Alex, Kim, Max, Leo, Mia, Ella, Nora, Felix, Oskar, ' +
      'Björn, Søren, Åsa, Jürgen, Käthe, François, Benoît, Inés, Núria, Jordi, Tomáš, Jiří, Ljubica, Goran, Andrei, Ioana, Eleni, Nikos, Tamar, Giorgi',
  ),
  unseen: list(
    'Siobhán, Mateusz, Thandiwe, Rustam, Akiko, Bartholomew, Guadalupe, Zeynep, Oluwaseun, Marguerite, Vikram, Hyun-woo, Anneliese, Fergus, Itzel, Radovan, ' +
      'Saoirse, Quentin, Wilhelmina, Dagmar, Yevgenia, Ruben, Ottilie, Clive, Penelope, Hamza, Beatriz, Ståle, Noémie, Tobias',
  ),
}

export const surnames: Words = {
  seen: list(
    'Smith, Kowalski, Müller, García, Okafor, Tanaka, Ivanova, Rossi, Silva, Nguyen, Patel, Haddad, Yılmaz, Jensen, Novák, Dubois, Murphy, Chen, Kim, Baker, ' +
      'Johansson, Papadopoulos, Mbeki, Santos, Schmidt, Popescu, Horvat, O’Brien, Singh, Cohen',
  ),
  unseen: list(
    'Vandenberghe, Quispe, Thorvaldsen, Abubakar, Zielińska, Montgomery, Featherstone, Lindqvist, Oyelaran, Bhattacharya',
  ),
}

export const places: Words = {
  seen: list(
    'Oslo, Lisbon, Kyoto, Nairobi, Cusco, Montreal, Gdańsk, Brno, Ghent, Turin, Málaga, Lyon, Leeds, Cork, Aarhus, Tampere, Tartu, Riga, Vilnius, Łódź, ' +
      'Zürich, Graz, Ljubljana, Zagreb, Sofia, Plovdiv, Athens, Izmir, Tbilisi, Yerevan, Beirut, Amman, Muscat, Karachi, Pune, Chennai, Dhaka, Hanoi, Da Nang, Osaka, ' +
      'Busan, Taipei, Perth, Dunedin, Suva, Quito, Bogotá, São Paulo, Rosario, Valparaíso, Oaxaca, Austin, Denver, Boise, Portland, Halifax, Accra, Lagos, Kigali, Durban, ' +
      'New York, San Diego, Salt Lake City, Santa Fe, Green Bay, Berlin, London, Paris, Rome, Madrid, Boston, Chicago, Seattle, Dallas, Toronto',
  ),
  unseen: list(
    'Reykjavík, Tromsø, Albuquerque, Stavanger, Kutaisi, Windhoek, Wrocław, Groningen, Antofagasta, Chattanooga, Bergamo, Da Lat, Sapporo, Galway, Tucson, Ulm, ' +
      'Marrakesh, Sligo, Kampala, Winnipeg',
  ),
}

export const foods: Words = {
  seen: list(
    'pizza, sushi, ramen, lasagna, pad thai, pierogi, tacos, falafel, biryani, pho, dumplings, goulash, paella, kimchi, moussaka, borscht, curry, fish and chips, mac and cheese, pancakes, ' +
      'tiramisu, cheesecake, mango, strawberries, dark chocolate, blue cheese, olives, mushrooms, peanuts, shellfish, eggs, milk, gluten, soy, walnuts, cilantro, oatmeal, porridge, scrambled eggs, lentil soup',
  ),
  unseen: list(
    'okonomiyaki, shakshuka, khachapuri, bibimbap, jollof rice, cashews, rhubarb crumble, poutine, celery, gnocchi, sesame seeds, cornbread, injera, beetroot salad, kiwi fruit',
  ),
}

export const colors: Words = {
  seen: list(
    'red, blue, green, yellow, purple, orange, pink, black, white, gray, brown, turquoise, navy, beige, gold, dark green, light blue, burgundy, mint, lavender',
  ),
  unseen: list('teal, magenta, ochre, silver, salmon pink, bottle green, ivory, cobalt, charcoal, mustard'),
}

export const jobs: Words = {
  seen: list(
    'a nurse, a teacher, an electrician, a software developer, a baker, a lawyer, a bus driver, a chef, an accountant, a plumber, a student, a carpenter, a graphic designer, a vet, a pharmacist, a farmer, ' +
      'a translator, a journalist, a pilot, a barista, a social worker, a mechanic, a librarian, a firefighter, a dentist, an architect, retired, a photographer, a waiter, a data analyst',
  ),
  unseen: list(
    'a glassblower, an optometrist, a beekeeper, a court reporter, a marine biologist, a tailor, a midwife, a locksmith, a sound engineer, a zookeeper, a cartographer, a crane operator',
  ),
}

export const hobbies: Words = {
  seen: list(
    'painting, hiking, chess, knitting, swimming, playing the guitar, baking, gardening, running, yoga, photography, fishing, reading, cycling, singing, climbing, pottery, video games, dancing, birdwatching, ' +
      'woodworking, surfing, skiing, football, tennis, cooking, origami, sailing',
  ),
  unseen: list(
    'fencing, calligraphy, geocaching, playing the oboe, kayaking, stargazing, archery, beekeeping, quilting, squash, model trains, juggling',
  ),
}

export const animals: Words = {
  seen: list(
    'dog, cat, owl, fox, whale, horse, elephant, penguin, otter, wolf, tiger, dolphin, hedgehog, bear, turtle, rabbit, eagle, octopus',
  ),
  unseen: list('axolotl, capybara, badger, heron, pangolin, lynx, seahorse, raccoon, manatee, ibex'),
}

export const plain: Words = {
  seen: list(
    'river, stone, copper, winter, garden, silver, thunder, velvet, lantern, maple, comet, harbor, falcon, marble, cedar, ember, willow, pepper, cloud, anchor, ' +
      'violet, summit, paper, tiger, honey, shadow, meadow, rocket, button, candle, mirror, ocean, pocket, saddle, ticket, window, basket, castle, dragon, feather',
  ),
  unseen: list(
    'orchard, glacier, trumpet, saffron, beacon, pebble, cinder, lagoon, walnut, quartz, nectar, tundra, kettle, prism, thistle, raven',
  ),
}

export const languages: Words = {
  seen: list(
    'Spanish, French, Polish, Japanese, Arabic, Swahili, Turkish, Korean, Italian, Dutch, Hindi, Portuguese, Greek, Finnish',
  ),
  unseen: list('Welsh, Basque, Tagalog, Icelandic, Georgian, Yoruba'),
}
export const objects: Words = {
  seen: list(
    'flower pot, doormat, mailbox, shed, drawer, bookshelf, fridge, bag, desk, car, garage, closet, wallet, umbrella, phone, camera, watch, scarf, necklace, lamp, guitar, blanket, ring, laptop',
  ),
  unseen: list('bird bath, toolbox, piano, cupboard, rain barrel, suitcase, headphones, bracelet, teapot, telescope'),
}
export const body: Words = {
  seen: list('left knee, right arm, ankle, back, shoulder, wrist, neck, big toe, elbow, hip'),
  unseen: list('collarbone, left thumb, jaw, heel'),
}
export const vehicles: Words = {
  seen: list('bus, train, bike, car, tram, ferry, scooter'),
  unseen: list('subway, motorbike, cable car'),
}
export const diets: Words = {
  seen: list('vegan, vegetarian, gluten-free, kosher, halal, lactose intolerant, pescatarian'),
  unseen: list('keto, low-carb, paleo'),
}
export const instruments: Words = {
  seen: list('piano, guitar, violin, drums, flute, cello, trumpet, accordion, harp, saxophone'),
  unseen: list('banjo, clarinet, oboe, ukulele'),
}
export const degrees: Words = {
  seen: list('biology, law, history, physics, economics, medicine, computer science, philosophy, chemistry, music'),
  unseen: list('linguistics, geology, art history, civil engineering'),
}

export const months = list(
  'January, February, March, April, May, June, July, August, September, October, November, December',
)
export const days = list('Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday')
