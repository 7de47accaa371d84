/** Filters over the attributes of files, as OpenAI's vector stores have them. */

export type Attributes = Readonly<Record<string, string | number | boolean>>
export type FilterValue = string | number | boolean

export interface Comparison {
  readonly type: 'eq' | 'ne' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'nin'
  readonly key: string
  readonly value: FilterValue | readonly FilterValue[]
}

export interface Compound {
  readonly type: 'and' | 'or'
  readonly filters: readonly Filter[]
}

export type Filter = Comparison | Compound

/** Whether the attributes of a file fit. One that has no such attribute fits `ne` and `nin` only. */
export function fits(filter: Filter, attributes: Attributes): boolean {
  if ('filters' in filter)
    return filter.type === 'and'
      ? filter.filters.every((inner) => fits(inner, attributes))
      : filter.filters.some((inner) => fits(inner, attributes))
  const value = Object.hasOwn(attributes, filter.key) ? attributes[filter.key] : undefined
  return compare(filter, value)
}

function compare({ type, value: wanted }: Comparison, value: FilterValue | undefined): boolean {
  if (type === 'eq' || type === 'in') return [wanted].flat().includes(value as FilterValue)
  if (type === 'ne' || type === 'nin') return ![wanted].flat().includes(value as FilterValue)
  // Numbers are compared with numbers, and texts with texts: dates are written so that this is their order.
  if (typeof value !== typeof wanted || value === undefined || typeof value === 'boolean') return false
  const order = value < (wanted as typeof value) ? -1 : value > (wanted as typeof value) ? 1 : 0
  if (type === 'gt') return order > 0
  if (type === 'gte') return order >= 0
  return type === 'lt' ? order < 0 : order <= 0
}
