/** Called with what is being done with data, and how much of it is done. */
export type ReportProgress = (what: string, done?: number, of?: number) => void
