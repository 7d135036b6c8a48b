/** The parts used here of libraries that ship no types. */

declare module '@npmcli/agent' {
  export function getAgent(
    url: string,
    options: {
      keepAlive: boolean
      proxy?: string | undefined
      noProxy?: string | string[] | undefined
      ca?: string | string[] | null | undefined
      cert?: string | null | undefined
      key?: string | null | undefined
      localAddress?: string | undefined
      rejectUnauthorized?: boolean | undefined
    },
  ): import('node:http').Agent
}

declare module 'npm-registry-fetch' {
  export interface RegistryOptions {
    spec?: string
    signal?: AbortSignal
    timeout?: number
    retry?: { retries: number; minTimeout: number }
    cache?: string | null
    headers?: Record<string, string>
    replaceRegistryHost?: string
    httpsProxy?: string
    proxy?: string
    noProxy?: string | string[]
    ca?: string | string[] | null
    cert?: string | null
    key?: string | null
    localAddress?: string
    strictSSL?: boolean
    [option: string]: unknown
  }
  const fetch: {
    json(url: string, options: RegistryOptions): Promise<unknown>
    pickRegistry(spec: string, options: RegistryOptions): string
    getAuth(url: string, options: RegistryOptions): { token?: string | null; auth?: string | null }
  }
  export default fetch
}
