import { AsyncResource } from 'node:async_hooks';

/** The caller's asynchronous context, for attempts that are made out of it. */
export class CallerScope extends AsyncResource {
  constructor() {
    super('ResilienceCall');
  }

  run(act: () => void): void {
    this.runInAsyncScope(act);
  }
}
