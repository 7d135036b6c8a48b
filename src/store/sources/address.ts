/** Begins the name of a model of Hugging Face: `hf:OWNER/REPO/FILE[@REVISION]`. */
export const HUGGING_FACE = 'hf:'

/** Addresses that a model may come from: https everywhere, plain http only where nobody can listen in. */
export function isAllowedAddress(address: string): boolean {
  if (!URL.canParse(address)) {
    return false
  }
  const { protocol, hostname } = new URL(address)
  return (
    protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
  )
}
