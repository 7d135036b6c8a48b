/** Variables that are no option of a verb, with what they do. Options have one each, see `variableOf`. */
export const VARIABLES: Readonly<Record<string, string>> = {
  BOXLET_API_KEY: 'key for the service that is measured with --endpoint',
  BOXLET_CACHE: 'folder of the cache; by default the cache folder of the platform',
  BOXLET_CATALOGUE: 'folders with catalogue entries of your own, looked at first',
  BOXLET_DEBUG: '1 prints the stack behind an error',
  BOXLET_OFFLINE: '1 never touches the network',
  BOXLET_STALL_SECONDS: 'seconds without a byte after which a download starts again',
}

/** Those of a deployed function, which may be set here to run its package, and those of Boxlet's own tests. */
const OTHERS =
  /^BOXLET_(AUTH|BASE_PATH|CORS_ORIGINS|DIRECT_PATH|KEYS?(_\w+)?|MODEL(_\w+)?|RESULT_\w+|SERVICE\w*|WARM_UP|CORPUS|TEST_\w+)$/

export const isVariable = (name: string): boolean => Object.hasOwn(VARIABLES, name) || OTHERS.test(name)
