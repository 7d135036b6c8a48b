/** The tables of a store. Each migration takes a store one version on and is never changed once it was released. */
import type { Database } from './sqlite.ts'

/** In the head of the file, so that another program's database is not taken for a store: "BoxJ". */
export const APPLICATION_ID = 0x426f784a

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    state TEXT NOT NULL,
    batch TEXT,
    options TEXT NOT NULL,
    total INTEGER NOT NULL,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL,
    started INTEGER,
    finished INTEGER,
    expires INTEGER NOT NULL,
    manifest TEXT,
    announced INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX jobs_list ON jobs (tenant, id);
  CREATE INDEX jobs_state ON jobs (tenant, state, id);
  CREATE INDEX jobs_batch ON jobs (tenant, batch, id) WHERE batch IS NOT NULL;
  CREATE INDEX jobs_expires ON jobs (expires);
  CREATE INDEX jobs_unread ON jobs (seq) WHERE manifest IS NOT NULL;
  CREATE INDEX jobs_unannounced ON jobs (seq) WHERE finished IS NOT NULL AND announced = 0;

  CREATE TABLE pictures (
    seq INTEGER PRIMARY KEY,
    job INTEGER NOT NULL,
    n INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    line INTEGER,
    source TEXT NOT NULL,
    state TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    finished INTEGER,
    error TEXT,
    found TEXT,
    verdict TEXT,
    uncertain INTEGER,
    identity TEXT,
    sequencer TEXT
  ) STRICT;
  CREATE UNIQUE INDEX pictures_job ON pictures (job, n);
  CREATE INDEX pictures_unsent ON pictures (seq) WHERE sent = 0;
  CREATE INDEX pictures_state ON pictures (job, state, n);
  CREATE INDEX pictures_time ON pictures (tenant, finished) WHERE state = 'succeeded';
  CREATE INDEX pictures_verdict ON pictures (tenant, verdict, finished) WHERE verdict IS NOT NULL;
  CREATE INDEX pictures_uncertain ON pictures (tenant, finished) WHERE uncertain = 1;

  CREATE TABLE finds (
    tenant TEXT NOT NULL,
    label TEXT NOT NULL,
    rank INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    at INTEGER NOT NULL,
    picture INTEGER NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (tenant, label, rank, bucket, at, picture)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX finds_picture ON finds (picture, label, rank, score);

  CREATE TABLE totals (
    job INTEGER NOT NULL,
    label TEXT NOT NULL,
    pictures INTEGER NOT NULL,
    objects INTEGER NOT NULL,
    PRIMARY KEY (job, label)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE keys (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    job INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keys_expires ON keys (expires);

  CREATE TABLE arrivals (
    tenant TEXT NOT NULL,
    identity TEXT NOT NULL,
    sequencer TEXT NOT NULL,
    picture INTEGER NOT NULL,
    PRIMARY KEY (tenant, identity)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE blobs (key TEXT NOT NULL, job INTEGER NOT NULL, PRIMARY KEY (key, job)) STRICT, WITHOUT ROWID;
  CREATE INDEX blobs_job ON blobs (job);

  CREATE TABLE models (key TEXT PRIMARY KEY, model TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    turn INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    visible INTEGER NOT NULL,
    receives INTEGER NOT NULL DEFAULT 0,
    lease TEXT
  ) STRICT;
  CREATE INDEX messages_ready ON messages (queue, turn, seq) WHERE ready = 1;
  CREATE INDEX messages_waiting ON messages (queue, visible) WHERE ready = 0;

  CREATE TABLE turns (
    queue TEXT NOT NULL,
    grp TEXT NOT NULL,
    turn INTEGER NOT NULL,
    PRIMARY KEY (queue, grp)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE dead (
    seq INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    body TEXT NOT NULL,
    receives INTEGER NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    noted INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX dead_queue ON dead (queue, seq);
  CREATE INDEX dead_unnoted ON dead (queue, seq) WHERE noted = 0;

  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    job TEXT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX events_job ON events (job, seq);
  CREATE INDEX events_at ON events (at);
  `,
]

/** The version that this program writes. */
export const SCHEMA_VERSION = MIGRATIONS.length

/** Takes a store on, in one transaction a version. Several processes may begin at once; one does it. */
export function migrate(database: Database): void {
  for (;;) {
    database.exec('BEGIN IMMEDIATE')
    try {
      const version = Number(database.prepare('PRAGMA user_version').get()?.user_version)
      const migration = MIGRATIONS[version]
      if (migration === undefined) {
        database.exec('COMMIT')
        return
      }
      database.exec(migration)
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
      database.exec(`PRAGMA user_version = ${version + 1}`)
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  }
}
