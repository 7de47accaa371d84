import { describe, expect, it } from 'vitest'
import { heardIn, lastHeard } from '../../../server/critic/heard.ts'

describe('what a user has said in a conversation', () => {
  it('is read whole where it is short, whatever the number of messages', () => {
    const messages = Array.from({ length: 200 }, (_, at) => `The code of locker ${at} is ${at * 37}.`)
    expect(lastHeard(messages)).toEqual({ heard: messages, isAll: true })
    expect(heardIn(messages, []).notes.length + heardIn(messages, []).facts.length).toBeGreaterThanOrEqual(200)
  })

  it('is its end where it is long, and then nobody says that a thing was never told', () => {
    const page = 'The gate is green. '.repeat(1000)
    const messages = ['My locker is 41.', page, page, 'My bike is red.']
    expect(lastHeard(messages)).toEqual({ heard: [page, 'My bike is red.'], isAll: false })
    expect(lastHeard([page.repeat(3)])).toEqual({ heard: [page.repeat(3)], isAll: true })
    expect(lastHeard([])).toEqual({ heard: [], isAll: true })
  })
})
