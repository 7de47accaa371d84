/** Prompts whose replies repeat what was said, and prompts whose replies do not. */
const CODE = `def total(prices, discounts):
    result = 0
    for price, discount in zip(prices, discounts):
        if discount > 0.5:
            raise ValueError("a discount of more than half")
        reduced = price * (1 - discount)
        result = result + reduced
    return result

def average(prices, discounts):
    if len(prices) == 0:
        return 0
    return total(prices, discounts) / len(prices)

def report(prices, discounts):
    print("items:", len(prices))
    print("total:", total(prices, discounts))
    print("average:", average(prices, discounts))
`
export const TEXTS = {
  'code again with one change': {
    prompt: `The file shop.py:\n\`\`\`python\n${CODE}\`\`\`\nThe same file with the name total changed to sum_of:\n\`\`\`python\n`,
    temperature: 0,
  },
  'a story': {
    prompt: 'The keeper of the lighthouse had not spoken to anybody for eleven years. One evening',
    temperature: 0.8,
  },
  'an explanation': {
    prompt: 'Photosynthesis, explained to a student of chemistry, from light to sugar:\n\n',
    temperature: 0.8,
  },
} as const
