/** The most that SQS knows: a mapping that is switched off over a holiday loses nothing. */
export const RETENTION = 14 * 86_400
