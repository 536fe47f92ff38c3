/** A header field to add to a request of the app. */
export type ExtraField = readonly [name: string, value: string];

/**
 * Header fields for the call being made, each to be added unless the app has set it itself; undefined: none. Asked once
 * for each call under a policy, in the caller's own stack.
 */
export type ExtraHeaders = () => readonly ExtraField[] | undefined;
