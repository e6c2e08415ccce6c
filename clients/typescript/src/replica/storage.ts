/** A record: a value that `structuredClone` can copy; undefined removes it. */
export type Entry = readonly [key: string, value: unknown];

/** Where a replica keeps its records. */
export interface Storage {
  /** Whether other tabs of this browser keep theirs in the same place. */
  readonly shared?: boolean;
  /** Called once, before the others. A scope is a server and a user; no two may see each other's records. */
  open(scope: string): Promise<void>;
  /** Returns the records whose keys begin so. */
  load(prefix: string): Promise<Entry[]>;
  /** Writes all of the records or, when it rejects, none. */
  save(entries: readonly Entry[]): Promise<void>;
  close(): void;
}

/** Keeps records as long as the object lives. */
export function memoryStorage(): Storage {
  const scopes = new Map<string, Map<string, unknown>>();
  let records = new Map<string, unknown>();
  return {
    async open(scope) {
      records = scopes.get(scope) ?? new Map();
      scopes.set(scope, records);
    },
    load: async (prefix) => [...records].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => [key, structuredClone(value)]),
    async save(entries) {
      for (const [key, value] of structuredClone(entries)) {
        if (value === undefined) records.delete(key);
        else records.set(key, value);
      }
    },
    close() {},
  };
}

const RECORDS = "records";

/** Keeps records in IndexedDB, for all tabs of a browser and after they are closed. */
export function indexedDBStorage({ name = "docket" }: { name?: string } = {}): Storage {
  let scope = "";
  let database: Promise<IDBDatabase> | undefined;

  function connect(): Promise<IDBDatabase> {
    database ??= new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(`${name}/${scope}`, 1);
      request.onupgradeneeded = () => request.result.createObjectStore(RECORDS);
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const forget = () => (database = undefined);
        request.result.onclose = forget; // the browser has removed the data
        request.result.onversionchange = () => {
          request.result.close(); // somebody deletes the database
          forget();
        };
        resolve(request.result);
      };
    });
    database.catch(() => (database = undefined));
    return database;
  }

  async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => () => T): Promise<T> {
    const transaction = (await connect()).transaction(RECORDS, mode);
    return new Promise((resolve, reject) => {
      const result = work(transaction.objectStore(RECORDS));
      transaction.oncomplete = () => resolve(result());
      transaction.onabort = () => reject(transaction.error);
    });
  }

  return {
    shared: true,
    async open(of) {
      scope = of;
      await connect();
    },
    load: (prefix) =>
      run("readonly", (store) => {
        const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`);
        const keys = store.getAllKeys(range);
        const values = store.getAll(range);
        return () => keys.result.map((key, i) => [String(key), values.result[i]] as const);
      }),
    save: (entries) =>
      run("readwrite", (store) => {
        for (const [key, value] of entries) {
          if (value === undefined) store.delete(key);
          else store.put(value, key);
        }
        return () => undefined;
      }),
    close() {
      void database?.then((open) => open.close(), () => {});
      database = undefined;
    },
  };
}
