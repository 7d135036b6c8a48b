/**
 * Variables of every deployed function, for the C library's allocator. A function uses the memory that it has been given
 * again and again, so nothing is gained by handing it back: each page taken afresh costs a fault, and they are a
 * sixth of a cold start. One pool serves all threads, which would each keep one of their own.
 */
export const MEMORY_VARIABLES: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  // The most that the library takes; larger blocks are pictures of many megapixels, which are handed back.
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(512 * 2 ** 20),
  // Memory is asked for in such steps; what is never touched takes none.
  MALLOC_TOP_PAD_: String(64 * 2 ** 20),
}
