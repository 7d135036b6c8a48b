/**
 * Variables of every deployed function. The C library would otherwise keep what was freed, in a pool for each
 * thread: a tenth of the memory of a detection. Returning it costs no measurable time.
 */
export const MEMORY_VARIABLES: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
}
