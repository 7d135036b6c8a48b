import type { Page } from './job-store.ts'

export interface NewMessage {
  body: string
  /** Messages of one group do not hold up those of others, however many they are. */
  group?: string
  delayMs?: number
}

export interface Message {
  id: string
  body: string
  /** How often it has been handed out, this time included. */
  receives: number
  /** Proof of the lease; only its holder may finish the message or give it back. */
  lease: string
}

export interface DeadLetter {
  id: string
  body: string
  receives: number
  reason: string
  /** Milliseconds since 1970. */
  at: number
}

export interface QueueSize {
  /** To be had now, under lease or delayed, and dead. */
  ready: number
  waiting: number
  dead: number
}

/**
 * Hands each message out at least once: a message that is not done when its lease ends is handed out again, and after
 * `mostReceives` times it lies among the dead letters.
 */
export interface Queue {
  /** Kept when it returns. */
  send(messages: readonly NewMessage[]): Promise<void>
  /** Up to `max` messages, none where there are none: it does not wait. */
  receive(options: { max: number; leaseMs: number }): Promise<Message[]>
  /** Renews leases. @returns messages whose lease was lost already */
  extend(messages: readonly Message[], leaseMs: number): Promise<Message[]>
  /** Without effect where the lease was lost. */
  done(messages: readonly Message[]): Promise<void>
  /** To be handed out again after a while. With `unused` the receive does not count. */
  giveBack(message: Message, options: { delayMs: number; unused?: boolean }): Promise<void>
  /** To the dead letters. */
  bury(message: Message, reason: string): Promise<void>
  /** Oldest first. */
  deadLetters(query: { limit: number; cursor?: string }): Promise<Page<DeadLetter>>
  /** Dead letters that came there by too many receives and of which nobody has taken note. */
  unnoted(limit: number): Promise<DeadLetter[]>
  noted(ids: readonly string[]): Promise<void>
  /** Takes a dead letter away; whoever redrives sends a new message. @returns false where it is gone already */
  dropDead(id: string): Promise<boolean>
  size(): Promise<QueueSize>
}
