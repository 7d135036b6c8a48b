import { AsyncLocalStorage } from 'node:async_hooks'
import * as fs from 'node:fs/promises'

/** Where a path leads, links followed. @throws BoxletError for a path that may not be read */
export type Judge = (path: string) => Promise<string>

const judges = new AsyncLocalStorage<Judge>()

/**
 * Reads a data set of which every path is judged before anything is opened: annotations name files, lists and folders
 * anywhere on the machine, and who may read some folders only must not learn what lies beside them.
 */
export const readJudged = <T>(judge: Judge, read: () => Promise<T>): Promise<T> => judges.run(judge, read)

const judged = <F extends (path: string, ...rest: never[]) => Promise<unknown>>(call: F): F => {
  const open = async (path: string, ...rest: never[]) =>
    call((await judges.getStore()?.(path)) ?? path, ...rest)
  return open as unknown as F
}

/** As Node's, each path judged: all that reads data sets goes through these. */
export const readFile: typeof fs.readFile = judged(fs.readFile)
export const readdir: typeof fs.readdir = judged(fs.readdir)
export const stat: typeof fs.stat = judged(fs.stat)
export const open: typeof fs.open = judged(fs.open)
