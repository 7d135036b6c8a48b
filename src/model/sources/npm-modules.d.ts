/** The parts used here of libraries that ship no types. */

interface FetchedResponse {
  ok: boolean
  status: number
  url: string
  body: AsyncIterable<Uint8Array>
}

interface FetchRetry {
  retries: number
  minTimeout: number
}

declare module 'make-fetch-happen' {
  export default function fetch(
    url: string,
    options: {
      signal: AbortSignal
      timeout: number
      retry: FetchRetry
      proxy?: string
      noProxy?: string
    },
  ): Promise<FetchedResponse>
}

declare module 'npm-registry-fetch' {
  export interface RegistryOptions {
    spec?: string
    signal?: AbortSignal
    timeout?: number
    retry?: FetchRetry
    cache?: string | null
    headers?: Record<string, string>
    replaceRegistryHost?: string
    [option: string]: unknown
  }
  function fetch(url: string, options: RegistryOptions): Promise<FetchedResponse>
  namespace fetch {
    function json(url: string, options: RegistryOptions): Promise<unknown>
    function pickRegistry(spec: string, options: RegistryOptions): string
  }
  export default fetch
}
