import { PERSON } from './predicates/person.ts'
import { PLACES } from './predicates/places.ts'
import { WORK } from './predicates/work.ts'
import { HEALTH } from './predicates/health.ts'
import { TASTES } from './predicates/tastes.ts'
import { THINGS } from './predicates/things.ts'
import { compiled, type Predicate } from './predicates/predicate.ts'

/** What can be said of somebody, each a pattern of the whole predicate; the first that fits decides. */
export const PREDICATES: readonly Predicate[] = compiled([
  ...PERSON,
  ...PLACES,
  ...HEALTH,
  ...WORK,
  ...TASTES,
  ...THINGS,
])
