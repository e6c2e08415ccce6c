// Made from openapi.yaml by scripts/types.mjs. Do not edit.
export interface components {
    schemas: {
        APIKey: {
            /**
             * Format: date-time
             * @description When the key was made.
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the key ends, or ended; null: never.
             * @example 2027-01-31T09:30:00.000000Z
             */
            expires_at: string | null;
            /**
             * Format: uuid
             * @description Names the key, in its text too. Ids sort in creation order (UUID version 7).
             * @example 019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            id: string;
            /**
             * Format: date
             * @description The day of the key's last use, in UTC; null: it was not used.
             * @example 2026-01-31
             */
            last_used_on: string | null;
            /**
             * @description What the key is for.
             * @example Calendar
             */
            name: string;
            /**
             * @description What the key may do; tasks:write includes tasks:read.
             * @example [
             *       "tasks:read"
             *     ]
             */
            scopes: ("tasks:read" | "tasks:write" | "user:erase" | "keys:manage")[];
        };
        APIKeyCreate: {
            /**
             * Format: date-time
             * @description When the key ends: an instant in the future (RFC 3339). Null or absent: never.
             * @example 2027-01-31T09:30:00Z
             */
            expires_at?: string | null;
            /**
             * @description What the key is for. Surrounding white space is removed; the bounds apply to what is left.
             * @example Calendar
             */
            name: string;
            /**
             * @description What the key may do; tasks:write includes tasks:read. One that is given twice counts once.
             * @example [
             *       "tasks:read"
             *     ]
             */
            scopes: ("tasks:read" | "tasks:write" | "user:erase" | "keys:manage")[];
        };
        APIKeyMade: {
            /**
             * Format: date-time
             * @description When the key was made.
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the key ends, or ended; null: never.
             * @example 2027-01-31T09:30:00.000000Z
             */
            expires_at: string | null;
            /**
             * Format: uuid
             * @description Names the key, in its text too. Ids sort in creation order (UUID version 7).
             * @example 019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            id: string;
            /**
             * @description The key itself: what to send as a bearer token. Keep it as a password is kept; the server keeps its SHA-256 alone.
             * @example dkt_YWxpY2U.019a4e6f-1b2c-7d3e-8f40-516273849a5b.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
             */
            key: string;
            /**
             * Format: date
             * @description The day of the key's last use, in UTC; null: it was not used.
             * @example 2026-01-31
             */
            last_used_on: string | null;
            /**
             * @description What the key is for.
             * @example Calendar
             */
            name: string;
            /**
             * @description What the key may do; tasks:write includes tasks:read.
             * @example [
             *       "tasks:read"
             *     ]
             */
            scopes: ("tasks:read" | "tasks:write" | "user:erase" | "keys:manage")[];
        };
        Batch: {
            /** @description What to do, in this order. */
            operations: components["schemas"]["BatchOperation"][];
        };
        BatchComplete: {
            /**
             * Format: uuid
             * @description The task.
             * @example 019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            id: string;
            /**
             * Format: int64
             * @description The version that the task must have: otherwise 412, as with If-Match.
             * @example 1
             */
            if_version?: number;
            /**
             * @description What to do. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            op: "complete";
            task?: components["schemas"]["TaskComplete"];
        };
        BatchCreate: {
            /**
             * Format: uuid
             * @description The id of the task, which the client made: a UUID version 7. 412 when the user has, or had and can restore, a task of that id. Absent: the server makes one.
             * @example 019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            id?: string;
            /**
             * @description What to do. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            op: "create";
            task: components["schemas"]["TaskCreate"];
        };
        BatchDelete: {
            /**
             * Format: uuid
             * @description The task.
             * @example 019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            id: string;
            /**
             * Format: int64
             * @description The version that the task must have: otherwise 412, as with If-Match.
             * @example 1
             */
            if_version?: number;
            /**
             * @description What to do. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            op: "delete";
        };
        BatchOperation: components["schemas"]["BatchCreate"] | components["schemas"]["BatchUpdate"] | components["schemas"]["BatchComplete"] | components["schemas"]["BatchDelete"] | components["schemas"]["BatchRestore"];
        BatchRestore: {
            /**
             * Format: uuid
             * @description The task.
             * @example 019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            id: string;
            /**
             * Format: int64
             * @description The version that the task must have: otherwise 412, as with If-Match.
             * @example 1
             */
            if_version?: number;
            /**
             * @description What to do. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            op: "restore";
        };
        BatchResult: {
            /**
             * Format: int32
             * @description The status that the operation's own route answers with; 204 only in a repeated answer of an earlier version of the server.
             * @example 200
             * @enum {integer}
             */
            status: 200 | 201 | 204;
            task?: components["schemas"]["Task"] | components["schemas"]["Tombstone"];
        };
        BatchResults: {
            /** @description What became of each operation, in their order. */
            results: components["schemas"]["BatchResult"][];
        };
        BatchUpdate: {
            /**
             * Format: uuid
             * @description The task.
             * @example 019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            id: string;
            /**
             * Format: int64
             * @description The version that the task must have: otherwise 412, as with If-Match.
             * @example 1
             */
            if_version?: number;
            /**
             * @description What to do. (enum property replaced by openapi-typescript)
             * @enum {string}
             */
            op: "update";
            task: components["schemas"]["TaskUpdate"];
        };
        Changes: {
            /**
             * @description Whether there are more changes already: ask again at once.
             * @example false
             */
            has_more: boolean;
            /** @description The latest state of each task that changed, in the order of their versions. */
            items: (components["schemas"]["Task"] | components["schemas"]["Tombstone"])[];
            /**
             * @description The sync token to send as since the next time.
             * @example AQ
             */
            next: string;
        };
        Export: {
            /**
             * Format: int32
             * @description The version of the format: 1. A server does not import a file of a later one.
             * @example 1
             */
            docket: number;
            /**
             * Format: date-time
             * @description When the export began.
             * @example 2026-01-31T09:30:00.000000Z
             */
            exported_at?: string;
            /** @description The tasks, deleted ones (with deleted_at) last. */
            tasks: components["schemas"]["Task"][];
        };
        Health: {
            /**
             * @description Always ok; anything else is a problem document.
             * @enum {string}
             */
            status: "ok";
            /** @description What the operator should look at although the server serves. Absent: nothing. */
            warnings?: string[];
        };
        ImportResult: {
            /**
             * Format: int32
             * @description How many tasks are new.
             * @example 41
             */
            added: number;
            /** @description What was left out, the first 100: tasks, and parts of tasks that are kept without them. */
            skipped: components["schemas"]["ImportSkip"][];
            /**
             * Format: int32
             * @description How many entries skipped would have if all were listed.
             * @example 1
             */
            skipped_count: number;
            /**
             * Format: int32
             * @description How many the user had already, by their ids. They stay as they are.
             * @example 1
             */
            unchanged: number;
        };
        ImportSkip: {
            /**
             * @description What it is, for programs.
             * @example too_long
             */
            code: string;
            /**
             * @description What was left out and why, as a sentence that can be shown to a user.
             * @example The task was left out. The title has 501 characters. Shorten it to at most 500.
             */
            detail: string;
            /**
             * Format: int32
             * @description The line of the file, from 1; where a record has several, the first.
             * @example 7
             */
            line: number;
        };
        Problem: {
            /**
             * @description What went wrong, as a sentence that can be shown to a user.
             * @example This user has no such task.
             */
            detail: string;
            /** @description Every fault of invalid input; of a batch, the operation because of which nothing was changed. */
            errors?: components["schemas"]["ProblemFault"][];
            /**
             * Format: uri-reference
             * @description The path of the request.
             * @example /api/alice/tasks/019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            instance: string;
            /**
             * Format: int64
             * @description Of task-quota-exceeded: how many tasks a user may have; of quota-exceeded, how many bytes or API keys.
             * @example 1000
             */
            limit?: number;
            /**
             * @description Finds this request in the server's log.
             * @example NQ6F2ZVJ4XK7M3WBT5CRYAHDLE
             */
            request_id: string;
            /**
             * Format: int32
             * @description The HTTP status.
             * @example 404
             */
            status: number;
            /**
             * @description The kind of error, in words.
             * @example No such task
             */
            title: string;
            /**
             * Format: uri-reference
             * @description A page that explains this kind of error and how to mend it.
             * @example /problems/task-not-found
             */
            type: string;
        };
        ProblemFault: {
            /**
             * @description The kind of fault, for programs.
             * @example too_long
             */
            code: string;
            /**
             * @description The fault and its mend, as a sentence.
             * @example The title has 501 characters. Shorten it to at most 500.
             */
            detail: string;
            /**
             * @description The request header.
             * @example Content-Type
             */
            header?: string;
            /**
             * @description The path or query parameter.
             * @example user_id
             */
            parameter?: string;
            /**
             * Format: json-pointer
             * @description Where in the body: a JSON pointer (RFC 6901); empty for the whole body.
             * @example /title
             */
            pointer?: string;
        };
        Task: {
            /**
             * @description False at creation unless the client said otherwise.
             * @example false
             */
            completed: boolean;
            /**
             * Format: date-time
             * @description When the task last became completed; null while it is not.
             * @example 2026-01-31T09:30:00.000000Z
             */
            completed_at: string | null;
            /**
             * Format: date-time
             * @description When the task was created.
             * @example 2026-01-31T09:30:00.000000Z
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When the task was deleted; only in the trash.
             */
            deleted_at?: string;
            /**
             * @description Null when there is none.
             * @example Two litres
             */
            description: string | null;
            /**
             * @description When the task is due, in the form in which it was given: a date (the whole day, wherever the reader is), a local date and time, or an instant in UTC. Null when there is none.
             * @example 2026-12-01
             */
            due_date: string | null;
            /**
             * Format: uuid
             * @description Made by the server, unless the client made it. Ids sort in creation order (UUID version 7).
             * @example 019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            id: string;
            /** @description Fields of the application's own, numbers as they were written. */
            metadata: {
                [key: string]: unknown;
            };
            /**
             * @description Medium at creation unless the client said otherwise.
             * @example medium
             * @enum {string}
             */
            priority: "low" | "medium" | "high";
            /**
             * @description In the client's order, each once.
             * @example [
             *       "home"
             *     ]
             */
            tags: string[];
            /**
             * @description Without surrounding white space.
             * @example Buy milk
             */
            title: string;
            /**
             * Format: date-time
             * @description When the task last changed.
             * @example 2026-01-31T09:30:00.000000Z
             */
            updated_at: string;
            /**
             * @description The owner.
             * @example alice
             */
            user_id: string;
            /**
             * Format: int64
             * @description The owner's change number at this task's last change; also its ETag. A JavaScript number holds it exactly.
             * @example 1
             */
            version: number;
        };
        TaskComplete: {
            /**
             * @description What to set. Absent: the task is toggled; in a batch it is completed.
             * @example true
             */
            completed?: boolean;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly completed_at?: string | null;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly created_at?: string;
            /** @description Ignored. */
            readonly deleted?: boolean;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly deleted_at?: string;
            /**
             * Format: uuid
             * @description Ignored.
             */
            readonly id?: string;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly updated_at?: string;
            /** @description Ignored. */
            readonly user_id?: string;
            /**
             * Format: int64
             * @description Ignored.
             */
            readonly version?: number;
        };
        TaskCreate: {
            /** @description Whether the task is done. Absent: it is not. */
            completed?: boolean;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly completed_at?: string | null;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly created_at?: string;
            /** @description Ignored. */
            readonly deleted?: boolean;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly deleted_at?: string;
            /**
             * @description Null or absent: none.
             * @example Two litres
             */
            description?: string | null;
            /**
             * @description A date, a local date and time (seconds may be left out, a fraction is dropped) or an instant (with Z or an offset). Null or absent: none.
             * @example 2026-12-01
             */
            due_date?: string | null;
            /**
             * Format: uuid
             * @description Ignored.
             */
            readonly id?: string;
            /** @description Fields of the application's own: up to 4,096 bytes in compact form, nested up to 8 deep. Null or absent: none. */
            metadata?: {
                [key: string]: unknown;
            } | null;
            /**
             * @description How urgent the task is. Absent: medium.
             * @example high
             * @enum {string}
             */
            priority?: "low" | "medium" | "high";
            /**
             * @description Each is trimmed, and kept once. Null or absent: none.
             * @example [
             *       "home"
             *     ]
             */
            tags?: string[] | null;
            /**
             * @description Surrounding white space is removed; the bounds apply to what is left.
             * @example Buy milk
             */
            title: string;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly updated_at?: string;
            /** @description Ignored. */
            readonly user_id?: string;
            /**
             * Format: int64
             * @description Ignored.
             */
            readonly version?: number;
        };
        /**
         * @description The order; with - in front from the last to the first. Ties are broken by id; tasks without a due date come last in both directions; of priorities low is the first.
         * @example -updated_at
         * @enum {string}
         */
        TaskSort: "created_at" | "-created_at" | "updated_at" | "-updated_at" | "title" | "-title" | "due_date" | "-due_date" | "priority" | "-priority";
        TaskUpdate: {
            /**
             * @description Whether the task is done.
             * @example true
             */
            completed?: boolean;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly completed_at?: string | null;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly created_at?: string;
            /** @description Ignored. */
            readonly deleted?: boolean;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly deleted_at?: string;
            /**
             * @description Null clears it.
             * @example One litre
             */
            description?: string | null;
            /**
             * @description A date, a local date and time (seconds may be left out, a fraction is dropped) or an instant (with Z or an offset). Null clears it.
             * @example 2026-12-01T09:00:00Z
             */
            due_date?: string | null;
            /**
             * Format: uuid
             * @description Ignored.
             */
            readonly id?: string;
            /** @description Fields of the application's own: up to 4,096 bytes in compact form, nested up to 8 deep. PATCH merges it (RFC 7396) and takes a patch of up to 16,384 bytes, PUT and batch replace it, null empties it. */
            metadata?: {
                [key: string]: unknown;
            } | null;
            /**
             * @description How urgent the task is.
             * @example low
             * @enum {string}
             */
            priority?: "low" | "medium" | "high";
            /**
             * @description All of them: each is trimmed, and kept once. Null empties them.
             * @example [
             *       "home"
             *     ]
             */
            tags?: string[] | null;
            /**
             * @description Surrounding white space is removed; the bounds apply to what is left.
             * @example Buy oat milk
             */
            title?: string;
            /**
             * Format: date-time
             * @description Ignored.
             */
            readonly updated_at?: string;
            /** @description Ignored. */
            readonly user_id?: string;
            /**
             * Format: int64
             * @description Ignored.
             */
            readonly version?: number;
        };
        Tombstone: {
            /**
             * @description Always true: the task is deleted.
             * @example true
             */
            deleted: boolean;
            /**
             * Format: date-time
             * @description When the task was deleted.
             * @example 2026-01-31T09:30:00.000000Z
             */
            deleted_at: string;
            /**
             * Format: uuid
             * @description The task's.
             * @example 019a4e6f-1b2c-7d3e-8f40-516273849a5b
             */
            id: string;
            /**
             * Format: int64
             * @description The owner's change number at the deletion; also the ETag of the deleted task, for a restore.
             * @example 2
             */
            version: number;
        };
        ListQuery: {
            /**
             * Format: int32
             * @description The most tasks to return. Absent: all, up to 10,000.
             * @example 50
             */
            limit?: number;
            /**
             * @description Where to go on: taken from the Link header of the page before, with the other parameters as they were.
             * @example AQ
             */
            cursor?: string;
            /**
             * Format: int32
             * @description How many tasks to skip, for pages by number. Not with cursor, which costs less and misses nothing.
             * @example 50
             */
            offset?: number;
            /**
             * @description Only tasks with this value. Not with status.
             * @example false
             */
            completed?: boolean;
            /**
             * @description Only tasks with one of these: repeated, or separated by commas.
             * @example [
             *       "high"
             *     ]
             */
            priority?: ("low" | "medium" | "high")[];
            /**
             * @description Only tasks with all of these, whatever their case: repeated, or separated by commas.
             * @example [
             *       "home"
             *     ]
             */
            tag?: string[];
            /**
             * @description Only tasks that are due before: a due date in any of its forms, which counts from its first moment, in UTC where it says nothing else.
             * @example 2026-12-01
             */
            due_before?: string;
            /**
             * @description Only tasks that are due then or later: a due date in any of its forms.
             * @example 2026-12-01
             */
            due_after?: string;
            /**
             * @description The trash instead of the live tasks: those that were deleted and can be restored.
             * @example false
             */
            deleted?: boolean;
            /** @description The order; with - in front from the last to the first. Ties are broken by id; tasks without a due date come last in both directions; of priorities low is the first. */
            sort?: components["schemas"]["TaskSort"];
            /**
             * @description Only tasks whose title, description or a tag contains this text, whatever its case (Unicode simple folding: ß does not match ss, nor i ı).
             * @example milk
             */
            q?: string;
            /**
             * @description The same as completed, by name.
             * @example pending
             * @enum {string}
             */
            status?: "all" | "pending" | "completed";
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
