/** Text of several kinds: on the first the steps of int8 keys and values are measured, on the second what they cost. */

export const CALIBRATION_TEXT = `The ferry left the island shortly before noon. A thin fog still lay on the water, and from
the upper deck one could see no more of the harbour than two cranes and the white tower of the lighthouse. "We shall be
late," said the engineer, who had been up since four o'clock, "but nobody will be waiting for us in this weather."

User: How many minutes are there in 3.5 days? Please show how you got there.
Assistant: One day has 24 * 60 = 1,440 minutes. 3.5 * 1,440 = 5,040, so there are 5,040 minutes in 3.5 days.

export async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8')
  return text.split(/\\r?\\n/).filter((line) => line.trim() !== '')
}

{"id": 4711, "name": "Grete", "tags": ["new", "paid"], "total": -17.25, "shipped": null, "at": "2024-02-29T08:15:00Z"}

Die Brücke wurde 1893 gebaut und nach dem Hochwasser erneuert; heute fahren dort täglich über 20.000 Fahrzeuge.
Il pleuvait depuis trois jours, et pourtant le marché était plein de monde. ¿Dónde queda la estación más cercana?
Вчера вечером мы долго говорили о погоде и о книгах. 春天来了，河边的柳树又绿了。今日は朝から雨が降っています。

# Bread for two
1. Mix 500 g of flour, 350 ml of water, 10 g of salt and a little yeast.
2. Let the dough rest for twelve hours; fold it twice.
3. Bake at 240 °C until the crust is dark (about 35 minutes).

In a right-angled triangle a^2 + b^2 = c^2. If a = 5 and b = 12, then c = sqrt(25 + 144) = 13. The committee has not yet
decided whether the proposal, which was discussed at length in March, will be put to a vote: most members favour a delay.`

export const MEASURED_TEXT = `When the snow had melted, the old road along the river could be used again. It was narrow and full
of stones, and the carts that came down from the quarry had to wait at every bend until the way was clear. Anna walked
beside the first horse, counting her steps, as she had done every spring since she was a child. At the mill she stopped.
The wheel was standing still, and somebody had nailed a notice to the door.

User: What is the difference between weather and climate?
Assistant: Weather is what the air does at one place over hours or days: rain, wind, sunshine. Climate is what the weather
is like there on average over many years, and how much it varies.

def mean(values):
    """The arithmetic mean of a list that is not empty."""
    total = sum(values)
    return total / len(values)

| city | people | area in km2 |
|------|--------|-------------|
| Graz | 303,000 | 127.6 |
| Lyon | 522,000 | 47.9 |

Das Museum ist montags geschlossen, an allen anderen Tagen von zehn bis achtzehn Uhr geöffnet. La biblioteca abre a las
nueve de la mañana. Water boils at 100 degrees at sea level, but on a mountain of 3,000 metres it boils at about 90, since
the pressure of the air is lower there.`
