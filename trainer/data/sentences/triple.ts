/** The question, its answer, and a text that does not answer it. */
export type Triple = readonly [question: string, answer: string, other: string]
