import { codeFingerprint } from '../system/code-fingerprint.ts'

/**
 * Rooms that run before or after a picture is looked at. All other code counts, so that a room nobody thought of
 * here costs a second evaluation at worst, and never brings back what older code found.
 */
const CANNOT_CHANGE_A_NUMBER = ['api', 'aws', 'cli', 'evaluate/report', 'server', 'web']

/** Names the code between a picture and its boxes. */
export const engineFingerprint = (): Promise<string> =>
  codeFingerprint((path) => !CANNOT_CHANGE_A_NUMBER.some((room) => path.startsWith(`${room}/`)))
