/** What is done with a reply that is wrong about its user (policy.ts); `off`: nothing is checked. */
export const VERIFY_MODES = ['off', 'annotate', 'abstain', 'quote', 'retry', 'rollback'] as const
export type VerifyMode = (typeof VERIFY_MODES)[number]
